package eval

import "math/bits"

// Bounds of a ranker: how many cuts are compared one by one; how many stretches of
// equal length the span of more of them is divided into, and how many cuts may lie
// in one.
const (
	fewCuts      = 6
	maxStretches = 1024
	maxInStretch = 8
)

// A ranker finds how many cuts a value has reached. Numbers are those of unsigned:
// they sort as the signed ones do. Few cuts are compared one by one. Of more, one
// look finds the stretch that a value lies in, and a few comparisons the rest,
// always as many, so that nothing is to be guessed by the processor; where the cuts
// lie too unevenly for that, it is a binary search.
type ranker struct {
	cuts  []uint64 // sorted; behind them, where there are stretches, as many of the greatest number as there are steps
	n     int      // how many cuts there are
	shift int      // the length of a stretch, as a power of two
	first []uint32 // by stretch: how many cuts lie before it; nil: none
	steps int      // how many cuts lie in a stretch at most
}

// unsigned returns a number that sorts among unsigned ones as x does among signed.
func unsigned(x int64) uint64 { return uint64(x) ^ 1<<63 }

func newRanker(cuts []int64) ranker {
	r := ranker{n: len(cuts)}
	for _, cut := range cuts {
		r.cuts = append(r.cuts, unsigned(cut))
	}
	if r.n <= fewCuts || r.cuts[r.n-1] == 1<<64-1 {
		return r
	}
	r.shift = max(0, bits.Len64(r.cuts[r.n-1]-r.cuts[0])-bits.Len(maxStretches-1))
	first, stretch := make([]uint32, (r.cuts[r.n-1]-r.cuts[0])>>r.shift+1), -1
	for i, cut := range r.cuts {
		for at := int(r.stretch(cut)); stretch < at; {
			stretch++
			first[stretch] = uint32(i)
		}
		r.steps = max(r.steps, i+1-int(first[stretch]))
	}
	if r.steps > maxInStretch {
		return r
	}
	for range r.steps {
		r.cuts = append(r.cuts, 1<<64-1)
	}
	r.first = first
	return r
}

func (r *ranker) stretch(x uint64) uint64 { return (x - r.cuts[0]) >> r.shift }

// rank writes how many cuts each value has reached.
func (r *ranker) rank(dst []uint32, values []uint64) {
	dst = dst[:len(values)]
	switch {
	case r.n == 0:
		clear(dst)
	case r.n == 1:
		cut := r.cuts[0]
		for i, x := range values {
			dst[i] = passed(x, cut)
		}
	case r.n == 2:
		a, b := r.cuts[0], r.cuts[1]
		for i, x := range values {
			dst[i] = passed(x, a) + passed(x, b)
		}
	case r.n <= fewCuts:
		for i, x := range values {
			n := uint32(0)
			for _, cut := range r.cuts {
				n += passed(x, cut)
			}
			dst[i] = n
		}
	case r.first != nil:
		r.rankByStretch(dst, values)
	default:
		for i, x := range values {
			dst[i] = r.search(x)
		}
	}
}

// passed is 1 if a value has reached a cut, else 0.
func passed(x, cut uint64) uint32 {
	_, below := bits.Sub64(x, cut, 0)
	return uint32(1 - below)
}

func (r *ranker) rankByStretch(dst []uint32, values []uint64) {
	least, most := r.cuts[0], r.cuts[r.n-1]
	for i, x := range values {
		inside := min(max(x, least), most)
		n := r.first[r.stretch(inside)]
		for range r.steps {
			n += passed(inside, r.cuts[n])
		}
		dst[i] = n & -passed(x, least)
	}
}

func (r *ranker) search(x uint64) uint32 {
	base, n := 0, r.n
	for n > 1 {
		half := n / 2
		if r.cuts[base+half-1] <= x {
			base += half
		}
		n -= half
	}
	return uint32(base) + passed(x, r.cuts[base])
}
