package term

import (
	"container/heap"
	"slices"
)

// leastShared is how many conditions have to share a pair of legs for it to become
// a term of its own.
const leastShared = 3

// mostLegs are as many as pairs are looked for among.
const mostLegs = 64

// Regroup makes terms of the pairs of legs that many conditions share, the most
// shared first, so that a pair is joined once. What a condition says stays the
// same. The table must not be added to afterwards: its flat conditions are gone.
func (t *Table) Regroup() {
	for _, op := range []Op{And, Or} {
		g := newGrouping(t, op)
		for g.next() {
		}
	}
}

// A pair of legs, the lesser first.
type pair struct{ a, b ID }

// A grouping finds the pairs of one junction.
type grouping struct {
	*Table
	op    Op
	late  []Lateness           // of the terms before any were made of pairs
	users map[pair]map[ID]bool // the conditions that have both
	queue queue
}

func newGrouping(t *Table, op Op) *grouping {
	g := &grouping{Table: t, op: op, late: t.Lateness(), users: map[pair]map[ID]bool{}}
	for id := range t.Terms {
		if x := &t.Terms[id]; x.Op == op && len(x.Args) > 2 && len(x.Args) <= mostLegs {
			g.each(x.Args, func(p pair) { g.use(p, ID(id)) })
		}
	}
	for p, users := range g.users {
		g.queue = append(g.queue, counted{p, len(users)})
	}
	heap.Init(&g.queue)
	return g
}

// isLate is false of the terms made of pairs.
func (g *grouping) isLate(id ID) bool { return int(id) < len(g.late) && g.late[id] != AtOnce }

// each calls do with every pair of legs of the same space, none of which is to be
// asked last.
func (g *grouping) each(legs []ID, do func(pair)) {
	for i, a := range legs {
		for _, b := range legs[i+1:] {
			if g.Terms[a].Space == g.Terms[b].Space && !g.isLate(a) && !g.isLate(b) {
				do(pair{min(a, b), max(a, b)})
			}
		}
	}
}

func (g *grouping) use(p pair, id ID) {
	if g.users[p] == nil {
		g.users[p] = map[ID]bool{}
	}
	g.users[p][id] = true
}

// next makes a term of the pair that most conditions share; false when none is
// shared by enough.
func (g *grouping) next() bool {
	for len(g.queue) > 0 {
		top := heap.Pop(&g.queue).(counted)
		switch n := len(g.users[top.pair]); {
		case n < leastShared:
			continue
		case n < top.n:
			heap.Push(&g.queue, counted{top.pair, n})
		default:
			g.join(top.pair)
			return true
		}
	}
	return false
}

// join puts a term of a pair in its place wherever it stands.
func (g *grouping) join(p pair) {
	joined := g.decision(g.op, p.a, p.b)
	users := g.users[p]
	delete(g.users, p)
	touched := map[pair]bool{}
	for id := range users {
		if id == joined {
			continue
		}
		legs := g.Terms[id].Args
		g.each(legs, func(old pair) { delete(g.users[old], id) })
		legs = append(slices.DeleteFunc(slices.Clone(legs), func(leg ID) bool { return leg == p.a || leg == p.b }), joined)
		g.Terms[id].Args = legs
		if len(legs) > 2 {
			g.each(legs, func(fresh pair) { g.use(fresh, id); touched[fresh] = true })
		}
	}
	for fresh := range touched {
		heap.Push(&g.queue, counted{fresh, len(g.users[fresh])})
	}
}

type counted struct {
	pair
	n int
}

// A queue has the most shared pair first, of several the one that was said first.
type queue []counted

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	x, y := q[i], q[j]
	switch {
	case x.n != y.n:
		return x.n > y.n
	case x.a != y.a:
		return x.a < y.a
	default:
		return x.b < y.b
	}
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(counted)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
