package eval

import (
	"math/bits"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A lateState is what is known so far of conditions that are asked row by row.
type lateState struct {
	asked []uint64 // the rows; nil: not begun
	rails rails    // of a part that the row-wise evaluator decides
	texts *vec     // of a group that is searched
}

// decidedOn is decided for a condition in which parts may stand that are asked
// late: on the rows of care only, elsewhere it may say anything. Each part is asked
// about a row at most once, and only when nothing cheaper has decided it.
func (m *machine) decidedOn(id term.ID, care []uint64) rails {
	if m.late[id] == term.AtOnce || m.known[id] {
		return m.decided(id)
	}
	x := &m.table.Terms[id]
	switch {
	case x.Op == term.Opaque:
		return m.ask(atoi(x.Name), care)
	case x.Op == term.Not:
		return m.negated(m.decidedOn(x.Args[0], care), m.in(term.Rows).n)
	case x.Op == term.Cond:
		c := m.decidedOn(x.Args[0], care)
		yes, no := m.both(care, c.t), m.without(m.without(care, c.t), c.u)
		return m.chosen(c, m.decidedOn(x.Args[1], yes), m.decidedOn(x.Args[2], no))
	case x.Op.Joins():
		return m.joinedOn(x, care)
	default:
		m.search(int(m.groupOf[id]), care)
		return m.rails[id]
	}
}

// joinedOn asks the legs one lateness after the other, each only about the rows that
// those before it leave open.
func (m *machine) joinedOn(x *term.Term, care []uint64) rails {
	legs := m.legs.take(len(x.Args))[:0]
	for _, a := range x.Args {
		if m.late[a] == term.AtOnce {
			leg := m.leg(a, term.Rows)
			if leg.nowhere && x.Op == term.And {
				return *leg
			}
			legs = append(legs, leg)
		}
	}
	begun := len(legs) > 0
	var out rails
	if begun {
		out = m.joined(x.Op, legs)
	}
	for lateness := term.Searched; lateness <= term.RowByRow; lateness++ {
		for _, a := range x.Args {
			if m.late[a] != lateness {
				continue
			}
			if !begun {
				out, begun = m.decidedOn(a, care), true
				continue
			}
			open := m.open(x.Op, care, out)
			if isEmpty(open) {
				return out
			}
			out = m.joined(x.Op, append(m.legs.take(2)[:0], m.lent(out), m.lent(m.decidedOn(a, open))))
		}
	}
	return out
}

// open returns the rows that a condition so far leaves to further legs.
func (m *machine) open(op term.Op, care []uint64, so rails) []uint64 {
	if op == term.And {
		return m.both(care, m.union(so.t, so.u))
	}
	return m.without(care, so.t)
}

func isEmpty(set []uint64) bool {
	any := uint64(0)
	for _, word := range set {
		any |= word
	}
	return any == 0
}

func (m *machine) both(a, b []uint64) []uint64 {
	out := append(m.words.take(len(a))[:0], a...)
	and(out, b)
	return out
}

func (m *machine) without(a, b []uint64) []uint64 {
	if b == nil {
		return a
	}
	out := append(m.words.take(len(a))[:0], a...)
	andNot(out, b)
	return out
}

// ask lets the row-wise evaluator decide the rows that it was not asked about.
func (m *machine) ask(part int, care []uint64) rails {
	o := &m.opaque[part]
	if o.asked == nil {
		w := len(care)
		o.asked = m.words.zeroed(w)
		o.rails = rails{t: m.words.zeroed(w), u: m.words.zeroed(w), e: m.words.zeroed(w)}
	}
	for i := range care {
		for rows := care[i] &^ o.asked[i]; rows != 0; rows &= rows - 1 {
			bit := rows & -rows
			m.vars.Offer.Index = i<<6 + bits.TrailingZeros64(rows)
			m.counted++
			switch outcome, _ := m.parts[part].Expr.Decide(&m.vars); outcome {
			case predicate.True:
				o.rails.t[i] |= bit
			case predicate.Undecided:
				o.rails.u[i] |= bit
			case predicate.Failed:
				o.rails.u[i] |= bit
				o.rails.e[i] |= bit
			}
		}
		o.asked[i] |= care[i]
	}
	return o.rails
}

// search decides a group for the rows on which it was not searched before. What is
// null or an error is known of all rows from the beginning.
func (m *machine) search(number int, care []uint64) {
	g, s := &m.plan.groups[number], &m.searched[number]
	if s.asked == nil {
		s.texts = m.value(g.of)
		s.asked = m.words.zeroed(len(care))
		clear(m.makeRoom(g, s.texts.n))
		m.addStates(g, s.texts)
	}
	texts := m.textsOf(number)
	for i := range care {
		for rows := care[i] &^ s.asked[i]; rows != 0; rows &= rows - 1 {
			row := i<<6 + bits.TrailingZeros64(rows)
			if s.texts.ok(row) {
				m.put(g, texts.said(m.inCase(s.texts.texts[row], g.shift)), row)
			}
		}
		s.asked[i] |= care[i]
	}
}

// put makes the leaves true of a row whose bits are set.
func (m *machine) put(g *group, bitsOfLeaves []uint64, row int) {
	for slot, word := range bitsOfLeaves {
		for ; word != 0; word &= word - 1 {
			leaf := &g.leaves[slot<<6+bits.TrailingZeros64(word)]
			m.rails[leaf.id].t[row>>6] |= 1 << (row & 63)
		}
	}
}

func (m *machine) inCase(text string, shift byte) string {
	if shift == 0 {
		return text
	}
	return m.shiftedText(text, shift)
}

// searchAll decides a group for all rows.
func (m *machine) searchAll(number int) {
	g := &m.plan.groups[number]
	m.search(number, m.ones(m.in(term.Rows).n))
	for i := range g.leaves {
		m.known[g.leaves[i].id] = true
	}
}
