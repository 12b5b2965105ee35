package event

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/go-json-experiment/json/jsontext"
)

// AppendFields appends the fields of a row as JSON: an object by name, in the
// columns' order. The same values make the same bytes.
func AppendFields(dst []byte, fields arrow.RecordBatch, row int) []byte {
	dst = append(dst, '{')
	for i, f := range fields.Schema().Fields() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, f.Name), ':')
		dst = appendValue(dst, fields.Column(i), row)
	}
	return append(dst, '}')
}

// appendValue appends a value: null, true, a number, which is exact of a decimal,
// a text, which is RFC 3339 of a timestamp and 2006-01-02 of a date, an array of a
// list, an object of a struct or a map. A double that JSON does not have is null.
func appendValue(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, "null"...)
	}
	switch a := a.(type) {
	case *array.String:
		return appendText(dst, a.Value(i))
	case *array.Dictionary:
		return appendValue(dst, a.Dictionary(), a.GetValueIndex(i))
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i))
	case *array.Int64:
		return strconv.AppendInt(dst, a.Value(i), 10)
	case *array.Float64:
		return appendDouble(dst, a.Value(i))
	case *array.Decimal128:
		return append(dst, a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)...)
	case *array.Timestamp:
		at := a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit).UTC()
		return append(at.AppendFormat(append(dst, '"'), time.RFC3339Nano), '"')
	case *array.Date32:
		return append(a.Value(i).ToTime().AppendFormat(append(dst, '"'), time.DateOnly), '"')
	case *array.Struct:
		return appendStruct(dst, a, i)
	case *array.Map:
		return appendMap(dst, a, i)
	case *array.List:
		return appendList(dst, a, i)
	default:
		panic("event: a column of type " + a.DataType().String())
	}
}

func appendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	dst, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		panic(err) // only for what is not UTF-8
	}
	return dst
}

func appendDouble(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // only for what is not a number
	}
	return append(dst, text...)
}

func appendList(dst []byte, a *array.List, i int) []byte {
	from, to := a.ValueOffsets(i)
	dst = append(dst, '[')
	for k := from; k < to; k++ {
		if k > from {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, a.ListValues(), int(k))
	}
	return append(dst, ']')
}

func appendStruct(dst []byte, a *array.Struct, i int) []byte {
	dst = append(dst, '{')
	for k, f := range a.DataType().(*arrow.StructType).Fields() {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, f.Name), ':')
		dst = appendValue(dst, a.Field(k), i)
	}
	return append(dst, '}')
}

func appendMap(dst []byte, a *array.Map, i int) []byte {
	from, to := a.ValueOffsets(i)
	keys := a.Keys().(*array.String)
	dst = append(dst, '{')
	for k := from; k < to; k++ {
		if k > from {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, keys.Value(int(k))), ':')
		dst = appendValue(dst, a.Items(), int(k))
	}
	return append(dst, '}')
}
