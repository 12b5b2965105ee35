package batch

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/offer"
)

var pairs = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "n", Type: arrow.PrimitiveTypes.Int64},
}, nil)

type pair struct {
	key string
	n   int64
}

func byHash(a, b pair) int {
	return cmp.Or(cmp.Compare(offer.Hash(a.key), offer.Hash(b.key)), cmp.Compare(a.key, b.key))
}

// batchesOf cuts rows into batches of at most three.
func batchesOf(mem memory.Allocator, rows []pair) *memStream {
	s := &memStream{}
	for chunk := range slices.Chunk(rows, 3) {
		b := array.NewRecordBuilder(mem, pairs)
		for _, row := range chunk {
			b.Field(0).(*array.StringBuilder).Append(row.key)
			b.Field(1).(*array.Int64Builder).Append(row.n)
		}
		s.batches = append(s.batches, b.NewRecordBatch())
		b.Release()
	}
	return s
}

type memStream struct{ batches []arrow.RecordBatch }

func (s *memStream) Next() (arrow.RecordBatch, error) {
	if len(s.batches) == 0 {
		return nil, io.EOF
	}
	next := s.batches[0]
	s.batches = s.batches[1:]
	return next, nil
}

func rowsOf(record arrow.RecordBatch) []pair {
	var out []pair
	for i := range int(record.NumRows()) {
		out = append(out, pair{record.Column(0).(*array.String).Value(i), record.Column(1).(*array.Int64).Value(i)})
	}
	return out
}

func TestMergeGivesEveryKeyOnceWithAllItsRows(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		var streams []Stream
		want := map[string][]int64{}
		for s := range 1 + r.IntN(6) {
			var rows []pair
			for range r.IntN(20) {
				rows = append(rows, pair{key: fmt.Sprint(r.IntN(15))})
			}
			slices.SortFunc(rows, byHash)
			for i := range rows {
				rows[i].n = int64(1000*s + i)
				want[rows[i].key] = append(want[rows[i].key], rows[i].n)
			}
			streams = append(streams, batchesOf(mem, rows))
		}
		got := mergeAll(t, mem, streams)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		mem.AssertSize(t, 0)
	}
}

// mergeAll returns the values of each key, in the order the merger gives them.
func mergeAll(t *testing.T, mem memory.Allocator, streams []Stream) map[string][]int64 {
	m, err := NewMerger(0, streams...)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	collector := NewCollector(mem, pairs)
	got := map[string][]int64{}
	last := pair{}
	for {
		group, err := m.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		key := group[0].Key()
		if len(got) > 0 && byHash(last, pair{key: key}) >= 0 {
			t.Fatalf("%q comes after %q", key, last.key)
		}
		last = pair{key: strings.Clone(key)}
		for _, row := range group {
			collector.Add(row)
		}
		record := collector.Take()
		for _, row := range rowsOf(record) {
			got[strings.Clone(row.key)] = append(got[row.key], row.n)
		}
		record.Release()
	}
}

func TestMergeRefusesDisorder(t *testing.T) {
	rows := []pair{{key: "a"}, {key: "b"}, {key: "c"}, {key: "d"}, {key: "e"}}
	slices.SortFunc(rows, byHash)
	for _, swap := range []int{0, 1, 2, 3} {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		bad := slices.Clone(rows)
		bad[swap], bad[swap+1] = bad[swap+1], bad[swap]
		stream := batchesOf(mem, bad)
		m, err := NewMerger(0, stream)
		for err == nil {
			_, err = m.Next()
		}
		if !strings.Contains(err.Error(), "not ordered by key") {
			t.Errorf("swap %d: %v", swap, err)
		}
		m.Release()
		for _, rest := range stream.batches {
			rest.Release()
		}
		mem.AssertSize(t, 0)
	}
}

func TestSorterOrdersByHashKeyAndBetter(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	r := rand.New(rand.NewPCG(3, 4))
	var rows []pair
	for i := range 500 {
		rows = append(rows, pair{key: fmt.Sprint(r.IntN(100)), n: int64(i)})
	}
	sorter := NewSorter(0)
	for _, b := range batchesOf(mem, rows).batches {
		sorter.Add(b)
	}
	value := func(ref Ref) int64 { return sorter.Records()[ref.Batch].Column(1).(*array.Int64).Value(int(ref.Row)) }
	refs := sorter.Sort(func(a, b Ref) int { return cmp.Compare(value(b), value(a)) })
	record := sorter.Gather(mem, refs)
	got := rowsOf(record)
	slices.SortFunc(rows, func(a, b pair) int { return cmp.Or(byHash(a, b), cmp.Compare(b.n, a.n)) })
	if diff := gocmp.Diff(rows, got, gocmp.AllowUnexported(pair{})); diff != "" {
		t.Error(diff)
	}
	record.Release()
	sorter.Reset()
}

func TestCollectorFillsMissingColumnsWithNull(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	m, err := NewMerger(0, batchesOf(mem, []pair{{"a", 7}}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	group, err := m.Next()
	if err != nil {
		t.Fatal(err)
	}
	wide := arrow.NewSchema([]arrow.Field{pairs.Field(1), {Name: "other", Type: arrow.BinaryTypes.String, Nullable: true}, pairs.Field(0)}, nil)
	c := NewCollector(mem, wide)
	c.Add(group[0])
	record := c.Take()
	defer record.Release()
	if got := record.Column(0).(*array.Int64).Value(0); got != 7 || record.Column(1).IsValid(0) || record.Column(2).(*array.String).Value(0) != "a" {
		t.Errorf("got %v", record)
	}
}
