package eval

import (
	"math"
	"slices"
	"time"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
)

// Numbers are ranked as integers: doubles by bits that sort as they do, times by
// microseconds. A class is the integers from one cut up to the next; between two
// cuts no leaf changes.

// sortable returns the integer of a double that is not NaN: it sorts as doubles
// do, and both zeros are one.
func sortable(f float64) int64 {
	b := int64(math.Float64bits(f + 0))
	return b ^ b>>63&math.MaxInt64
}

// double is the inverse of sortable.
func double(i int64) float64 { return math.Float64frombits(uint64(i ^ i>>63&math.MaxInt64)) }

// classify finds the cuts and what the leaves say of each class, and last, for
// NaN and for no value, nothing. A cut at which no leaf changes is none: of x and
// the number beyond it, x < c needs only the one and x <= c only the other.
func (g *group) classify() {
	var candidates []int64
	for i := range g.leaves {
		for _, c := range g.leaves[i].constants {
			candidates = append(candidates, cutsAt(g.kind, c)...)
		}
	}
	slices.Sort(candidates)
	least := int64(math.MinInt64)
	if g.kind == offer.Double {
		least = sortable(math.Inf(-1))
	}
	said := g.said(least)
	g.table = said
	for _, cut := range slices.Compact(candidates) {
		before := said
		if said = g.said(cut); !slices.Equal(said, before) {
			g.cuts, g.table = append(g.cuts, cut), append(g.table, said...)
		}
	}
	g.table = append(g.table, make([]uint64, g.slots())...)
	g.ranker = newRanker(g.cuts)
}

// said returns what the leaves say of a number.
func (g *group) said(number int64) []uint64 {
	out := make([]uint64, g.slots())
	for i := range g.leaves {
		if g.leaves[i].holds(g.kind, number, 0) {
			out[i>>6] |= 1 << (i & 63)
		}
	}
	return out
}

// none is the class of no value.
func (g *group) none() uint32 { return uint32(len(g.cuts) + 1) }

// cutsAt returns where values of a kind begin to compare otherwise with a
// constant: from it on, and beyond it.
func cutsAt(kind offer.Kind, constant any) []int64 {
	at, exact := int64(0), true
	switch c := constant.(type) {
	case bool:
		at = toInt(c)
	case time.Duration:
		at = int64(c)
	case time.Time:
		us, ns := micros(c)
		at, exact = us, ns == 0
	case float64:
		if kind == offer.Int {
			return intCuts(c)
		}
		at = sortable(c)
	case int64:
		at = c
		if kind == offer.Double {
			at = sortable(float64(c))
		}
	}
	var cuts []int64
	if exact {
		cuts = append(cuts, at)
	}
	if at < math.MaxInt64 {
		cuts = append(cuts, at+1)
	}
	return cuts
}

// intCuts returns the least ints that, as doubles, are not less than c, and
// greater.
func intCuts(c float64) []int64 {
	var cuts []int64
	for _, reached := range []func(i int64) bool{func(i int64) bool { return float64(i) >= c }, func(i int64) bool { return float64(i) > c }} {
		if !reached(math.MaxInt64) {
			continue
		}
		from, to := int64(math.MinInt64), int64(math.MaxInt64)
		for from < to {
			middle := from + int64(uint64(to-from)/2)
			if reached(middle) {
				to = middle
			} else {
				from = middle + 1
			}
		}
		cuts = append(cuts, from)
	}
	return cuts
}

// holds says whether a leaf is true of a value, given as the integer that it is
// ranked by.
func (l *leaf) holds(kind offer.Kind, value, nanos int64) bool {
	for _, c := range l.constants {
		if related(l.op, compareWith(kind, value, nanos, c)) {
			return true
		}
	}
	return false
}

func related(op term.Op, order int) bool {
	switch op {
	case term.Less:
		return order < 0
	case term.LessEqual:
		return order <= 0
	case term.Greater:
		return order > 0
	case term.GreaterEqual:
		return order >= 0
	default:
		return order == 0
	}
}

// compareWith compares a ranked value with a constant.
func compareWith(kind offer.Kind, value, nanos int64, constant any) int {
	switch c := constant.(type) {
	case bool:
		return compareInts(value, toInt(c))
	case time.Duration:
		return compareInts(value, int64(c))
	case time.Time:
		us, ns := micros(c)
		if value != us {
			return compareInts(value, us)
		}
		return compareInts(nanos, ns)
	case float64:
		if kind == offer.Int {
			return compareFloats(float64(value), c)
		}
		return compareFloats(double(value), c)
	default:
		if kind == offer.Int {
			return compareInts(value, c.(int64))
		}
		return compareFloats(double(value), float64(c.(int64)))
	}
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// ranked is how many values are ranked at once: they stay in a core's first cache.
const ranked = 512

// rank writes the class of each row that has a value.
func (g *group) rank(dst []uint32, v *vec) {
	var values [ranked]uint64
	for first := 0; first < v.n; first += ranked {
		n := min(ranked, v.n-first)
		codes := dst[first : first+n]
		if g.kind != offer.Double {
			for i, x := range v.ints[first : first+n] {
				values[i] = unsigned(x)
			}
			g.ranker.rank(codes, values[:n])
			continue
		}
		floats, anyNaN := v.floats[first:first+n], false
		for i, f := range floats {
			values[i] = unsigned(sortable(f))
			anyNaN = anyNaN || f != f
		}
		g.ranker.rank(codes, values[:n])
		for i := 0; anyNaN && i < n; i++ {
			if floats[i] != floats[i] {
				codes[i] = g.none()
			}
		}
	}
}

// nanoTable gives each row a class of its own: times between two microseconds,
// which only calculations make, are not ranked.
func (m *machine) nanoTable(g *group, codes []uint32, v *vec) []uint64 {
	slots := g.slots()
	table := m.words.zeroed(v.n * slots)
	for i := range codes {
		codes[i] = uint32(i)
		for k := range g.leaves {
			if v.ok(i) && g.leaves[k].holds(g.kind, v.ints[i], v.nanos[i]) {
				table[i*slots+k>>6] |= 1 << (k & 63)
			}
		}
	}
	return table
}
