package eval

import "github.com/feedmill/feedmill/internal/eval/term"

// junction is && or ||.
func (m *machine) junction(x *term.Term) rails {
	legs := m.legs.take(len(x.Args))[:0]
	for _, a := range x.Args {
		leg := m.leg(a, x.Space)
		if !leg.nowhere {
			legs = append(legs, leg)
		} else if x.Op == term.And {
			return *leg
		}
	}
	if len(legs) == 0 {
		return m.nowhere(m.in(x.Space).n)
	}
	return m.joined(x.Op, legs)
}

// leg is decidedIn for one of many.
func (m *machine) leg(id term.ID, s term.Space) *rails {
	if m.spaceOf[id] != s {
		return m.lent(m.decidedIn(id, s))
	}
	if !m.known[id] {
		m.decided(id)
	}
	return &m.rails[id]
}

// lent keeps rails for the block.
func (m *machine) lent(r rails) *rails {
	out := &m.others.take(1)[0]
	*out = r
	return out
}

// joined is && or || of legs.
func (m *machine) joined(op term.Op, legs []*rails) rails {
	switch {
	case len(legs) == 1:
		return *legs[0]
	case op == term.And:
		return m.allOf(legs)
	default:
		return m.anyOneOf(legs)
	}
}

// allOf is &&: an error where no leg is false and not all are true. It has failed
// where a leg has.
func (m *machine) allOf(legs []*rails) rails {
	out := rails{t: append(m.sets.take(len(legs[0].t))[:0], legs[0].t...)}
	open := legs[0].u != nil
	for _, leg := range legs[1:] {
		and(out.t, leg.t)
		open = open || leg.u != nil
	}
	if !open {
		return out
	}
	out.u = append(m.sets.take(len(out.t))[:0], legs[0].t...)
	if legs[0].u != nil {
		or(out.u, legs[0].u)
	}
	for _, leg := range legs[1:] {
		if leg.u == nil {
			and(out.u, leg.t)
		} else {
			andEither(out.u, leg.t, leg.u)
		}
	}
	andNot(out.u, out.t)
	if out.e = m.failures(legs); out.e != nil {
		and(out.e, out.u)
	}
	return out
}

// anyOneOf is ||: an error where no leg is true and one is an error.
func (m *machine) anyOneOf(legs []*rails) rails {
	out := rails{t: append(m.sets.take(len(legs[0].t))[:0], legs[0].t...)}
	for _, leg := range legs[1:] {
		or(out.t, leg.t)
	}
	for _, leg := range legs {
		switch {
		case leg.u == nil:
		case out.u == nil:
			out.u = append(m.sets.take(len(out.t))[:0], leg.u...)
		default:
			or(out.u, leg.u)
		}
	}
	if out.u == nil {
		return out
	}
	andNot(out.u, out.t)
	if out.e = m.failures(legs); out.e != nil {
		and(out.e, out.u)
	}
	return out
}

// failures returns the rows on which any leg has failed, nil if there are none.
func (m *machine) failures(legs []*rails) []uint64 {
	var out []uint64
	for _, leg := range legs {
		switch {
		case leg.e == nil:
		case out == nil:
			out = append(m.sets.take(len(leg.t))[:0], leg.e...)
		default:
			or(out, leg.e)
		}
	}
	return out
}

// negated is !r.
func (m *machine) negated(r rails, n int) rails {
	out := rails{t: m.sets.take(len(r.t)), u: r.u, e: r.e}
	complement(out.t, r.t, n)
	if r.u != nil {
		andNot(out.t, r.u)
	}
	return out
}

// chosen is c ? a : b.
func (m *machine) chosen(c, a, b rails) rails {
	w := len(c.t)
	out := rails{t: m.sets.take(w)}
	for i := range out.t {
		out.t[i] = c.t[i]&a.t[i] | b.t[i]&^c.t[i]
	}
	if c.u != nil {
		andNot(out.t, c.u)
	}
	out.u, out.e = m.chosenOf(c.t, c.u, c.u, a.u, b.u), m.chosenOf(c.t, c.u, c.e, a.e, b.e)
	return out
}

// chosenOf chooses among rails of a and b by what c says; what c itself has on the
// rail comes first.
func (m *machine) chosenOf(yes, open, c, a, b []uint64) []uint64 {
	if c == nil && a == nil && b == nil {
		return nil
	}
	out := m.sets.zeroed(len(yes))
	for i := range out {
		not := ^yes[i]
		if open != nil {
			not &^= open[i]
		}
		if c != nil {
			out[i] = c[i]
		}
		if a != nil {
			out[i] |= a[i] & yes[i]
		}
		if b != nil {
			out[i] |= b[i] & not
		}
	}
	return out
}

func and(dst, src []uint64) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] &= src[i]
	}
}

// andEither is dst && (a || b).
func andEither(dst, a, b []uint64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] &= a[i] | b[i]
	}
}

func or(dst, src []uint64) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] |= src[i]
	}
}

func andNot(dst, src []uint64) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] &^= src[i]
	}
}

// complement writes the rows that are not in src.
func complement(dst, src []uint64, n int) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = ^src[i]
	}
	trim(dst, n)
}
