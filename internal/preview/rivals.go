package preview

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/predicate"
)

// Rivals are the offers that one offer competes with, in all feeds that choose.
type Rivals struct {
	search Search
	plan   choose.Plan
	races  map[*choose.Choice]*race
	order  []*race
}

// A race is one group of a choice: that of the offer.
type race struct {
	choice    *choose.Choice
	feed      string
	exprs     []*predicate.Expr // the condition is the first
	group     string
	predicate int
	best      []runner // at most as many as win, the best first
}

type runner struct{ place, id string }

// NewRivals returns the rivals of an offer in no feeds.
func NewRivals(q Search) *Rivals { return &Rivals{search: q, races: map[*choose.Choice]*race{}} }

// Add adds a feed whose condition is true of the offer, which is the only row of a
// batch.
func (r *Rivals) Add(f *feed.Feed, where *predicate.Expr, row arrow.RecordBatch) (*choose.Choice, error) {
	c := r.plan.Add(f.Choose, where)
	if r.races[c] != nil {
		return c, nil
	}
	one := &race{choice: c, feed: f.Name, exprs: append([]*predicate.Expr{where}, f.Choose.Expressions()...)}
	err := c.Ranks(row, []int{0}, r.search.At, func(_ string, group, _ []byte) { one.group = string(group) })
	r.races[c] = one
	r.order = append(r.order, one)
	return c, err
}

// Run goes through the snapshot for the offers that win.
func (r *Rivals) Run(ctx context.Context) error {
	if len(r.order) == 0 {
		return nil
	}
	var readings []Reading
	var predicates []*predicate.Expr
	for _, one := range r.order {
		one.predicate = len(predicates)
		predicates = append(predicates, one.exprs[0])
		readings = append(readings, Reading{Feed: one.feed, Exprs: one.exprs})
	}
	columns, err := Columns(r.search.Snapshot, r.search.Workspace.Schema, readings...)
	if err != nil {
		return err
	}
	program := eval.Compile(predicates)
	found := make([][][]runner, r.search.Snapshot.Partitions()) // by race
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(r.search.Workers, 1))
	for i := range found {
		found[i] = make([][]runner, len(r.order))
		group.Go(func() error {
			return r.search.Snapshot.Each(ctx, i, columns, func(batch arrow.RecordBatch, _ int64) error {
				return r.batch(batch, program.Run(batch, r.search.At), found[i])
			})
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for k, one := range r.order {
		for _, best := range found {
			one.best = one.winners(append(one.best, best[k]...))
		}
	}
	return nil
}

func (r *Rivals) batch(batch arrow.RecordBatch, said *eval.Result, best [][]runner) error {
	for k, one := range r.order {
		rows := slices.Collect(said.Selected[one.predicate].All())
		err := one.choice.Ranks(batch, rows, r.search.At, func(id string, group, place []byte) {
			if string(group) != one.group {
				return
			}
			if best[k] = append(best[k], runner{string(place), strings.Clone(id)}); len(best[k]) > 2*one.choice.Take() {
				best[k] = one.winners(best[k])
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// winners keeps those that win, the best first.
func (o *race) winners(all []runner) []runner {
	slices.SortFunc(all, func(a, b runner) int { return cmp.Compare(a.place, b.place) })
	return all[:min(len(all), o.choice.Take())]
}

// Beaten returns whether the offer is not chosen, and some of those that are, the
// best first.
func (r *Rivals) Beaten(c *choose.Choice, id string) (by []string, beaten bool) {
	for _, w := range r.races[c].best {
		if w.id == id {
			return nil, false
		}
		if len(by) < Samples {
			by = append(by, w.id)
		}
	}
	return by, true
}
