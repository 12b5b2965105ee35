package eval

import (
	"strconv"
	"time"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A plan is all predicates of a program as terms, for one value of `now`.
type plan struct {
	now      time.Time
	table    *term.Table
	roots    []term.ID // by predicate, or by expression; noTerm: none
	parts    []term.Part
	owners   []int // by part, the predicate that it is of
	opaqueIn []bool
	groups   []group
	groupOf  []int32 // by term: the group of a leaf, else -1
}

func newPlan(predicates []*predicate.Expr, now time.Time) *plan {
	p := emptyPlan(len(predicates), now)
	for i, x := range predicates {
		p.roots[i], p.parts = p.table.Add(x, now, p.parts)
		for len(p.owners) < len(p.parts) {
			p.owners = append(p.owners, i)
		}
	}
	p.complete()
	return p
}

func emptyPlan(roots int, now time.Time) *plan {
	return &plan{now: now, table: term.NewTable(), roots: make([]term.ID, roots)}
}

// complete prepares a plan whose terms are all there.
func (p *plan) complete() {
	p.table.Regroup()
	p.markOpaque()
	p.group()
}

// markOpaque finds the conditions in which something is decided row by row.
func (p *plan) markOpaque() {
	p.opaqueIn = make([]bool, len(p.table.Terms))
	for i := range p.table.Terms {
		x := &p.table.Terms[i]
		p.opaqueIn[i] = x.Op == term.Opaque
		for _, a := range x.Args {
			p.opaqueIn[i] = p.opaqueIn[i] || p.opaqueIn[a]
		}
	}
}

// group puts together the leaves that compare one value with constants.
func (p *plan) group() {
	p.groupOf = make([]int32, len(p.table.Terms))
	of := map[term.ID]int{}
	for i := range p.table.Terms {
		p.groupOf[i] = -1
		x := &p.table.Terms[i]
		if !x.Op.IsLeaf() || !p.againstConstants(x) {
			continue
		}
		g, ok := of[x.Args[0]]
		if !ok {
			g = len(p.groups)
			of[x.Args[0]] = g
			p.groups = append(p.groups, group{of: x.Args[0], kind: term.Base(p.table.Terms[x.Args[0]].Type.Kind)})
		}
		p.groupOf[i] = int32(g)
		p.groups[g].leaves = append(p.groups[g].leaves, p.leaf(term.ID(i), x))
	}
	for i := range p.groups {
		if g := &p.groups[i]; g.kind != offer.String {
			g.classify()
		}
	}
}

func (p *plan) againstConstants(x *term.Term) bool {
	for _, a := range x.Args[1:] {
		if c := &p.table.Terms[a]; c.Op != term.Const || c.Value == nil {
			return false
		}
	}
	return p.table.Terms[x.Args[0]].Op != term.Const
}

func (p *plan) leaf(id term.ID, x *term.Term) leaf {
	l := leaf{id: id, op: x.Op, strict: x.Op != term.Equal && x.Op != term.In}
	for _, a := range x.Args[1:] {
		l.constants = append(l.constants, p.table.Terms[a].Value)
	}
	return l
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}
