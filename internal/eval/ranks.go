package eval

import "math/bits"

// Bounds of the first look: how many stretches of equal length the span of the
// cuts is divided into, and how many cuts may lie in one.
const (
	maxStretches = 512
	maxInStretch = 8
)

// A ranker finds how many cuts a value has reached: one look for the stretch that
// it lies in, and a few comparisons. Where the cuts lie too unevenly for that, the
// stretches are left out.
type ranker struct {
	cuts  []int64  // sorted
	shift int      // the length of a stretch, as a power of two
	first []uint32 // by stretch: how many cuts lie before it; nil: none
}

func newRanker(cuts []int64) ranker {
	r := ranker{cuts: cuts}
	if len(cuts) < 2 {
		return r
	}
	span := uint64(cuts[len(cuts)-1]) - uint64(cuts[0])
	r.shift = max(0, bits.Len64(span)-bits.Len(maxStretches-1))
	first, stretch := make([]uint32, span>>r.shift+1), -1
	for i, cut := range cuts {
		for at := int(r.stretch(cut)); stretch < at; {
			stretch++
			first[stretch] = uint32(i)
		}
		if i-int(first[stretch]) >= maxInStretch {
			return r
		}
	}
	r.first = first
	return r
}

func (r *ranker) stretch(x int64) uint64 { return (uint64(x) - uint64(r.cuts[0])) >> r.shift }

// rank returns how many cuts a value has reached.
func (r *ranker) rank(x int64) uint32 {
	switch {
	case len(r.cuts) == 0 || x < r.cuts[0]:
		return 0
	case x >= r.cuts[len(r.cuts)-1]:
		return uint32(len(r.cuts))
	case r.first == nil:
		return r.search(x)
	}
	n := r.first[r.stretch(x)]
	for r.cuts[n] <= x { // the last cut is beyond x
		n++
	}
	return n
}

func (r *ranker) search(x int64) uint32 {
	base, n := 0, len(r.cuts)
	for n > 1 {
		half := n / 2
		if r.cuts[base+half-1] <= x {
			base += half
		}
		n -= half
	}
	if n == 1 && r.cuts[base] <= x {
		base++
	}
	return uint32(base)
}
