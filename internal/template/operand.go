package template

import (
	"math"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// An operand is a value of a compiled item: as those of value.go, without a box of
// its own for each.
type operand struct {
	kind  operandKind
	scale int32  // of a decimal
	n     int64  // of a bool, an int, the unscaled digits of a decimal, the bits of a double; else the row in the array
	s     string // good until the item ends
	of    any    // the array of a timestamp, struct, list or map; of what is boxed a value of value.go
}

type operandKind uint8

const (
	isNull operandKind = iota
	isBool
	isInt
	isDouble
	isText
	isDecimal
	isTime   // a timestamp in array
	isMember // a struct in array
	isList   // in array
	isMap    // in array
	isRoot   // what an item sees
	isOffer  // the row of the offers
	isFields // the row of the fields
	isBoxed
)

func truth(yes bool) operand {
	if yes {
		return operand{kind: isBool, n: 1}
	}
	return operand{kind: isBool}
}

func textOperand(s string) operand { return operand{kind: isText, s: s} }
func intOperand(n int64) operand   { return operand{kind: isInt, n: n} }

func doubleOperand(f float64) operand {
	return operand{kind: isDouble, n: int64(math.Float64bits(f))}
}

func (v operand) double() float64 { return math.Float64frombits(uint64(v.n)) }

// operandAt is one value of an array.
func operandAt(a arrow.Array, i int) operand {
	if a.IsNull(i) {
		return operand{}
	}
	switch a := a.(type) {
	case *array.String:
		return operand{kind: isText, s: a.Value(i)}
	case *array.Dictionary:
		return operand{kind: isText, s: codedText(a, i)}
	case *array.Boolean:
		return truth(a.Value(i))
	case *array.Int64:
		return operand{kind: isInt, n: a.Value(i)}
	case *array.Float64:
		return doubleOperand(a.Value(i))
	case *array.Decimal128:
		return operand{kind: isDecimal, n: int64(a.Value(i).LowBits()), scale: a.DataType().(*arrow.Decimal128Type).Scale}
	case *array.Timestamp:
		return operand{kind: isTime, n: int64(i), of: a}
	case *array.Struct:
		return operand{kind: isMember, n: int64(i), of: a}
	case *array.List:
		return operand{kind: isList, n: int64(i), of: a}
	case *array.Map:
		return operand{kind: isMap, n: int64(i), of: a}
	default:
		return unboxed(valueAt(a, i))
	}
}

// unboxed makes an operand of a value.
func unboxed(v any) operand {
	switch v := plain(v).(type) {
	case nil:
		return operand{}
	case bool:
		return truth(v)
	case int64:
		return intOperand(v)
	case float64:
		return doubleOperand(v)
	case string:
		return textOperand(v)
	case decimal:
		return operand{kind: isDecimal, n: v.digits().unscaled, scale: v.digits().scale}
	default:
		return operand{kind: isBoxed, of: v}
	}
}

// boxed makes a value of an operand.
func (p *press) boxed(v operand) any {
	switch v.kind {
	case isNull:
		return nil
	case isBool:
		return v.n != 0
	case isInt:
		return v.n
	case isDouble:
		return v.double()
	case isText:
		return v.s
	case isDecimal:
		return newDecimal(v.n, v.scale)
	case isTime, isMember, isList, isMap:
		return valueAt(v.of.(arrow.Array), int(v.n))
	case isRoot:
		return map[string]any{"offer": record{p.offers, p.row}, "fields": record{p.fields, p.row}, "params": p.params}
	case isOffer:
		return record{p.offers, p.row}
	case isFields:
		return record{p.fields, p.row}
	default:
		return v.of
	}
}

func (v operand) time() time.Time {
	a := v.of.(*array.Timestamp)
	return a.Value(int(v.n)).ToTime(a.DataType().(*arrow.TimestampType).Unit).UTC()
}

// span is where the elements of a list or map stand.
func (v operand) span() (from, to int) {
	start, end := v.of.(array.ListLike).ValueOffsets(int(v.n))
	return int(start), int(end)
}

// holds is the language's idea of truth, which is text/template's over the values.
func (v operand) holds() bool {
	switch v.kind {
	case isNull:
		return false
	case isBool, isInt, isDecimal:
		return v.n != 0
	case isDouble:
		return v.double() != 0
	case isText:
		return v.s != ""
	case isList, isMap:
		from, to := v.span()
		return from < to
	case isBoxed:
		switch b := v.of.(type) {
		case []any:
			return len(b) > 0
		case map[string]any:
			return len(b) > 0
		}
	}
	return true
}

// empty reports whether a value is null, an empty text or an empty list or map.
func (v operand) empty() bool {
	switch v.kind {
	case isNull:
		return true
	case isText, isList, isMap, isBoxed:
		return !v.holds()
	default:
		return false
	}
}

// length counts the elements of a list or map, or the code points of a text.
func (p *press) length(v operand) int64 {
	switch v.kind {
	case isText:
		return int64(utf8.RuneCountInString(v.s))
	case isList:
		from, to := v.span()
		return int64(to - from)
	default:
		return length(p.boxed(v))
	}
}

// appendText appends how a value prints.
func (p *press) appendText(dst []byte, v operand) []byte {
	switch v.kind {
	case isNull:
		return dst
	case isText:
		return append(dst, v.s...)
	case isInt:
		return appendInt(dst, v.n)
	case isDecimal:
		return appendDecimal(dst, v.n, int(v.scale))
	case isTime:
		return v.time().AppendFormat(dst, time.RFC3339Nano)
	default:
		return append(dst, text(p.boxed(v))...)
	}
}

// text is how a value prints, good until the item ends.
func (p *press) text(v operand) string {
	if v.kind == isText {
		return v.s
	}
	from := len(p.scratch)
	p.scratch = p.appendText(p.scratch, v)
	return p.made(from)
}

// made is the text in scratch from a place on. It stays as it is when scratch
// grows.
func (p *press) made(from int) string {
	return viewOf(p.scratch[from:])
}

// viewOf is bytes as a text, good as long as they are not written to.
func viewOf(bytes []byte) string {
	if len(bytes) == 0 {
		return ""
	}
	return unsafe.String(&bytes[0], len(bytes))
}
