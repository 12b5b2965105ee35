package eval

import (
	"math/bits"

	"github.com/feedmill/feedmill/internal/eval/term"
)

// Rails are what a condition says about rows: on which it is true, on which it is
// not false, and on which of these it failed, other than because of null. What is
// not false and neither true nor failed is undecided.
type rails struct {
	t []uint64
	p []uint64 // nil: the same as t
	e []uint64 // nil: none
}

// notFalse returns the rail p.
func (r rails) notFalse() []uint64 {
	if r.p == nil {
		return r.t
	}
	return r.p
}

func words(n int) int { return (n + 63) / 64 }

// decided returns what a condition says about the rows of its own space.
func (m *machine) decided(id term.ID) rails {
	if !m.known[id] {
		m.rails[id] = m.decide(id, &m.table.Terms[id])
		m.known[id] = true
	}
	return m.rails[id]
}

func (m *machine) decide(id term.ID, x *term.Term) rails {
	switch x.Op {
	case term.And, term.Or:
		return m.junction(x)
	case term.Not:
		return m.negated(m.decidedIn(x.Args[0], x.Space), m.in(x.Space).n)
	case term.Cond:
		return m.chosen(m.decidedIn(x.Args[0], x.Space), m.decidedIn(x.Args[1], x.Space), m.decidedIn(x.Args[2], x.Space))
	case term.Present:
		return m.present(x)
	case term.PresentKey, term.HasKey:
		return m.hasKey(x)
	case term.Member:
		return m.memberOf(x)
	case term.Exists:
		return m.exists(x)
	case term.ExistsOne:
		return m.existsOne(x)
	case term.Fail:
		return m.failing(x)
	case term.Const:
		return m.constant(x)
	}
	if x.Op.IsLeaf() {
		if g := m.groupOf[id]; g >= 0 {
			m.decideGroup(int(g))
			return m.rails[id]
		}
		return m.compare(x)
	}
	return m.rail(m.value(id))
}

// decidedIn returns what a condition says about the rows of a space in its own.
func (m *machine) decidedIn(id term.ID, s term.Space) rails {
	x := &m.table.Terms[id]
	if x.Space == s {
		return m.decided(id)
	}
	if x.Op == term.Const {
		return m.constantFor(x, m.in(s).n)
	}
	r, at := m.decided(id), m.ancestors(s, x.Space)
	out := rails{t: m.gatherBits(r.t, at)}
	if r.p != nil {
		out.p = m.gatherBits(r.p, at)
	}
	if r.e != nil {
		out.e = m.gatherBits(r.e, at)
	}
	return out
}

func (m *machine) gatherBits(src []uint64, at []int32) []uint64 {
	dst := m.words.zeroed(words(len(at)))
	for i, row := range at {
		dst[i>>6] |= (src[row>>6] >> (row & 63) & 1) << (i & 63)
	}
	return dst
}

// constant is true or false for all rows, or undecided if it is null.
func (m *machine) constant(x *term.Term) rails { return m.constantFor(x, m.in(x.Space).n) }

func (m *machine) constantFor(x *term.Term, n int) rails {
	switch x.Value {
	case true:
		return rails{t: m.ones(n)}
	case false:
		return rails{t: m.words.zeroed(words(n))}
	default:
		return rails{t: m.words.zeroed(words(n)), p: m.ones(n)}
	}
}

func (m *machine) failing(x *term.Term) rails {
	n := m.in(x.Space).n
	out := rails{t: m.words.zeroed(words(n)), p: m.ones(n)}
	if x.Name != "null" {
		out.e = out.p
	}
	return out
}

func (m *machine) ones(n int) []uint64 {
	out := m.words.take(words(n))
	for i := range out {
		out[i] = ^uint64(0)
	}
	trim(out, n)
	return out
}

// trim clears what is beyond n rows.
func trim(bits []uint64, n int) {
	if tail := n & 63; tail != 0 {
		bits[len(bits)-1] &= 1<<tail - 1
	}
}

// rail turns the values of bools into rails: null is undecided.
func (m *machine) rail(v *vec) rails {
	w := words(v.n)
	out := rails{t: m.words.zeroed(w)}
	if v.state == nil {
		for i, x := range v.ints {
			out.t[i>>6] |= uint64(x) << (i & 63)
		}
		return out
	}
	out.p = m.words.zeroed(w)
	for i, s := range v.state {
		bit := uint64(1) << (i & 63)
		if s != valid {
			out.p[i>>6] |= bit
		} else if v.ints[i] != 0 {
			out.t[i>>6] |= bit
			out.p[i>>6] |= bit
		}
	}
	out.e = m.bitsOf(v.state, failed)
	return out
}

// bitsOf returns the rows that are in a state, nil if none is.
func (m *machine) bitsOf(states []state, wanted state) []uint64 {
	var out []uint64
	for i, s := range states {
		if s != wanted {
			continue
		}
		if out == nil {
			out = m.words.zeroed(words(len(states)))
		}
		out[i>>6] |= 1 << (i & 63)
	}
	return out
}

// unrail is the inverse of rail.
func (m *machine) unrail(r rails, n int) *vec {
	v := &vec{n: n, ints: m.ints.take(n)}
	for i := range v.ints {
		v.ints[i] = int64(r.t[i>>6] >> (i & 63) & 1)
	}
	if r.p == nil {
		return v
	}
	v.state = m.states.zeroed(n)
	for i := range v.state {
		word, shift := i>>6, i&63
		switch {
		case r.e != nil && r.e[word]>>shift&1 != 0:
			v.state[i] = failed
		case (r.p[word]&^r.t[word])>>shift&1 != 0:
			v.state[i] = undecided
		}
	}
	return v
}

// counts returns how many rows are undecided and how many failed.
func (r rails) counts() (undecided, failures int64) {
	if r.p == nil {
		return 0, 0
	}
	for i, p := range r.p {
		undecided += int64(bits.OnesCount64(p &^ r.t[i]))
	}
	for _, e := range r.e {
		failures += int64(bits.OnesCount64(e))
	}
	return undecided - failures, failures
}

// has reports whether a row is in a set of bits.
func has(set []uint64, row int) bool { return set != nil && set[row>>6]>>(row&63)&1 != 0 }
