// Package batch works on the rows in memory at once: it picks rows out of
// record batches by reference, and sorts and merges batches by (hash, key).
//
// Its promise: the bytes of what it builds depend on the values alone. A null
// has no bytes behind it, whatever the arrays that it came from held there.
package batch

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// A Ref names a row of one of several batches. A negative Row means null.
type Ref struct{ Batch, Row int32 }

// Null is the reference that gathers a null.
var Null = Ref{Row: -1}

// Records gathers the rows that refs name out of records of one schema. The
// caller releases the result.
func Records(mem memory.Allocator, schema *arrow.Schema, records []arrow.RecordBatch, refs []Ref) arrow.RecordBatch {
	columns := make([]arrow.Array, schema.NumFields())
	arrays := make([]arrow.Array, len(records))
	for c := range columns {
		for b, record := range records {
			arrays[b] = record.Column(c)
		}
		columns[c] = Gather(mem, schema.Field(c).Type, arrays, refs)
	}
	out := array.NewRecordBatch(schema, columns, int64(len(refs)))
	for _, c := range columns {
		c.Release()
	}
	return out
}

// Gather builds one array of the values that refs name out of arrays of one
// type. It supports the types of offers, and binary. The caller releases the
// result.
func Gather(mem memory.Allocator, t arrow.DataType, arrays []arrow.Array, refs []Ref) arrow.Array {
	g := gatherer{mem: mem}
	data := g.gather(t, arrays, refs)
	defer data.Release()
	return array.MakeFromData(data)
}

type gatherer struct{ mem memory.Allocator }

func (g *gatherer) gather(t arrow.DataType, arrays []arrow.Array, refs []Ref) *array.Data {
	validity, nulls := g.validity(arrays, refs)
	if nulls > 0 {
		refs = present(validity.Bytes(), refs)
	}
	var buffers []*memory.Buffer
	var children []arrow.ArrayData
	switch t := t.(type) {
	case *arrow.BooleanType:
		buffers = []*memory.Buffer{g.bits(arrays, refs)}
	case *arrow.StringType, *arrow.BinaryType:
		buffers = g.text(arrays, refs)
	case *arrow.ListType:
		buffers, children = g.lists(t.Elem(), arrays, refs)
	case *arrow.MapType:
		buffers, children = g.lists(t.Elem(), arrays, refs)
	case *arrow.StructType:
		children = g.members(t, arrays, refs)
	case arrow.FixedWidthDataType:
		buffers = []*memory.Buffer{g.fixed(t.Bytes(), arrays, refs)}
	default:
		panic(fmt.Sprintf("batch: gather of %s", t))
	}
	all := append([]*memory.Buffer{validity}, buffers...)
	data := array.NewData(t, len(refs), all, children, nulls, 0)
	for _, b := range all {
		if b != nil {
			b.Release()
		}
	}
	for _, c := range children {
		c.Release()
	}
	return data
}

// present replaces the references to nulls, of any kind, by Null, so that
// nothing behind them is read.
func present(validity []byte, refs []Ref) []Ref {
	out := make([]Ref, len(refs))
	for i, r := range refs {
		if bitutil.BitIsNotSet(validity, i) {
			r = Null
		}
		out[i] = r
	}
	return out
}

func (g *gatherer) buffer(size int) *memory.Buffer {
	b := memory.NewResizableBuffer(g.mem)
	b.Resize(size)
	return b
}

func (g *gatherer) zeroed(size int) *memory.Buffer {
	b := g.buffer(size)
	clear(b.Bytes())
	return b
}

// validity returns the bitmap of the values that are not null, or nil when all are.
func (g *gatherer) validity(arrays []arrow.Array, refs []Ref) (*memory.Buffer, int) {
	if !anyNull(arrays, refs) {
		return nil, 0
	}
	out := g.zeroed(int(bitutil.BytesForBits(int64(len(refs)))))
	bits, nulls := out.Bytes(), 0
	for i, r := range refs {
		if r.Row >= 0 && arrays[r.Batch].IsValid(int(r.Row)) {
			bitutil.SetBit(bits, i)
		} else {
			nulls++
		}
	}
	if nulls == 0 {
		out.Release()
		return nil, 0
	}
	return out, nulls
}

func anyNull(arrays []arrow.Array, refs []Ref) bool {
	for _, a := range arrays {
		if a.NullN() > 0 {
			return true
		}
	}
	for _, r := range refs {
		if r.Row < 0 {
			return true
		}
	}
	return false
}

func (g *gatherer) bits(arrays []arrow.Array, refs []Ref) *memory.Buffer {
	out := g.zeroed(int(bitutil.BytesForBits(int64(len(refs)))))
	bits := out.Bytes()
	for i, r := range refs {
		if r.Row >= 0 && arrays[r.Batch].(*array.Boolean).Value(int(r.Row)) {
			bitutil.SetBit(bits, i)
		}
	}
	return out
}

func (g *gatherer) fixed(width int, arrays []arrow.Array, refs []Ref) *memory.Buffer {
	out := g.buffer(width * len(refs))
	switch width {
	case 4:
		gatherFixed(arrow.Uint32Traits.CastFromBytes(out.Bytes()), arrow.Uint32Traits.CastFromBytes, arrays, refs)
	case 8:
		gatherFixed(arrow.Uint64Traits.CastFromBytes(out.Bytes()), arrow.Uint64Traits.CastFromBytes, arrays, refs)
	case 16:
		gatherFixed(arrow.Decimal128Traits.CastFromBytes(out.Bytes()), arrow.Decimal128Traits.CastFromBytes, arrays, refs)
	default:
		panic(fmt.Sprintf("batch: gather of values of %d bytes", width))
	}
	return out
}

func gatherFixed[T any](dst []T, cast func([]byte) []T, arrays []arrow.Array, refs []Ref) {
	values := make([][]T, len(arrays))
	for i, a := range arrays {
		if b := a.Data().Buffers()[1]; b != nil && a.Len() > 0 {
			values[i] = cast(b.Bytes())[a.Data().Offset():]
		}
	}
	var zero T
	for i, r := range refs {
		if r.Row < 0 {
			dst[i] = zero
			continue
		}
		dst[i] = values[r.Batch][r.Row]
	}
}

// A spans gives the places of variable-length values: value i of a batch is
// [offsets[i], offsets[i+1]).
type spans struct {
	offsets []int32
	bytes   []byte
}

func spansOf(a arrow.Array) spans {
	data := a.Data()
	if a.Len() == 0 {
		return spans{}
	}
	s := spans{offsets: arrow.Int32Traits.CastFromBytes(data.Buffers()[1].Bytes())[data.Offset():]}
	if len(data.Buffers()) > 2 && data.Buffers()[2] != nil {
		s.bytes = data.Buffers()[2].Bytes()
	}
	return s
}

// offsets writes the offsets of the gathered values and returns them with their sum.
func (g *gatherer) offsets(sources []spans, refs []Ref) (*memory.Buffer, int) {
	out := g.buffer(4 * (len(refs) + 1))
	dst := arrow.Int32Traits.CastFromBytes(out.Bytes())
	total := int64(0)
	dst[0] = 0
	for i, r := range refs {
		if r.Row >= 0 {
			o := sources[r.Batch].offsets
			total += int64(o[r.Row+1] - o[r.Row])
		}
		if total > 1<<31-1 {
			panic(fmt.Sprintf("batch: more than 2 GiB in one column of %d rows", len(refs)))
		}
		dst[i+1] = int32(total)
	}
	return out, int(total)
}

func (g *gatherer) text(arrays []arrow.Array, refs []Ref) []*memory.Buffer {
	sources := make([]spans, len(arrays))
	for i, a := range arrays {
		sources[i] = spansOf(a)
	}
	offsets, total := g.offsets(sources, refs)
	out := g.buffer(total)
	dst := out.Bytes()
	for _, r := range refs {
		if r.Row >= 0 {
			s := &sources[r.Batch]
			dst = dst[copy(dst, s.bytes[s.offsets[r.Row]:s.offsets[r.Row+1]]):]
		}
	}
	return []*memory.Buffer{offsets, out}
}

func (g *gatherer) lists(elem arrow.DataType, arrays []arrow.Array, refs []Ref) ([]*memory.Buffer, []arrow.ArrayData) {
	sources := make([]spans, len(arrays))
	values := make([]arrow.Array, len(arrays))
	for i, a := range arrays {
		sources[i] = spansOf(a)
		values[i] = a.(array.ListLike).ListValues()
	}
	offsets, total := g.offsets(sources, refs)
	inner := make([]Ref, 0, total)
	for _, r := range refs {
		if r.Row < 0 {
			continue
		}
		o := sources[r.Batch].offsets
		for row := o[r.Row]; row < o[r.Row+1]; row++ {
			inner = append(inner, Ref{Batch: r.Batch, Row: row})
		}
	}
	return []*memory.Buffer{offsets}, []arrow.ArrayData{g.gather(elem, values, inner)}
}

func (g *gatherer) members(t *arrow.StructType, arrays []arrow.Array, refs []Ref) []arrow.ArrayData {
	children := make([]arrow.ArrayData, t.NumFields())
	fields := make([]arrow.Array, len(arrays))
	for c := range children {
		for i, a := range arrays {
			fields[i] = a.(*array.Struct).Field(c)
		}
		children[c] = g.gather(t.Field(c).Type, fields, refs)
	}
	return children
}
