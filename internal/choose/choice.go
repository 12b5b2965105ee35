// Package choose finds the best offers of groups: what feeds that choose take of
// all offers that their predicates select.
//
// Its promise: who wins follows from the offers and the definitions alone, the same
// in any number of partitions and in any order of tasks.
//
// It takes two phases. In the first each partition of a snapshot is gone through
// for the best of its groups, by slice of groups; in the second each slice of
// groups is for the best over all partitions. What tasks leave for others stands
// in objects of sections (package section).
package choose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A Plan is who competes with whom, for all feeds that choose.
type Plan struct {
	rankings []*ranking
	choices  []*Choice
}

// A ranking is how offers compete: in groups, and which is better. Feeds with
// the same key and order share it, so that the key and the order of an offer are
// computed, kept and sorted once for all of them.
type ranking struct {
	per      *predicate.Expr // nil: all in one group
	by       []feed.Order
	identity string
	choices  []*Choice
}

// A Choice is who competes in a ranking, and how many of each group win. Feeds
// that choose alike share it.
type Choice struct {
	Number    int // in the plan
	ranking   *ranking
	predicate *predicate.Expr // who competes
	take      int
}

// Add finds or adds the choice of a feed among the offers that a predicate selects.
func (p *Plan) Add(c *feed.Choose, where *predicate.Expr) *Choice {
	r := p.ranking(c)
	at := slices.IndexFunc(r.choices, func(o *Choice) bool { return o.predicate.Text() == where.Text() && o.take == c.Take })
	if at < 0 {
		at = len(r.choices)
		o := &Choice{ranking: r, Number: len(p.choices), predicate: where, take: c.Take}
		r.choices, p.choices = append(r.choices, o), append(p.choices, o)
	}
	return r.choices[at]
}

// Take is how many of each group win.
func (c *Choice) Take() int { return c.take }

// Group returns the group that an offer competes in.
func (c *Choice) Group(vars *predicate.Vars, id string) ([]byte, error) {
	return c.ranking.group(vars, id)
}

// Order returns the place of an offer in its group: the smaller is the better one.
func (c *Choice) Order(vars *predicate.Vars, id string) ([]byte, error) {
	_, order, err := c.ranking.rank(vars, id)
	return order, err
}

// Empty reports whether nobody chooses.
func (p *Plan) Empty() bool { return len(p.choices) == 0 }

// ranking finds or adds a ranking.
func (p *Plan) ranking(c *feed.Choose) *ranking {
	identity := identify(c)
	at := slices.IndexFunc(p.rankings, func(r *ranking) bool { return r.identity == identity })
	if at < 0 {
		at = len(p.rankings)
		p.rankings = append(p.rankings, &ranking{per: c.Per, by: c.By, identity: identity})
	}
	return p.rankings[at]
}

// expressions returns what is evaluated for some rankings.
func expressions(rankings []*ranking) []*predicate.Expr {
	var out []*predicate.Expr
	for _, r := range rankings {
		for _, c := range r.choices {
			out = append(out, c.predicate)
		}
		if r.per != nil {
			out = append(out, r.per)
		}
		for _, o := range r.by {
			out = append(out, o.Value)
		}
	}
	return out
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
