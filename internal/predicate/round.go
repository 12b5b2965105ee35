package predicate

import (
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

func round(v ref.Val) ref.Val { return types.Double(roundText(float64(v.(types.Double)), 0)) }

func roundTo(v, digits ref.Val) ref.Val {
	x, _ := toDouble(v)
	n := max(min(int64(digits.(types.Int)), 400), -400)
	return types.Double(roundText(float64(x), int(n)))
}

// roundText rounds the shortest decimal text of v half away from zero to n digits
// after the point: 1.005 to two digits is 1.01, although its double is less than
// that.
func roundText(v float64, n int) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(math.Abs(v), 'f', -1, 64), ".")
	digits := []byte("0" + whole + fraction)
	keep := 1 + len(whole) + n
	if keep >= len(digits) {
		return v
	}
	if keep < 1 {
		return math.Copysign(0, v)
	}
	kept := digits[:keep:keep]
	if digits[keep] >= '5' {
		increment(kept)
	}
	out, _ := strconv.ParseFloat(string(kept)+"e"+strconv.Itoa(-n), 64)
	return math.Copysign(out, v)
}

// increment adds one to decimal digits of which the first is not 9.
func increment(digits []byte) {
	for i := len(digits) - 1; ; i-- {
		if digits[i] != '9' {
			digits[i]++
			return
		}
		digits[i] = '0'
	}
}
