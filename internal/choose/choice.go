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
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/eval"
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
	values   *eval.Values // of the keys
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
	at := slices.IndexFunc(r.choices, func(o *Choice) bool { return o.predicate.Meaning() == where.Meaning() && o.take == c.Take })
	if at < 0 {
		at = len(r.choices)
		o := &Choice{ranking: r, Number: len(p.choices), predicate: where, take: c.Take}
		r.choices, p.choices = append(r.choices, o), append(p.choices, o)
	}
	return r.choices[at]
}

// Take is how many of each group win.
func (c *Choice) Take() int { return c.take }

// Ranks hands on, for some rows of a batch, which ascend, the group that each offer
// competes in and its place in it: the smaller is the better one.
func (c *Choice) Ranks(batch arrow.RecordBatch, rows []int, now time.Time, take func(id string, group, place []byte)) error {
	ids := batch.Column(batch.Schema().FieldIndices(offer.Key)[0]).(*array.String)
	keys := c.ranking.compute(batch, rows, now, func(int, int, error) {})
	for i, row := range rows {
		id := ids.Value(row)
		group, place, err := c.ranking.rank(keys[i], id)
		if err != nil {
			return fmt.Errorf("offer %s: %w", id, err)
		}
		take(id, group, place)
	}
	return nil
}

// Empty reports whether nobody chooses.
func (p *Plan) Empty() bool { return len(p.choices) == 0 }

// ranking finds or adds a ranking.
func (p *Plan) ranking(c *feed.Choose) *ranking {
	identity := identify(c)
	at := slices.IndexFunc(p.rankings, func(r *ranking) bool { return r.identity == identity })
	if at < 0 {
		at = len(p.rankings)
		r := &ranking{per: c.Per, by: c.By, identity: identity}
		r.values = eval.CompileValues(r.keys())
		p.rankings = append(p.rankings, r)
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
		out = append(out, r.keys()...)
	}
	return out
}

// keys returns what decides how an offer competes: per, if there is one, and the
// sort keys.
func (r *ranking) keys() []*predicate.Expr {
	var out []*predicate.Expr
	if r.per != nil {
		out = append(out, r.per)
	}
	for _, o := range r.by {
		out = append(out, o.Value)
	}
	return out
}

// compute computes the keys of some rows of a batch, which ascend, by row: nil for
// null and for what failed, of which fail is told.
func (r *ranking) compute(batch arrow.RecordBatch, rows []int, now time.Time, fail func(key, row int, err error)) [][]any {
	n := len(r.keys())
	values, out, done := make([]any, n*len(rows)), make([][]any, len(rows)), make([]int, n)
	for i := range out {
		out[i] = values[i*n : (i+1)*n]
	}
	r.values.Each(batch, rows, now, func(key, row int, value any, err error) {
		if err == nil {
			out[done[key]][key] = value
		} else {
			fail(key, row, err)
		}
		done[key]++
	})
	return out
}

func identify(c *feed.Choose) string {
	var b strings.Builder
	if c.Per != nil {
		fmt.Fprintf(&b, "per %q", c.Per.Meaning())
	}
	for _, o := range c.By {
		fmt.Fprintf(&b, " by %q %t", o.Value.Meaning(), o.Desc)
	}
	return b.String()
}

// rank returns the group that an offer competes in, and its place in it: the
// smaller order is the better one, and the id is its end, so that there are no
// ties. It takes the values of the keys, nil for one that failed: without a value of
// per the offer competes alone.
func (r *ranking) rank(values []any, id string) (group, order []byte, err error) {
	if r.per == nil {
		group = []byte{0}
	} else {
		if group, err = r.group(values[0], id); err != nil {
			return nil, nil, err
		}
		values = values[1:]
	}
	for i, o := range r.by {
		if order, err = appendKey(order, values[i], o.Desc); err != nil {
			return nil, nil, fmt.Errorf("choose by %s: %w", o.Value.Text(), err)
		}
	}
	return group, append(order, id...), nil
}

func (r *ranking) group(per any, id string) ([]byte, error) {
	if per == nil {
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
