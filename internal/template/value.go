package template

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// What a template computes with is one of: nil (null), bool, int64, float64,
// string, decimal, time.Time (a timestamp), day, []any (a list), map[string]any
// (a map), record and member (structs). They are chosen so that text/template's
// own idea of truth is the language's: null, false, 0, empty text and empty
// lists are false.

// A decimal is an exact number. It is a slice because text/template takes an
// empty slice for false, and a decimal has to be false when it is zero but still
// know its scale: the digits of a zero lie just behind the slice's end.
type decimal []digits

type digits struct {
	unscaled int64
	scale    int32
}

func newDecimal(unscaled int64, scale int32) decimal {
	d := decimal{{unscaled, scale}}
	if unscaled == 0 {
		return d[:0]
	}
	return d
}

func (d decimal) digits() digits { return d[:1][0] }

// A day is a date, as its midnight in UTC.
type day struct{ time.Time }

// A record is a row of a batch, seen as a struct. A nil batch has no columns.
type record struct {
	batch arrow.RecordBatch
	row   int
}

func (r record) member(name string) any {
	if r.batch == nil {
		return nil
	}
	at := r.batch.Schema().FieldIndices(name)
	if len(at) == 0 {
		return nil
	}
	return valueAt(r.batch.Column(at[0]), r.row)
}

// A member is a struct inside a record.
type member struct {
	array *array.Struct
	row   int
}

func (m member) member(name string) any {
	at, found := m.array.DataType().(*arrow.StructType).FieldIdx(name)
	if !found {
		return nil
	}
	return valueAt(m.array.Field(at), m.row)
}

// valueAt wraps one value of an array. Text is a view into the array.
func valueAt(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Null:
		return nil
	case *array.String:
		return a.Value(i)
	case *array.Dictionary:
		return codedText(a, i)
	case *array.Boolean:
		return a.Value(i)
	case *array.Int64:
		return a.Value(i)
	case *array.Float64:
		return a.Value(i)
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit).UTC()
	case *array.Date32:
		return day{a.Value(i).ToTime()}
	case *array.Decimal128:
		return newDecimal(int64(a.Value(i).LowBits()), a.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Struct:
		return member{a, i}
	case *array.Map:
		return mapAt(a, i)
	case *array.List:
		return listAt(a, i)
	default:
		panic(fmt.Sprintf("template: a column of type %s", a.DataType()))
	}
}

// codedText is a text that the array has as a code.
func codedText(a *array.Dictionary, i int) string {
	return a.Dictionary().(*array.String).Value(a.GetValueIndex(i))
}

func listAt(a *array.List, i int) []any {
	from, to := a.ValueOffsets(i)
	list := make([]any, 0, to-from)
	for at := from; at < to; at++ {
		list = append(list, valueAt(a.ListValues(), int(at)))
	}
	return list
}

func mapAt(a *array.Map, i int) map[string]any {
	from, to := a.ValueOffsets(i)
	entries := make(map[string]any, to-from)
	for at := from; at < to; at++ {
		entries[a.Keys().(*array.String).Value(int(at))] = valueAt(a.Items(), int(at))
	}
	return entries
}

// plain turns the kinds of numbers that constants and text/template bring into
// the language's.
func plain(v any) any {
	if n, ok := v.(int); ok {
		return int64(n)
	}
	return v
}
