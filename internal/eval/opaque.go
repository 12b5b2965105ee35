package eval

import (
	"math/bits"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/predicate"
)

// An opaqueState is what is known so far of a part that is decided row by row.
type opaqueState struct {
	known []uint64
	rails rails
}

// decidedOn is decided for a condition in which parts may stand that are decided
// row by row: on the rows of care only, elsewhere it may say anything. Each part
// is asked about a row at most once, and only when nothing else has decided it.
func (m *machine) decidedOn(id term.ID, care []uint64) rails {
	if !m.opaqueIn[id] {
		return m.decided(id)
	}
	x := &m.table.Terms[id]
	switch x.Op {
	case term.Opaque:
		return m.ask(atoi(x.Name), care)
	case term.Not:
		return m.negated(m.decidedOn(x.Args[0], care), m.in(term.Rows).n)
	case term.Cond:
		c := m.decidedOn(x.Args[0], care)
		yes, no := m.both(care, c.t), m.without(care, c.notFalse())
		return m.chosen(c, m.decidedOn(x.Args[1], yes), m.decidedOn(x.Args[2], no))
	default:
		return m.joinedOn(x, care)
	}
}

// joinedOn asks last the legs that are decided row by row.
func (m *machine) joinedOn(x *term.Term, care []uint64) rails {
	var legs []rails
	for _, a := range x.Args {
		if !m.opaqueIn[a] {
			legs = append(legs, m.decided(a))
		}
	}
	for _, a := range x.Args {
		if !m.opaqueIn[a] {
			continue
		}
		if len(legs) > 0 {
			care = m.open(x.Op, care, m.joined(x.Op, legs))
		}
		legs = append(legs, m.decidedOn(a, care))
	}
	return m.joined(x.Op, legs)
}

// open returns the rows that a condition so far leaves to further legs.
func (m *machine) open(op term.Op, care []uint64, so rails) []uint64 {
	if op == term.And {
		return m.both(care, so.notFalse())
	}
	return m.without(care, so.t)
}

func (m *machine) both(a, b []uint64) []uint64 {
	out := append(m.words.take(len(a))[:0], a...)
	and(out, b)
	return out
}

func (m *machine) without(a, b []uint64) []uint64 {
	out := append(m.words.take(len(a))[:0], a...)
	andNot(out, b)
	return out
}

// ask lets the row-wise evaluator decide the rows that it was not asked about.
func (m *machine) ask(part int, care []uint64) rails {
	o := &m.opaque[part]
	if o.known == nil {
		w := len(care)
		o.known = m.words.zeroed(w)
		o.rails = rails{t: m.words.zeroed(w), p: m.words.zeroed(w), e: m.words.zeroed(w)}
	}
	for i := range care {
		for rows := care[i] &^ o.known[i]; rows != 0; rows &= rows - 1 {
			bit := rows & -rows
			m.vars.Offer.Index = i<<6 + bits.TrailingZeros64(rows)
			m.counted++
			switch outcome, _ := m.parts[part].Expr.Decide(&m.vars); outcome {
			case predicate.True:
				o.rails.t[i] |= bit
				o.rails.p[i] |= bit
			case predicate.Undecided:
				o.rails.p[i] |= bit
			case predicate.Failed:
				o.rails.p[i] |= bit
				o.rails.e[i] |= bit
			}
		}
		o.known[i] |= care[i]
	}
	return o.rails
}
