package source

import (
	"cmp"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/batch"
)

// cleanKeys reports whether all keys of a map are texts that conversion would
// take as they are.
func cleanKeys(v *array.Map) bool {
	keys, ok := v.Keys().(*array.String)
	return ok && keys.NullN() == 0 && v.ListValues().NullN() == 0 && cleanTexts(keys)
}

// orderedKeys reports whether the keys of every map are in order, without
// repeats.
func orderedKeys(v *array.Map) bool {
	keys := v.Keys().(*array.String)
	for i := range v.Len() {
		from, to := v.ValueOffsets(i)
		for k := int(from) + 1; k < int(to); k++ {
			if keys.Value(k-1) >= keys.Value(k) {
				return false
			}
		}
	}
	return true
}

// ordered copies maps with their entries in the order of the keys. Of entries
// with one key the last stays.
func (s sharing) ordered(v *array.Map, items arrow.Array, typ *arrow.MapType) arrow.ArrayData {
	keys := v.Keys().(*array.String)
	offsets := memory.NewResizableBuffer(s.mem)
	defer offsets.Release()
	offsets.Resize(4 * (v.Len() + 1))
	ends := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	ends[0] = 0
	refs := make([]batch.Ref, 0, keys.Len())
	for i := range v.Len() {
		if v.IsValid(i) {
			from, to := v.ValueOffsets(i)
			refs = appendOrdered(refs, keys, int32(from), int32(to))
		}
		ends[i+1] = int32(len(refs))
	}
	names := batch.Gather(s.mem, arrow.BinaryTypes.String, []arrow.Array{keys}, refs)
	defer names.Release()
	values := batch.Gather(s.mem, items.DataType(), []arrow.Array{items}, refs)
	defer values.Release()
	validity := validityOf(s.mem, v)
	defer validity.Release()
	children := pairs(typ, names.Data(), values.Data())
	defer children[0].Release()
	return array.NewData(typ, v.Len(), []*memory.Buffer{validity, offsets}, children, v.NullN(), 0)
}

// appendOrdered appends references to the entries of one map.
func appendOrdered(refs []batch.Ref, keys *array.String, from, to int32) []batch.Ref {
	first := len(refs)
	for k := from; k < to; k++ {
		refs = append(refs, batch.Ref{Row: k})
	}
	slices.SortFunc(refs[first:], func(a, b batch.Ref) int {
		return cmp.Or(cmp.Compare(keys.Value(int(a.Row)), keys.Value(int(b.Row))), cmp.Compare(b.Row, a.Row))
	})
	entries := slices.CompactFunc(refs[first:], func(a, b batch.Ref) bool { return keys.Value(int(a.Row)) == keys.Value(int(b.Row)) })
	return refs[:first+len(entries)]
}
