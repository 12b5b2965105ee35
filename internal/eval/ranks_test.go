package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestRanker counts the cuts that values have reached, near and far.
func TestRanker(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	d := dice{rand.New(rand.NewPCG(seed, 0))}
	evenly := 0
	for range 400 {
		span := []uint64{3, 100, 5000, 1 << 40, math.MaxUint64}[d.IntN(5)]
		cuts := make([]int64, d.IntN(60))
		for i := range cuts {
			cuts[i] = int64(d.Uint64() % span)
			if d.IntN(20) == 0 {
				cuts[i] = []int64{math.MinInt64, math.MaxInt64, 0, -1}[d.IntN(4)]
			}
		}
		slices.Sort(cuts)
		cuts = slices.Compact(cuts)
		r := newRanker(cuts)
		if r.first != nil {
			evenly++
		}
		var values []int64
		var ranked []uint64
		for _, v := range append([]int64{math.MinInt64, math.MaxInt64, 0, int64(d.Uint64())}, cuts...) {
			for _, x := range []int64{v - 1, v, v + 1} {
				values, ranked = append(values, x), append(ranked, unsigned(x))
			}
		}
		got := make([]uint32, len(values))
		r.rank(got, ranked)
		for i, x := range values {
			want := uint32(0)
			for _, cut := range cuts {
				if cut <= x {
					want++
				}
			}
			if got[i] != want {
				t.Fatalf("%d has reached %d of %v, want %d", x, got[i], cuts, want)
			}
		}
	}
	if evenly == 0 || evenly == 400 {
		t.Errorf("%d of 400 rankers have stretches", evenly)
	}
}
