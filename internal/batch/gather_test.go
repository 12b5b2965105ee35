package batch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
)

// everyType is a struct of all types of offers.
func everyType(t testing.TB) offer.Type {
	typ, err := offer.ParseType(`struct{s: string, b: bool, i: int, d: double, t: timestamp, y: date, m: decimal(12,2),
		l: list(string), ll: list(list(int)), p: map(double), r: struct{a: string, b: list(bool)}, rs: list(struct{x: int, y: string})}`)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// fill appends a random value, null every fifth time or so.
func fill(r *rand.Rand, t offer.Type, b array.Builder) {
	if r.IntN(5) == 0 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(fmt.Sprint("é"[:2*r.IntN(2)], r.IntN(1000)))
	case *array.BooleanBuilder:
		b.Append(r.IntN(2) == 0)
	case *array.Int64Builder:
		b.Append(r.Int64())
	case *array.Float64Builder:
		b.Append(r.NormFloat64())
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(r.Int64()))
	case *array.Date32Builder:
		b.Append(arrow.Date32(r.Int32()))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(r.Int64N(1e12)))
	case *array.MapBuilder:
		b.Append(true)
		for i := range r.IntN(4) {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprint(i))
			fill(r, *t.Elem, b.ItemBuilder())
		}
	case *array.ListBuilder:
		b.Append(true)
		for range r.IntN(4) {
			fill(r, *t.Elem, b.ValueBuilder())
		}
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range t.Fields {
			fill(r, f.Type, b.FieldBuilder(i))
		}
	}
}

// randomArray returns an array of n values, cut out of a larger one.
func randomArray(r *rand.Rand, mem memory.Allocator, t offer.Type, n int) arrow.Array {
	b := array.NewBuilder(mem, t.Arrow())
	defer b.Release()
	before, after := r.IntN(9), r.IntN(9)
	for range before + n + after {
		fill(r, t, b)
	}
	whole := b.NewArray()
	defer whole.Release()
	return array.NewSlice(whole, int64(before), int64(before+n))
}

// take is Gather done by the Arrow library.
func take(t *testing.T, mem memory.Allocator, arrays []arrow.Array, refs []Ref) arrow.Array {
	whole, err := array.Concatenate(arrays, mem)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Release()
	starts := make([]int64, len(arrays))
	for i := 1; i < len(arrays); i++ {
		starts[i] = starts[i-1] + int64(arrays[i-1].Len())
	}
	b := array.NewInt64Builder(mem)
	defer b.Release()
	for _, ref := range refs {
		if ref.Row < 0 {
			b.AppendNull()
			continue
		}
		b.Append(starts[ref.Batch] + int64(ref.Row))
	}
	indices := b.NewArray()
	defer indices.Release()
	out, err := compute.TakeArray(compute.WithAllocator(context.Background(), mem), whole, indices)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGatherIsTake(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	typ := everyType(t)
	for range 300 {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		arrays := make([]arrow.Array, 1+r.IntN(4))
		for i := range arrays {
			arrays[i] = randomArray(r, mem, typ, 1+r.IntN(70))
		}
		refs := randomRefs(r, arrays)
		got, want := Gather(mem, typ.Arrow(), arrays, refs), take(t, mem, arrays, refs)
		if !array.Equal(got, want) {
			t.Fatalf("gather of %v\ngot  %v\nwant %v", refs, got, want)
		}
		if got.NullN() != want.NullN() {
			t.Fatalf("gather of %v has %d nulls, want %d", refs, got.NullN(), want.NullN())
		}
		got.Release()
		want.Release()
		for _, a := range arrays {
			a.Release()
		}
		mem.AssertSize(t, 0)
	}
}

func randomRefs(r *rand.Rand, arrays []arrow.Array) []Ref {
	lengths := []int{0, 1, 7, 63, 64, 65, 127, 128, 129, 1023, 1025}
	refs := make([]Ref, lengths[r.IntN(len(lengths))])
	for i := range refs {
		b := r.IntN(len(arrays))
		refs[i] = Ref{Batch: int32(b), Row: int32(r.IntN(arrays[b].Len()))}
		if r.IntN(20) == 0 {
			refs[i] = Null
		}
	}
	return refs
}

// A null must not carry bytes along: equal values are equal buffers.
func TestGatherLeavesNothingBehindNulls(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	b := array.NewStringBuilder(mem)
	defer b.Release()
	b.AppendValues([]string{"kept", "dropped"}, nil)
	full := b.NewArray()
	defer full.Release()
	validity := memory.NewBufferBytes([]byte{0b01})
	data := array.NewData(full.DataType(), 2, []*memory.Buffer{validity, full.Data().Buffers()[1], full.Data().Buffers()[2]}, nil, 1, 0)
	defer data.Release()
	hidden := array.NewStringData(data)
	defer hidden.Release()
	got := Gather(mem, hidden.DataType(), []arrow.Array{hidden}, []Ref{{Row: 0}, {Row: 1}})
	defer got.Release()
	if text := string(got.Data().Buffers()[2].Bytes()); text != "kept" {
		t.Errorf("bytes behind the values: %q", text)
	}
}

func BenchmarkGather(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	typ := everyType(b)
	mem := memory.NewGoAllocator()
	arrays := []arrow.Array{randomArray(r, mem, typ, Rows), randomArray(r, mem, typ, Rows)}
	refs := make([]Ref, Rows)
	for i := range refs {
		refs[i] = Ref{Batch: int32(r.IntN(2)), Row: int32(r.IntN(Rows))}
	}
	b.ReportAllocs()
	for b.Loop() {
		Gather(mem, typ.Arrow(), arrays, refs).Release()
	}
	b.ReportMetric(float64(Rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
