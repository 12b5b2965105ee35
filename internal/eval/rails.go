package eval

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/feedmill/feedmill/internal/eval/term"
)

// Rails are what a condition says about rows: on which it is true, on which it is
// an error, and on which of these it failed, other than because of null; the other
// errors are undecided. Nothing is true and an error. Conditions may share rails:
// what one has is not written to by another.
type rails struct {
	t []uint64
	u []uint64 // nil: none
	e []uint64 // nil: none

	nowhere bool // it is known to be false of all rows
}

func words(n int) int { return (n + 63) / 64 }

// decided returns what a condition says about the rows of its own space.
func (m *machine) decided(id term.ID) rails {
	if !m.known[id] {
		sets := m.sets
		m.sets = &m.words
		m.rails[id] = m.decide(id, &m.table.Terms[id])
		m.known[id], m.sets = true, sets
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
		switch g := int(m.groupOf[id]); {
		case g < 0:
		case m.plan.groups[g].late:
			m.search(id, m.ones(m.in(term.Rows).n))
			return m.rails[id]
		default:
			m.decideGroup(g)
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
	if r.u != nil {
		out.u = m.gatherBits(r.u, at)
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
		return m.nowhere(n)
	default:
		return rails{t: m.words.zeroed(words(n)), u: m.ones(n)}
	}
}

// nowhere is false of all rows.
func (m *machine) nowhere(n int) rails { return rails{t: m.words.zeroed(words(n)), nowhere: true} }

func (m *machine) failing(x *term.Term) rails {
	n := m.in(x.Space).n
	out := rails{t: m.words.zeroed(words(n)), u: m.ones(n)}
	if x.Name != "null" {
		out.e = out.u
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
	for i, s := range v.state {
		if s == valid {
			out.t[i>>6] |= uint64(v.ints[i]) << (i & 63)
		}
	}
	states := m.bitsOf(v.state)
	out.u, out.e = m.errors(states, true), states.failed
	return out
}

// A stateBits is the rows of a vec by their state; nil for none.
type stateBits struct {
	null, undecided, failed []uint64
}

// errors returns the rows that are an error, also the null ones if null is one.
func (m *machine) errors(b stateBits, strict bool) []uint64 {
	out := m.union(b.undecided, b.failed)
	if strict {
		out = m.union(out, b.null)
	}
	return out
}

// bitsOf sorts rows by their state, eight at a time: a state is two bits.
func (m *machine) bitsOf(states []state) stateBits {
	w := words(len(states))
	out := stateBits{m.words.take(w), m.words.take(w), m.words.take(w)}
	var nulls, undecideds, failures uint64
	for i := range out.null {
		low, high := packed(states[i<<6 : min(i<<6+64, len(states))])
		out.null[i], out.undecided[i], out.failed[i] = low&^high, high&^low, low&high
		nulls, undecideds, failures = nulls|out.null[i], undecideds|out.undecided[i], failures|out.failed[i]
	}
	return stateBits{unless0(out.null, nulls), unless0(out.undecided, undecideds), unless0(out.failed, failures)}
}

// unless0 returns a set, or nil if nothing is in any of its words.
func unless0(set []uint64, any uint64) []uint64 {
	if any == 0 {
		return nil
	}
	return set
}

// packed returns the low and the high bits of up to 64 states.
func packed(states []state) (low, high uint64) {
	const (
		ones   = 0x0101010101010101
		gather = 0x0102040810204080 // brings the lowest bits of eight bytes into the highest byte
	)
	at, shift := 0, 0
	for ; at+8 <= len(states); at, shift = at+8, shift+8 {
		eight := binary.LittleEndian.Uint64(unsafe.Slice((*byte)(&states[at]), 8))
		low |= eight & ones * gather >> 56 << shift
		high |= eight >> 1 & ones * gather >> 56 << shift
	}
	for ; at < len(states); at++ {
		low |= uint64(states[at]&1) << at
		high |= uint64(states[at]>>1) << at
	}
	return low, high
}

// unrail is the inverse of rail.
func (m *machine) unrail(r rails, n int) *vec {
	v := &vec{n: n, ints: m.ints.take(n)}
	for i := range v.ints {
		v.ints[i] = int64(r.t[i>>6] >> (i & 63) & 1)
	}
	if r.u == nil {
		return v
	}
	v.state = m.states.zeroed(n)
	for i := range v.state {
		word, shift := i>>6, i&63
		switch {
		case r.e != nil && r.e[word]>>shift&1 != 0:
			v.state[i] = failed
		case r.u[word]>>shift&1 != 0:
			v.state[i] = undecided
		}
	}
	return v
}

// counts returns how many rows are undecided and how many failed.
func (r rails) counts() (undecided, failures int64) {
	for _, u := range r.u {
		undecided += int64(bits.OnesCount64(u))
	}
	for _, e := range r.e {
		failures += int64(bits.OnesCount64(e))
	}
	return undecided - failures, failures
}

// has reports whether a row is in a set of bits.
func has(set []uint64, row int) bool { return set != nil && set[row>>6]>>(row&63)&1 != 0 }
