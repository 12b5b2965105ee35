package choose

import (
	"cmp"
	"slices"
)

// A candidate is an offer that may be among the best of its group.
type candidate struct {
	order string // smaller is better
	part  int    // the partition it is in
	row   int64  // in the partition
}

func better(a, b *candidate) int { return cmp.Compare(a.order, b.order) }

// A contest finds the best of every group of a ranking, for each of its choices.
// It holds about twice as many candidates as win.
type contest struct {
	ranking *ranking
	groups  map[string][]shortlist // by choice; of those that have a candidate
}

func newContest(r *ranking) *contest { return &contest{r, map[string][]shortlist{}} }

// A shortlist is the candidates of a choice in one group.
type shortlist struct {
	choice int // in the ranking
	take   int
	best   []*candidate // all that win so far, and some others
}

// enter adds a candidate for some choices.
func (t *contest) enter(group string, c *candidate, choices []int) {
	lists := t.groups[group]
	before := len(lists)
	for _, choice := range choices {
		at, found := slices.BinarySearchFunc(lists, choice, func(l shortlist, choice int) int { return cmp.Compare(l.choice, choice) })
		if !found {
			lists = slices.Insert(lists, at, shortlist{choice: choice, take: t.ranking.choices[choice].take})
		}
		lists[at].add(c)
	}
	if len(lists) > before {
		t.groups[group] = lists
	}
}

func (l *shortlist) add(c *candidate) {
	if l.take == 1 && len(l.best) == 1 {
		if better(c, l.best[0]) < 0 {
			l.best[0] = c
		}
		return
	}
	l.best = append(l.best, c)
	if len(l.best)/2 >= l.take {
		l.settle()
	}
}

// settle keeps those that win, the best first.
func (l *shortlist) settle() {
	slices.SortFunc(l.best, better)
	if len(l.best) > l.take {
		clear(l.best[l.take:])
		l.best = l.best[:l.take]
	}
}

// A winner is a candidate with the choices, ascending, in which it wins.
type winner struct {
	*candidate
	choices []int
}

// winners returns those of a group, the best first.
func (t *contest) winners(group string) []winner {
	var all []winner
	for _, l := range t.groups[group] {
		l.settle()
		for _, c := range l.best {
			all = append(all, winner{c, []int{l.choice}})
		}
	}
	slices.SortStableFunc(all, func(a, b winner) int { return better(a.candidate, b.candidate) })
	out := all[:0]
	for _, w := range all {
		if last := len(out) - 1; last >= 0 && out[last].candidate == w.candidate {
			out[last].choices = append(out[last].choices, w.choices...)
			continue
		}
		out = append(out, w)
	}
	return out
}
