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
// where a leg has. The legs that have no errors come first, so that the two rails part
// as late as possible; no row that is left ends it.
func (m *machine) allOf(legs []*rails) rails {
	out, begun := rails{t: m.sets.take(len(legs[0].t))}, false
	for _, leg := range legs {
		switch {
		case leg.u != nil:
		case !begun:
			copy(out.t, leg.t)
			begun = true
		case and(out.t, leg.t) == 0:
			return rails{t: out.t, nowhere: true}
		}
	}
	for _, leg := range legs {
		switch {
		case leg.u == nil:
		case !begun:
			copy(out.t, leg.t)
			out.u = m.sets.take(len(out.t))
			either(out.u, leg.t, leg.u)
			begun = true
		default:
			if out.u == nil {
				out.u = append(m.sets.take(len(out.t))[:0], out.t...)
			}
			if narrow(out.t, out.u, leg.t, leg.u) == 0 {
				return rails{t: out.t, nowhere: true}
			}
		}
	}
	return m.parted(out, legs)
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
	return m.parted(out, legs)
}

// parted takes what is true from what is not false: the errors are left. Most often
// there are none.
func (m *machine) parted(out rails, legs []*rails) rails {
	if out.u == nil {
		return out
	}
	if andNot(out.u, out.t) == 0 {
		out.u = nil
		return out
	}
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
	if r.u == nil {
		complement(out.t, r.t)
	} else {
		neither(out.t, r.t, r.u)
	}
	trim(out.t, n)
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

// and is dst && src. It returns a word that is 0 if nothing is left, as those below
// do.
func and(dst, src []uint64) (left uint64) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] &= src[i]
		left |= dst[i]
	}
	return left
}

// narrow takes from the rows that are true, and from those that are not false, the
// others than those of one more leg. It returns what is not false.
func narrow(yes, open, t, u []uint64) (left uint64) {
	open, t, u = open[:len(yes)], t[:len(yes)], u[:len(yes)]
	for i := range yes {
		yes[i] &= t[i]
		open[i] &= t[i] | u[i]
		left |= open[i]
	}
	return left
}

func either(dst, a, b []uint64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] | b[i]
	}
}

func or(dst, src []uint64) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] |= src[i]
	}
}

func andNot(dst, src []uint64) (left uint64) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] &^= src[i]
		left |= dst[i]
	}
	return left
}

func complement(dst, src []uint64) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = ^src[i]
	}
}

// neither is !a && !b.
func neither(dst, a, b []uint64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = ^(a[i] | b[i])
	}
}
