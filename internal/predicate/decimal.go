package predicate

import "github.com/apache/arrow-go/v18/arrow/decimal128"

// DecimalDouble returns the double nearest to a decimal of a scale, which is what
// expressions see of it.
func DecimalDouble(digits decimal128.Num, scale int32) float64 { return rounded(digits, scale) }
