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
	now     time.Time
	table   *term.Table
	roots   []term.ID // by predicate, or by expression; noTerm: none
	parts   []term.Part
	owners  []int           // by part, the predicate that it is of
	late    []term.Lateness // by term
	uses    []int           // by term: of how many others, and predicates, it is a part
	spaceOf []term.Space    // by term
	groups  []group
	groupOf []int32 // by term: the group of a leaf, else -1
	leafOf  []int32 // by term: which leaf of its group
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
	p.late, p.spaceOf = p.table.Lateness(), make([]term.Space, len(p.table.Terms))
	for i := range p.table.Terms {
		p.spaceOf[i] = p.table.Terms[i].Space
	}
	p.uses = make([]int, len(p.table.Terms))
	for i := range p.table.Terms {
		for _, a := range p.table.Terms[i].Args {
			p.uses[a]++
		}
	}
	for _, root := range p.roots {
		if root != noTerm {
			p.uses[root]++
		}
	}
	p.group()
}

// group puts together the leaves that compare one value with constants, those that
// are asked late by themselves.
func (p *plan) group() {
	type kind struct {
		of   term.ID
		late bool
	}
	p.groupOf, p.leafOf = make([]int32, len(p.table.Terms)), make([]int32, len(p.table.Terms))
	numbers := map[kind]int{}
	for i := range p.table.Terms {
		p.groupOf[i] = -1
		x := &p.table.Terms[i]
		if !x.Op.IsLeaf() || !p.againstConstants(x) {
			continue
		}
		k := kind{x.Args[0], p.late[i] != term.AtOnce}
		g, ok := numbers[k]
		if !ok {
			g = len(p.groups)
			numbers[k] = g
			p.groups = append(p.groups, group{of: k.of, late: k.late, kind: term.Base(p.table.Terms[k.of].Type.Kind)})
		}
		p.groupOf[i], p.leafOf[i] = int32(g), int32(len(p.groups[g].leaves))
		p.groups[g].leaves = append(p.groups[g].leaves, p.leaf(term.ID(i), x))
	}
	for i := range p.groups {
		switch g := &p.groups[i]; {
		case g.late:
			p.unshift(g)
		case g.kind != offer.String:
			g.classify()
		case g.are(term.Equal, term.In):
			g.index()
		case g.are(term.Prefix, term.Suffix):
			g.affixes = len(g.leaves) <= fewAffixes
		}
	}
}

// unshift makes a group of texts in one case a group of the texts themselves, so
// that only those that are searched are put into it.
func (p *plan) unshift(g *group) {
	x := &p.table.Terms[g.of]
	if x.Op != term.Call {
		return
	}
	if first := caseOf(p.table.Functions[atoi(x.Name)].Name); first != 0 {
		g.of, g.shift = x.Args[0], first
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
