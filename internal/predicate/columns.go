package predicate

import (
	"fmt"
	"math"
	"math/big"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/feedmill/feedmill/internal/offer"
)

// columnOf reads an Arrow array as a column of type t; inner is the struct type
// in it. An array that does not fit gives an absent column.
func columnOf(t offer.Type, inner *structType, a arrow.Array) column {
	if c := nested(t, inner, a); c != nil {
		return c
	}
	if c := number(t.Kind, a); c != nil {
		return c
	}
	switch a := a.(type) {
	case *array.String:
		if t.Kind == offer.String {
			return scalar[string]{a, a.Value, text}
		}
	case *array.LargeString:
		if t.Kind == offer.String {
			return scalar[string]{a, a.Value, text}
		}
	case *array.Dictionary:
		if in, ok := a.Dictionary().(*array.String); ok && in.NullN() == 0 && t.Kind == offer.String {
			return scalar[string]{a, func(i int) string { return in.Value(a.GetValueIndex(i)) }, text}
		}
	case *array.Boolean:
		if t.Kind == offer.Bool {
			return scalar[bool]{a, a.Value, func(b bool) ref.Val { return types.Bool(b) }}
		}
	case *array.Timestamp:
		if t.Kind == offer.Timestamp {
			unit := a.DataType().(*arrow.TimestampType).Unit
			return scalar[time.Time]{a, func(i int) time.Time { return a.Value(i).ToTime(unit) }, instant}
		}
	case *array.Date32:
		if t.Kind == offer.Date {
			return scalar[time.Time]{a, func(i int) time.Time { return a.Value(i).ToTime() }, instant}
		}
	}
	return absent{fmt.Errorf("a %s column stands where %s is expected", a.DataType(), t)}
}

func text(s string) ref.Val { return types.String(s) }

func instant(t time.Time) ref.Val { return types.Timestamp{Time: t} }

func nested(t offer.Type, inner *structType, a arrow.Array) column {
	switch a := a.(type) {
	case *array.Map:
		if keys, ok := a.Keys().(*array.String); ok && t.Kind == offer.Map {
			return mapColumn{listColumn{a, columnOf(*t.Elem, inner, a.Items())}, keys}
		}
	case array.ListLike:
		if t.Kind == offer.List {
			return listColumn{a, columnOf(*t.Elem, inner, a.ListValues())}
		}
	case *array.Struct:
		if t.Kind == offer.Struct {
			return structOf(inner, a)
		}
	}
	return nil
}

func structOf(typ *structType, a *array.Struct) column {
	shape := a.DataType().(*arrow.StructType)
	return &structColumn{typ: typ, array: a, fields: typ.columns(func(name string) arrow.Array {
		if i, ok := shape.FieldIdx(name); ok {
			return a.Field(i)
		}
		return nil
	})}
}

// columns reads the fields that find returns; one it lacks is absent.
func (s *structType) columns(find func(name string) arrow.Array) []column {
	out := make([]column, len(s.fields))
	for i, f := range s.fields {
		if a := find(f.Name); a != nil {
			out[i] = columnOf(f.Type, s.inner[i], a)
			continue
		}
		out[i] = absent{fmt.Errorf("the rows have no column %s.%s", s.title, f.Name)}
	}
	return out
}

// number reads numbers of any width, or returns nil.
func number(kind offer.Kind, a arrow.Array) column {
	switch kind {
	case offer.Int:
		return integer(a)
	case offer.Double:
		return double(a)
	case offer.Decimal:
		if a, ok := a.(*array.Decimal128); ok {
			scale := a.DataType().(*arrow.Decimal128Type).Scale
			return scalar[float64]{a, func(i int) float64 { return rounded(a.Value(i), scale) }, boxDouble}
		}
	}
	return nil
}

func integer(a arrow.Array) column {
	switch a := a.(type) {
	case *array.Int64:
		return scalar[int64]{a, a.Value, boxInt}
	case *array.Int32:
		return ints(a, a.Value)
	case *array.Int16:
		return ints(a, a.Value)
	case *array.Int8:
		return ints(a, a.Value)
	case *array.Uint32:
		return ints(a, a.Value)
	case *array.Uint16:
		return ints(a, a.Value)
	case *array.Uint8:
		return ints(a, a.Value)
	default:
		return nil
	}
}

func ints[T int8 | int16 | int32 | uint8 | uint16 | uint32](a arrow.Array, at func(int) T) column {
	return scalar[int64]{a, func(i int) int64 { return int64(at(i)) }, boxInt}
}

func double(a arrow.Array) column {
	switch a := a.(type) {
	case *array.Float64:
		return scalar[float64]{a, a.Value, boxDouble}
	case *array.Float32:
		return scalar[float64]{a, func(i int) float64 { return float64(a.Value(i)) }, boxDouble}
	default:
		return nil
	}
}

func boxInt(v int64) ref.Val { return types.Int(v) }

func boxDouble(v float64) ref.Val { return types.Double(v) }

// rounded returns the double nearest to a decimal. Up to 53 bits of digits and 22
// of scale, digits and power are exact, so that one division rounds once.
func rounded(digits decimal128.Num, scale int32) float64 {
	const exact = 1 << 53
	low := int64(digits.LowBits())
	if small := digits.HighBits() == low>>63; small && -exact <= low && low <= exact && 0 <= scale && scale <= 22 {
		return float64(low) / math.Pow10(int(scale))
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil)
	value := new(big.Rat).SetInt(digits.BigInt())
	if scale < 0 {
		value.Mul(value, new(big.Rat).SetInt(power))
	} else {
		value.Quo(value, new(big.Rat).SetInt(power))
	}
	f, _ := value.Float64()
	return f
}
