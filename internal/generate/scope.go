package generate

import (
	"fmt"

	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A scope is the part of a plan that a task carries out: some of its renderings,
// with what decides their feeds.
type scope struct {
	renderings []int // of the plan
	feeds      []int // of the plan
	place      []int // by feed of the plan: of its predicate in the program
	program    *eval.Program
	columns    []string
}

// scope returns that of some renderings. Most tasks of a run have the same.
func (j *job) scope(renderings []int) *scope {
	j.scopes.Lock()
	defer j.scopes.Unlock()
	key := fmt.Sprint(renderings)
	if j.known[key] == nil {
		j.known[key] = j.plan.scope(renderings)
	}
	return j.known[key]
}

func (p *plan) scope(renderings []int) *scope {
	s := &scope{renderings: renderings, place: make([]int, len(p.feeds))}
	chosen := map[*rendering]bool{}
	for _, i := range renderings {
		chosen[p.renderings[i]] = true
	}
	var predicates []*predicate.Expr
	places := map[int]int{} // by predicate of the plan
	for i, f := range p.feeds {
		if !chosen[f.rendering] {
			continue
		}
		if _, found := places[f.predicate]; !found {
			places[f.predicate] = len(predicates)
			predicates = append(predicates, p.predicates[f.predicate])
		}
		s.feeds = append(s.feeds, i)
		s.place[i] = places[f.predicate]
	}
	s.program = eval.Compile(predicates)
	s.columns = p.readColumns(chosen)
	return s
}
