package eval

import "time"

// Leaves returns how many conditions without a condition inside a program has:
// what is left of its predicates when &&, || and ! are taken away.
func Leaves(p *Program, now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan, count := p.planFor(now), 0
	for i := range plan.table.Terms {
		if op := plan.table.Terms[i].Op; op.Decides() && !op.Joins() {
			count++
		}
	}
	return count
}
