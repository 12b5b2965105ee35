package eval

import "github.com/feedmill/feedmill/internal/eval/term"

// junction is && or ||.
func (m *machine) junction(x *term.Term) rails {
	legs := m.legs.take(len(x.Args))
	for i, a := range x.Args {
		legs[i] = m.decidedIn(a, x.Space)
	}
	return m.joined(x.Op, legs)
}

// joined is && or || of legs. On the rail e an error counts where nothing absorbs
// it.
func (m *machine) joined(op term.Op, legs []rails) rails {
	out, both := rails{t: m.words.take(len(legs[0].t))}, legs[0].p != nil
	copy(out.t, legs[0].t)
	for _, leg := range legs[1:] {
		join(op, out.t, leg.t)
		both = both || leg.p != nil
	}
	if !both {
		return out
	}
	out.p = append(m.words.take(len(out.t))[:0], legs[0].notFalse()...)
	for _, leg := range legs[1:] {
		join(op, out.p, leg.notFalse())
	}
	out.e = m.errorsOf(op, legs, out)
	return out
}

func join(op term.Op, dst, src []uint64) {
	if op == term.And {
		and(dst, src)
	} else {
		or(dst, src)
	}
}

// errorsOf returns where legs failed that no other leg absorbs.
func (m *machine) errorsOf(op term.Op, legs []rails, out rails) []uint64 {
	var e []uint64
	for _, leg := range legs {
		switch {
		case leg.e == nil:
		case e == nil:
			e = append(m.words.take(len(out.t))[:0], leg.e...)
		default:
			or(e, leg.e)
		}
	}
	if e == nil {
		return nil
	}
	if op == term.And {
		and(e, out.p)
	} else {
		andNot(e, out.t)
	}
	return e
}

// negated is !r.
func (m *machine) negated(r rails, n int) rails {
	out := rails{t: m.words.take(len(r.t)), e: r.e}
	complement(out.t, r.notFalse(), n)
	if r.p != nil {
		out.p = m.words.take(len(r.t))
		complement(out.p, r.t, n)
	}
	return out
}

// chosen is c ? a : b.
func (m *machine) chosen(c, a, b rails) rails {
	w := len(c.t)
	out := rails{t: m.words.take(w), p: m.words.take(w)}
	cp, ap, bp := c.notFalse(), a.notFalse(), b.notFalse()
	for i := range out.t {
		yes, not := c.t[i], ^cp[i]
		out.t[i] = yes&a.t[i] | not&b.t[i]
		out.p[i] = yes&ap[i] | not&bp[i] | cp[i]&^yes
	}
	if c.e == nil && a.e == nil && b.e == nil {
		return out
	}
	out.e = m.words.zeroed(w)
	for i := range out.e {
		if c.e != nil {
			out.e[i] |= c.e[i]
		}
		if a.e != nil {
			out.e[i] |= c.t[i] & a.e[i]
		}
		if b.e != nil {
			out.e[i] |= b.e[i] &^ cp[i]
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
