// Package encodedtest gives tests rows whose texts are dictionaries, as a snapshot's
// are where they repeat.
package encodedtest

import (
	"math"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Batch returns the rows of a batch with dictionaries in place of texts, at every
// level but for the keys of maps, wherever choose says so. It is released when the
// test ends.
func Batch(tb testing.TB, from arrow.RecordBatch, choose func() bool) arrow.RecordBatch {
	tb.Helper()
	e := encoder{choose}
	fields, columns := from.Schema().Fields(), make([]arrow.Array, from.NumCols())
	for i, c := range from.Columns() {
		data := e.encode(c.Data())
		fields[i].Type, columns[i] = data.DataType(), array.MakeFromData(data)
		data.Release()
	}
	out := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, from.NumRows())
	for _, c := range columns {
		c.Release()
	}
	tb.Cleanup(out.Release)
	return out
}

type encoder struct{ choose func() bool }

func (e encoder) encode(from arrow.ArrayData) arrow.ArrayData {
	if from.DataType().ID() == arrow.STRING && e.choose() {
		return e.dictionary(from)
	}
	var children []arrow.ArrayData
	for _, c := range from.Children() {
		child := e.child(from.DataType(), c)
		children = append(children, child)
		defer child.Release()
	}
	return array.NewData(TypeOf(from.DataType(), children), from.Len(), from.Buffers(), children, from.NullN(), from.Offset())
}

// child encodes what is below an array; of a map only the values.
func (e encoder) child(of arrow.DataType, c arrow.ArrayData) arrow.ArrayData {
	if of.ID() != arrow.MAP {
		return e.encode(c)
	}
	values := e.encode(c.Children()[1])
	defer values.Release()
	entry := slices.Clone(c.DataType().(*arrow.StructType).Fields())
	entry[1].Type = values.DataType()
	return array.NewData(arrow.StructOf(entry...), c.Len(), c.Buffers(), []arrow.ArrayData{c.Children()[0], values}, c.NullN(), c.Offset())
}

// TypeOf returns the type of an array with other children.
func TypeOf(t arrow.DataType, children []arrow.ArrayData) arrow.DataType {
	switch t := t.(type) {
	case *arrow.ListType:
		return arrow.ListOf(children[0].DataType())
	case *arrow.LargeListType:
		return arrow.LargeListOf(children[0].DataType())
	case *arrow.MapType:
		return arrow.MapOf(t.KeyType(), children[0].DataType().(*arrow.StructType).Field(1).Type)
	case *arrow.StructType:
		fields := slices.Clone(t.Fields())
		for i, c := range children {
			fields[i].Type = c.DataType()
		}
		return arrow.StructOf(fields...)
	default:
		return t
	}
}

// dictionary returns texts as a dictionary and codes. Behind nulls stands what is no
// code.
func (e encoder) dictionary(from arrow.ArrayData) arrow.ArrayData {
	texts := array.NewStringData(from)
	defer texts.Release()
	codes, distinct := array.NewInt32Builder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator)
	defer codes.Release()
	defer distinct.Release()
	known := map[string]int32{}
	for row := range texts.Len() {
		if texts.IsNull(row) {
			codes.AppendNull()
			continue
		}
		code, ok := known[texts.Value(row)]
		if !ok {
			code = int32(len(known))
			known[texts.Value(row)] = code
			distinct.Append(texts.Value(row))
		}
		codes.Append(code)
	}
	indexes, values := codes.NewInt32Array(), distinct.NewArray()
	defer indexes.Release()
	defer values.Release()
	for row := range indexes.Len() {
		if indexes.IsNull(row) {
			indexes.Int32Values()[row] = math.MinInt32
		}
	}
	out := array.NewDictionaryArray(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, indexes, values)
	defer out.Release()
	out.Data().Retain()
	return out.Data()
}
