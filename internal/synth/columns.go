package synth

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// coded is the type of a column whose values are few: Parquet sees strings.
var coded = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

// A codes column holds indexes of a list; its array is a dictionary.
type codes struct {
	*array.Int32Builder
	dictionary arrow.Array
}

func newCodes(mem memory.Allocator, list []string) codes {
	b := array.NewStringBuilder(mem)
	defer b.Release()
	b.AppendValues(list, nil)
	return codes{array.NewInt32Builder(mem), b.NewArray()}
}

func (c codes) add(code int) {
	if code == none {
		c.AppendNull()
		return
	}
	c.Append(int32(code))
}

// NewArray returns the rows so far and begins anew.
func (c codes) NewArray() arrow.Array {
	indexes := c.Int32Builder.NewArray()
	defer indexes.Release()
	return array.NewDictionaryArray(coded, indexes, c.dictionary)
}

// decoded returns the data of a column of indexes as that of a dictionary. One without
// values has no buffer of them, which the Parquet writer looks into all the same.
func (c codes) decoded(indexes arrow.ArrayData) arrow.ArrayData {
	buffers := slices.Clone(indexes.Buffers())
	if buffers[1] == nil {
		buffers[1] = memory.NewBufferBytes(nil)
	}
	return array.NewDataWithDictionary(coded, indexes.Len(), buffers, indexes.NullN(), indexes.Offset(), c.dictionary.Data().(*array.Data))
}

// Release frees the builder and the list.
func (c codes) Release() {
	c.Int32Builder.Release()
	c.dictionary.Release()
}

// A codedList is a column of lists of codes.
type codedList struct {
	*array.ListBuilder
	elements codes
}

func newCodedList(mem memory.Allocator, list []string) *codedList {
	return &codedList{array.NewListBuilder(mem, arrow.PrimitiveTypes.Int32), newCodes(mem, list)}
}

func (l *codedList) add(list []int) {
	l.Append(true)
	values := l.ValueBuilder().(*array.Int32Builder)
	for _, v := range list {
		values.Append(int32(v))
	}
}

// NewArray returns the rows so far and begins anew.
func (l *codedList) NewArray() arrow.Array {
	plain := l.ListBuilder.NewArray()
	defer plain.Release()
	elements := l.elements.decoded(plain.Data().Children()[0])
	defer elements.Release()
	return made(arrow.ListOf(coded), plain.Data(), elements)
}

// Release frees the builder and the list of values.
func (l *codedList) Release() {
	l.ListBuilder.Release()
	l.elements.Release()
}

// A codedMap is a column of maps from codes to codes.
type codedMap struct {
	*array.MapBuilder
	keys, values codes
}

func newCodedMap(mem memory.Allocator, keys, values []string) *codedMap {
	plain := array.NewMapBuilder(mem, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int32, false)
	return &codedMap{plain, newCodes(mem, keys), newCodes(mem, values)}
}

func (m *codedMap) add(list []property) {
	m.Append(true)
	keys, values := m.KeyBuilder().(*array.Int32Builder), m.ItemBuilder().(*array.Int32Builder)
	for _, p := range list {
		keys.Append(int32(p.name))
		values.Append(int32(p.value))
	}
}

// NewArray returns the rows so far and begins anew.
func (m *codedMap) NewArray() arrow.Array {
	plain := m.MapBuilder.NewArray()
	defer plain.Release()
	entries := plain.Data().Children()[0]
	keys, values := m.keys.decoded(entries.Children()[0]), m.values.decoded(entries.Children()[1])
	defer keys.Release()
	defer values.Release()
	typ := arrow.MapOf(coded, coded)
	pairs := array.NewData(typ.Elem(), entries.Len(), entries.Buffers(), []arrow.ArrayData{keys, values}, entries.NullN(), entries.Offset())
	defer pairs.Release()
	return made(typ, plain.Data(), pairs)
}

// Release frees the builder and the lists of keys and values.
func (m *codedMap) Release() {
	m.MapBuilder.Release()
	m.keys.Release()
	m.values.Release()
}

// made returns the array of a nested type whose child was exchanged.
func made(typ arrow.DataType, plain, child arrow.ArrayData) arrow.Array {
	data := array.NewData(typ, plain.Len(), plain.Buffers(), []arrow.ArrayData{child}, plain.NullN(), plain.Offset())
	defer data.Release()
	return array.MakeFromData(data)
}
