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
	alone bool     // each leaf of the group is searched for by itself
}

// decidedOnce decides a predicate. What only it asks for is not kept: it is put where
// that of the predicate before was, which is still in the core's cache.
func (m *machine) decidedOnce(root term.ID) rails {
	m.scratch.reset()
	m.sets = &m.scratch
	if x := &m.table.Terms[root]; m.late[root] == term.AtOnce && m.uses[root] == 1 && x.Op.Joins() {
		return m.decide(root, x)
	}
	return m.decidedOn(root, m.everything)
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
		m.search(id, care)
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
			open, left := m.open(x.Op, care, out)
			if left == 0 {
				return out
			}
			out = m.joined(x.Op, append(m.legs.take(2)[:0], m.lent(out), m.lent(m.decidedOn(a, open))))
		}
	}
	return out
}

// open returns the rows that a condition so far leaves to further legs, and a word
// that is 0 if there are none.
func (m *machine) open(op term.Op, care []uint64, so rails) (open []uint64, left uint64) {
	if so.nowhere && op == term.And {
		return nil, 0
	}
	open = append(m.sets.take(len(care))[:0], care...)
	switch {
	case op != term.And:
		left = andNot(open, so.t)
	case so.u == nil:
		left = and(open, so.t)
	default:
		left = andEither(open, so.t, so.u)
	}
	return open, left
}

// andEither is dst && (a || b).
func andEither(dst, a, b []uint64) (left uint64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] &= a[i] | b[i]
		left |= dst[i]
	}
	return left
}

func (m *machine) both(a, b []uint64) []uint64 {
	out := append(m.sets.take(len(a))[:0], a...)
	and(out, b)
	return out
}

func (m *machine) without(a, b []uint64) []uint64 {
	if b == nil {
		return a
	}
	out := append(m.sets.take(len(a))[:0], a...)
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

// mostAlone bounds how many leaves are asked about a text, on the average, for each to
// be searched for by itself: beyond, one search for all is faster.
const mostAlone = 12

// search decides a leaf that searches texts for the rows on which it was not asked
// before. The leaves of a group are decided together, or, where few of them are asked
// about a row and texts do not repeat, each by itself; what was asked in the block
// before says which.
func (m *machine) search(id term.ID, care []uint64) {
	number, k := int(m.groupOf[id]), int(m.leafOf[id])
	s, counts := &m.searched[number], &m.groups[number]
	if s.asked == nil {
		m.beginSearch(number, len(care))
	}
	if counts.asked[k] == nil {
		counts.asked[k] = m.words.zeroed(len(care))
	}
	for i, asked := range counts.asked[k] {
		fresh := care[i] &^ asked
		if fresh == 0 {
			continue
		}
		counts.asked[k][i] = asked | fresh
		counts.asks += bits.OnesCount64(fresh)
		others := fresh &^ s.asked[i]
		s.asked[i] |= others
		counts.rows += bits.OnesCount64(others)
		if s.alone {
			m.searchAlone(number, k, i, fresh)
		} else {
			m.searchTogether(number, i, others)
		}
	}
}

// beginSearch begins to search the texts of a block. What is null or an error is known
// of all rows from the beginning.
func (m *machine) beginSearch(number, words int) {
	g, s, counts := &m.plan.groups[number], &m.searched[number], &m.groups[number]
	s.texts, s.asked = m.value(g.of), m.words.zeroed(words)
	clear(m.makeRoom(g, s.texts.n))
	sets := m.sets
	m.sets = &m.words
	m.addStates(g, s.texts)
	m.sets = sets
	s.alone = g.shift == 0 && counts.rows > 0 && counts.asks <= mostAlone*counts.rows && m.textsOf(number).known == nil
	if counts.asked == nil {
		counts.asked = make([][]uint64, len(g.leaves))
	}
	clear(counts.asked)
	counts.asks, counts.rows = 0, 0
}

// searchTogether decides all leaves of a group for rows of a word.
func (m *machine) searchTogether(number, word int, rows uint64) {
	g, texts, of := &m.plan.groups[number], m.textsOf(number), m.searched[number].texts
	for ; rows != 0; rows &= rows - 1 {
		if row := word<<6 + bits.TrailingZeros64(rows); of.ok(row) {
			m.put(g, texts.said(m.inCase(of.texts[row], g.shift)), row)
		}
	}
}

// searchAlone decides one leaf of a group for rows of a word.
func (m *machine) searchAlone(number, k, word int, rows uint64) {
	is, of := &m.textsOf(number).searches[k], m.searched[number].texts
	set := m.rails[m.plan.groups[number].leaves[k].id].t
	for ; rows != 0; rows &= rows - 1 {
		if row := word<<6 + bits.TrailingZeros64(rows); of.ok(row) && is.in(of.texts[row]) {
			set[word] |= rows & -rows
		}
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
