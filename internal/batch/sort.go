package batch

import (
	"cmp"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
)

// Rows is how many rows the batches that this package builds have at most.
const Rows = 16 << 10

// Keys are the keys of a batch with their hashes.
type Keys struct {
	Hashes []uint64
	Text   *array.String
}

// KeysOf hashes a key column without nulls.
func KeysOf(column arrow.Array) Keys {
	k := Keys{Text: column.(*array.String)}
	k.Hashes = make([]uint64, k.Text.Len())
	for i := range k.Hashes {
		k.Hashes[i] = offer.Hash(k.Text.Value(i))
	}
	return k
}

func (k Keys) compare(i int, l Keys, j int) int {
	if c := cmp.Compare(k.Hashes[i], l.Hashes[j]); c != 0 {
		return c
	}
	return cmp.Compare(k.Text.Value(i), l.Text.Value(j))
}

// A Sorter collects batches of one schema and gives their rows ordered by
// (hash, key) and, among rows of one key, by Better. It is for one goroutine.
type Sorter struct {
	key     int
	records []arrow.RecordBatch
	keys    []Keys
	entries []entry
	bytes   int64
}

type entry struct {
	hash uint64
	ref  Ref
}

// NewSorter sorts by the key in the given column.
func NewSorter(key int) *Sorter { return &Sorter{key: key} }

// Add takes over the caller's reference to a batch.
func (s *Sorter) Add(record arrow.RecordBatch) {
	keys := KeysOf(record.Column(s.key))
	b := int32(len(s.records))
	s.records, s.keys = append(s.records, record), append(s.keys, keys)
	for row, hash := range keys.Hashes {
		s.entries = append(s.entries, entry{hash: hash, ref: Ref{Batch: b, Row: int32(row)}})
	}
	s.bytes += Bytes(record) + 24*record.NumRows()
}

// Bytes returns the memory that the collected batches take.
func (s *Sorter) Bytes() int64 { return s.bytes }

// Len returns the number of collected rows.
func (s *Sorter) Len() int { return len(s.entries) }

// Records returns the collected batches, to which the references of Sort refer.
func (s *Sorter) Records() []arrow.RecordBatch { return s.records }

// Key returns the key of a collected row.
func (s *Sorter) Key(r Ref) string { return s.keys[r.Batch].Text.Value(int(r.Row)) }

// Hash returns the hash of a collected row's key.
func (s *Sorter) Hash(r Ref) uint64 { return s.keys[r.Batch].Hashes[r.Row] }

// Sort returns the references of all rows in order. Among rows of one key,
// those for which better says less come first.
func (s *Sorter) Sort(better func(a, b Ref) int) []Ref {
	slices.SortFunc(s.entries, func(a, b entry) int {
		if c := cmp.Compare(a.hash, b.hash); c != 0 {
			return c
		}
		if c := cmp.Compare(s.Key(a.ref), s.Key(b.ref)); c != 0 {
			return c
		}
		return better(a.ref, b.ref)
	})
	refs := make([]Ref, len(s.entries))
	for i, e := range s.entries {
		refs[i] = e.ref
	}
	return refs
}

// Gather builds a batch of collected rows. The caller releases it.
func (s *Sorter) Gather(mem memory.Allocator, refs []Ref) arrow.RecordBatch {
	return Records(mem, s.records[0].Schema(), s.records, refs)
}

// Reset releases the collected batches.
func (s *Sorter) Reset() {
	for _, r := range s.records {
		r.Release()
	}
	*s = Sorter{key: s.key, entries: s.entries[:0]}
}

// Bytes returns the memory that a batch's values take, without what a slice
// leaves out.
func Bytes(record arrow.RecordBatch) int64 {
	total := int64(0)
	for _, c := range record.Columns() {
		total += size(c)
	}
	return total
}

func size(a arrow.Array) int64 {
	n := int64(a.Len())
	switch a := a.(type) {
	case array.ListLike:
		if n == 0 {
			return 0
		}
		from, _ := a.ValueOffsets(0)
		_, to := a.ValueOffsets(int(n) - 1)
		values := array.NewSlice(a.ListValues(), from, to)
		defer values.Release()
		return 4*n + size(values)
	case *array.Struct:
		total := n / 8
		for i := range a.NumField() {
			total += size(a.Field(i))
		}
		return total
	case *array.String:
		return 4*n + int64(len(a.ValueBytes()))
	case *array.Binary:
		return 4*n + int64(len(a.ValueBytes()))
	default:
		if t, fixed := a.DataType().(arrow.FixedWidthDataType); fixed {
			return n*int64(t.BitWidth())/8 + n/8
		}
		return n
	}
}
