package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// appendRow appends one row as a JSON object, its members in the order of the
// columns.
func appendRow(dst []byte, batch arrow.RecordBatch, row int) []byte {
	dst = append(dst, '{')
	for i, column := range batch.Columns() {
		dst = appendName(dst, batch.ColumnName(i), i > 0)
		dst = appendValue(dst, column, row)
	}
	return append(dst, '}')
}

func appendName(dst []byte, name string, more bool) []byte {
	if more {
		dst = append(dst, ", "...)
	}
	return append(appendJSON(dst, name), ": "...)
}

// appendValue appends a value of a column as JSON for people: decimals with
// their scale, times in RFC 3339, maps as objects.
func appendValue(dst []byte, values arrow.Array, i int) []byte {
	if values.IsNull(i) {
		return append(dst, "null"...)
	}
	switch v := values.(type) {
	case *array.Decimal128:
		return append(dst, v.Value(i).ToString(v.DataType().(*arrow.Decimal128Type).Scale)...)
	case *array.Float64:
		return appendDouble(dst, v.Value(i))
	case *array.Timestamp:
		at := v.Value(i).ToTime(v.DataType().(*arrow.TimestampType).Unit)
		return appendJSON(dst, at.UTC().Format(time.RFC3339Nano))
	case *array.Date32:
		return appendJSON(dst, v.Value(i).ToTime().Format(time.DateOnly))
	case *array.Struct:
		return appendStruct(dst, v, i)
	case *array.Map:
		return appendMap(dst, v, i)
	case *array.List:
		return appendList(dst, v, i)
	default:
		return appendJSON(dst, values.GetOneForMarshal(i))
	}
}

// appendDouble appends a number, or the name of what is none.
func appendDouble(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendJSON(dst, strconv.FormatFloat(f, 'g', -1, 64))
	}
	return appendJSON(dst, f)
}

func appendStruct(dst []byte, v *array.Struct, i int) []byte {
	dst = append(dst, '{')
	for k, field := range v.DataType().(*arrow.StructType).Fields() {
		dst = appendName(dst, field.Name, k > 0)
		dst = appendValue(dst, v.Field(k), i)
	}
	return append(dst, '}')
}

func appendMap(dst []byte, v *array.Map, i int) []byte {
	dst = append(dst, '{')
	from, to := v.ValueOffsets(i)
	for at := from; at < to; at++ {
		dst = appendName(dst, fmt.Sprint(v.Keys().GetOneForMarshal(int(at))), at > from)
		dst = appendValue(dst, v.Items(), int(at))
	}
	return append(dst, '}')
}

func appendList(dst []byte, v *array.List, i int) []byte {
	dst = append(dst, '[')
	from, to := v.ValueOffsets(i)
	for at := from; at < to; at++ {
		if at > from {
			dst = append(dst, ", "...)
		}
		dst = appendValue(dst, v.ListValues(), int(at))
	}
	return append(dst, ']')
}

// appendJSON appends what always has a JSON form.
func appendJSON(dst []byte, value any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("encode %T: %v", value, err))
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// valueText is a JSON value for people: a text without its quotes.
func valueText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}
