package eval

import (
	"sync"
	"time"

	"github.com/feedmill/feedmill/internal/predicate"
)

// A pool lends machines of a plan, which it makes anew when `now` is another and
// the expressions read it.
type pool struct {
	usesNow bool
	build   func(now time.Time) *plan

	mu       sync.Mutex
	plan     *plan // the last one
	machines []*machine
}

func readsNow(exprs []*predicate.Expr) bool {
	for _, x := range exprs {
		for _, path := range x.Paths() {
			if path[0] == "now" {
				return true
			}
		}
	}
	return false
}

// planFor returns the plan for a value of `now`.
func (p *pool) planFor(now time.Time) *plan {
	if p.plan == nil || p.usesNow && !p.plan.now.Equal(now) {
		p.plan, p.machines = p.build(now), nil
	}
	return p.plan
}

// machine lends a machine that nobody else uses.
func (p *pool) machine(now time.Time) *machine {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan := p.planFor(now)
	if last := len(p.machines) - 1; last >= 0 {
		m := p.machines[last]
		p.machines = p.machines[:last]
		return m
	}
	return newMachine(plan)
}

func (p *pool) takeBack(m *machine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.plan == p.plan {
		p.machines = append(p.machines, m)
	}
}
