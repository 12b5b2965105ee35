package eval

import (
	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
)

// A group is the leaves that compare one value with constants. The values fall
// into classes that the leaves cannot tell apart, so all of them are decided by
// one look-up of a row's class: a word has a bit for each of 64 leaves, and 64
// rows' words, transposed, are 64 leaves' words of rows.
type group struct {
	of     term.ID
	kind   offer.Kind
	leaves []leaf
	cuts   []int64  // of numbers: where classes begin, sorted
	ranker ranker   // of the cuts
	table  []uint64 // of numbers: by class, a word for every 64 leaves; the last is of no value
}

// A leaf compares a value with constants.
type leaf struct {
	id        term.ID
	op        term.Op
	constants []any
	strict    bool // null is an error to it
}

// A groupState is what a machine keeps of a group from block to block.
type groupState struct {
	texts *texts
}

// slots is how many words a class has.
func (g *group) slots() int { return (len(g.leaves) + 63) / 64 }

// decideGroup decides all leaves of a group for the block.
func (m *machine) decideGroup(number int) {
	g := &m.plan.groups[number]
	v := m.value(g.of)
	codes, table := m.codes.take(v.n), g.table
	switch {
	case g.kind == offer.String:
		table = m.textsOf(number).code(codes, v)
	case v.nanos != nil:
		table = m.nanoTable(g, codes, v)
	default:
		g.rank(codes, v)
	}
	for i := range g.leaves {
		m.rails[g.leaves[i].id].t = m.words.take(words(v.n))
		m.known[g.leaves[i].id] = true
	}
	for slot := range g.slots() {
		m.scatter(g.leaves[slot*64:min(slot*64+64, len(g.leaves))], codes, table[slot:], g.slots())
	}
	m.addStates(g, v)
}

// scatter writes the bits of 64 leaves.
func (m *machine) scatter(leaves []leaf, codes []uint32, table []uint64, slots int) {
	var block [64]uint64
	var out [64][]uint64
	for k := range leaves {
		out[k] = m.rails[leaves[k].id].t
	}
	for w := range words(len(codes)) {
		rows := codes[w<<6 : min(w<<6+64, len(codes))]
		for i, code := range rows {
			block[i] = table[int(code)*slots]
		}
		clear(block[len(rows):])
		transpose(&block)
		for k := range leaves {
			out[k][w] = block[k]
		}
	}
}

// transpose exchanges rows and columns of a matrix of bits.
func transpose(a *[64]uint64) {
	mask := uint64(0x00000000FFFFFFFF)
	for j := 32; j != 0; j >>= 1 {
		for k := 0; k < 64; k = ((k | j) + 1) &^ j {
			t := (a[k]>>j ^ a[k|j]) & mask
			a[k] ^= t << j
			a[k|j] ^= t
		}
		mask ^= mask << (j >> 1)
	}
}

// addStates gives the leaves their other rails, where values are not valid. No
// leaf is true there.
func (m *machine) addStates(g *group, v *vec) {
	errors, strict, failures := m.railsOf(v)
	for i := range g.leaves {
		r := &m.rails[g.leaves[i].id]
		open := errors
		if g.leaves[i].strict {
			open = strict
		}
		r.p, r.e = nil, failures
		if open != nil {
			r.p = append(m.words.take(len(r.t))[:0], r.t...)
			or(r.p, open)
		}
	}
}

// railsOf returns the rows on which a value is an error, those where it is one or
// null, and those where it has failed; nil for none.
func (m *machine) railsOf(v *vec) (errors, strict, failures []uint64) {
	if v.state == nil {
		return nil, nil, nil
	}
	undecidedRows, nulls := m.bitsOf(v.state, undecided), m.bitsOf(v.state, null)
	failures = m.bitsOf(v.state, failed)
	errors = m.union(undecidedRows, failures)
	return errors, m.union(errors, nulls), failures
}

func (m *machine) union(a, b []uint64) []uint64 {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	out := append(m.words.take(len(a))[:0], a...)
	or(out, b)
	return out
}
