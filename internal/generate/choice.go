package generate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A ranking is how offers compete: in groups, and which is better. Feeds with
// the same key and order share it, so that the key and the order of an offer are
// computed, kept and sorted once for all of them.
type ranking struct {
	per      *predicate.Expr // nil: all in one group
	by       []feed.Order
	identity string
	choices  []*choice
}

// A choice is who competes in a ranking, and how many of each group win. Feeds
// that choose alike share it.
type choice struct {
	ranking   *ranking
	number    int // in the plan
	predicate int // in the plan: who competes
	take      int
}

// addChoice finds or adds the choice of a feed.
func (p *plan) addChoice(f *plannedFeed) {
	if f.Choose == nil {
		return
	}
	r := p.ranking(f.Choose)
	at := slices.IndexFunc(r.choices, func(c *choice) bool { return c.predicate == f.predicate && c.take == f.Choose.Take })
	if at < 0 {
		at = len(r.choices)
		c := &choice{ranking: r, number: len(p.choices), predicate: f.predicate, take: f.Choose.Take}
		r.choices, p.choices = append(r.choices, c), append(p.choices, c)
	}
	f.choice = r.choices[at]
}

// ranking finds or adds a ranking.
func (p *plan) ranking(c *feed.Choose) *ranking {
	identity := identify(c)
	at := slices.IndexFunc(p.rankings, func(r *ranking) bool { return r.identity == identity })
	if at < 0 {
		at = len(p.rankings)
		p.rankings = append(p.rankings, &ranking{per: c.Per, by: c.By, identity: identity})
	}
	return p.rankings[at]
}

func identify(c *feed.Choose) string {
	var b strings.Builder
	if c.Per != nil {
		fmt.Fprintf(&b, "per %q", c.Per.Text())
	}
	for _, o := range c.By {
		fmt.Fprintf(&b, " by %q %t", o.Value.Text(), o.Desc)
	}
	return b.String()
}

// rank returns the group that an offer competes in, and its place in it: the
// smaller order is the better one, and the id is its end, so that there are no
// ties. Without a value of per, also where it failed, the offer competes alone; a
// sort key that failed counts as null.
func (r *ranking) rank(vars *predicate.Vars, id string) (group, order []byte, err error) {
	if group, err = r.group(vars, id); err != nil {
		return nil, nil, err
	}
	for _, o := range r.by {
		v, err := o.Value.Eval(vars)
		if err != nil {
			v = nil
		}
		if order, err = appendKey(order, v, o.Desc); err != nil {
			return nil, nil, fmt.Errorf("choose by %s: %w", o.Value.Text(), err)
		}
	}
	return group, append(order, id...), nil
}

func (r *ranking) group(vars *predicate.Vars, id string) ([]byte, error) {
	if r.per == nil {
		return []byte{0}, nil
	}
	per, err := r.per.Eval(vars)
	if err != nil || per == nil {
		return append([]byte{0xFF}, id...), nil
	}
	group, err := appendValue([]byte{1}, per)
	if err != nil {
		return nil, fmt.Errorf("choose per %s: %w", r.per.Text(), err)
	}
	return group, nil
}

// groupSlice is the task of the winners phase that a group belongs to.
func groupSlice(group string, slices int) int { return offer.Partition(xxh3.HashString(group), slices) }
