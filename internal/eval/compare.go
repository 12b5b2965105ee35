package eval

import (
	"cmp"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
)

// compare is a comparison of two terms, or with null.
func (m *machine) compare(x *term.Term) rails {
	if c := &m.table.Terms[x.Args[1]]; c.Op == term.Const && c.Value == nil {
		return m.isNull(m.encodedIn(x.Args[0], x.Space))
	}
	a, b := m.valueIn(x.Args[0], x.Space), m.valueIn(x.Args[1], x.Space)
	j, k := term.Base(m.table.Terms[x.Args[0]].Type.Kind), term.Base(m.table.Terms[x.Args[1]].Type.Kind)
	out := rails{t: m.words.take(words(a.n))}
	switch {
	case j == offer.String:
		relate(out.t, x.Op, a.texts, b.texts)
	case j == offer.Double || k == offer.Double:
		a, b = m.floating(a), m.floating(b)
		relate(out.t, x.Op, a.floats, b.floats)
	case a.nanos != nil || b.nanos != nil:
		relateTimes(out.t, x.Op, a, b)
	default:
		relate(out.t, x.Op, a.ints, b.ints)
	}
	if a.state == nil && b.state == nil {
		return out
	}
	return m.withStates(x.Op, out, a, b)
}

// floating returns ints as doubles.
func (m *machine) floating(v *vec) *vec {
	if v.ints == nil {
		return v
	}
	out := &vec{n: v.n, state: v.state, floats: m.floats.take(v.n)}
	for i, x := range v.ints {
		out.floats[i] = float64(x)
	}
	return out
}

// relate compares row by row.
func relate[T cmp.Ordered](dst []uint64, op term.Op, a, b []T) {
	b = b[:len(a)]
	switch op {
	case term.Less:
		relateWith(dst, a, b, func(x, y T) bool { return x < y })
	case term.LessEqual:
		relateWith(dst, a, b, func(x, y T) bool { return x <= y })
	case term.Greater:
		relateWith(dst, a, b, func(x, y T) bool { return x > y })
	case term.GreaterEqual:
		relateWith(dst, a, b, func(x, y T) bool { return x >= y })
	case term.Equal:
		relateWith(dst, a, b, func(x, y T) bool { return x == y })
	}
}

func relateWith[T any](dst []uint64, a, b []T, holds func(x, y T) bool) {
	for w := range dst {
		word, first := uint64(0), w<<6
		for i := first; i < min(first+64, len(a)); i++ {
			if holds(a[i], b[i]) {
				word |= 1 << (i & 63)
			}
		}
		dst[w] = word
	}
}

func relateTimes(dst []uint64, op term.Op, a, b *vec) {
	order := make([]int64, a.n)
	for i := range order {
		order[i] = int64(a.time(i).Compare(b.time(i)))
	}
	relate(dst, op, order, make([]int64, a.n))
}

// withStates is what a comparison says where operands are not both valid. Errors
// come first, the left one before the right. Null equals null alone and has no
// order, but nothing is less than NaN or more.
func (m *machine) withStates(op term.Op, r rails, a, b *vec) rails {
	out := rails{t: r.t, u: m.words.zeroed(len(r.t))}
	for i := range a.n {
		sa, sb := a.stateOf(i), b.stateOf(i)
		if sa == valid && sb == valid {
			continue
		}
		word, bit := i>>6, uint64(1)<<(i&63)
		out.t[word] &^= bit
		switch s := compared(op, a, i, sa, sb); s {
		case valid:
			if op == term.Equal && sa == sb {
				out.t[word] |= bit
			}
		case failed:
			if out.e == nil {
				out.e = m.words.zeroed(len(r.t))
			}
			out.e[word] |= bit
			fallthrough
		default:
			out.u[word] |= bit
		}
	}
	return out
}

func compared(op term.Op, a *vec, i int, sa, sb state) state {
	switch {
	case sa >= undecided:
		return sa
	case sb >= undecided:
		return sb
	case op == term.Equal:
		return valid
	case sa == null:
		return undecided
	case a.floats != nil && a.floats[i] != a.floats[i]:
		return valid
	default:
		return undecided
	}
}

// isNull is v == null.
func (m *machine) isNull(v *vec) rails {
	if v.state == nil {
		return rails{t: m.words.zeroed(words(v.n))}
	}
	states := m.bitsOf(v.state)
	out := rails{t: states.null, u: m.errors(states, false), e: states.failed}
	if out.t == nil {
		out.t = m.words.zeroed(words(v.n))
	}
	return out
}

// addErrors adds the rows that have failed or are undecided already.
func (m *machine) addErrors(r *rails, states []state) {
	bits := m.bitsOf(states)
	errors := m.errors(bits, false)
	if errors == nil {
		return
	}
	andNot(r.t, errors)
	r.u, r.e = m.union(errors, r.u), m.union(bits.failed, r.e)
}

// present is has(): what is neither null nor an empty list or map.
func (m *machine) present(x *term.Term) rails {
	v := m.encoded(x.Args[0])
	out := rails{t: m.ones(v.n)}
	if v.list != nil {
		for i := range v.n {
			if start, end := v.span(i); start == end {
				out.t[i>>6] &^= 1 << (i & 63)
			}
		}
	}
	if v.state == nil {
		return out
	}
	states := m.bitsOf(v.state)
	if absent := m.errors(states, true); absent != nil {
		andNot(out.t, absent)
	}
	out.u, out.e = m.errors(states, false), states.failed
	return out
}
