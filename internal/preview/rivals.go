package preview

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
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

type runner struct{ order, id string }

// NewRivals returns the rivals of an offer in no feeds.
func NewRivals(q Search) *Rivals { return &Rivals{search: q, races: map[*choose.Choice]*race{}} }

// Add adds a feed whose condition is true of the offer; vars has its row.
func (r *Rivals) Add(f *feed.Feed, where *predicate.Expr, vars *predicate.Vars, id string) (*choose.Choice, error) {
	c := r.plan.Add(f.Choose, where)
	if r.races[c] != nil {
		return c, nil
	}
	group, err := c.Group(vars, id)
	if err != nil {
		return nil, err
	}
	one := &race{choice: c, feed: f.Name, group: string(group), exprs: append([]*predicate.Expr{where}, f.Choose.Expressions()...)}
	r.races[c] = one
	r.order = append(r.order, one)
	return c, nil
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
			return Scan(ctx, r.search.Snapshot, i, columns, func(batch arrow.RecordBatch, _ int64) error {
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
	vars := &predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: r.search.At}
	ids := batch.Column(batch.Schema().FieldIndices(offer.Key)[0]).(*array.String)
	for k, one := range r.order {
		for row := range said.Selected[one.predicate].All() {
			vars.Offer.Index = row
			id := ids.Value(row)
			group, err := one.choice.Group(vars, id)
			if err != nil {
				return fmt.Errorf("offer %s: %w", id, err)
			}
			if string(group) != one.group {
				continue
			}
			order, err := one.choice.Order(vars, id)
			if err != nil {
				return fmt.Errorf("offer %s: %w", id, err)
			}
			best[k] = append(best[k], runner{string(order), strings.Clone(id)})
			if len(best[k]) > 2*one.choice.Take() {
				best[k] = one.winners(best[k])
			}
		}
	}
	return nil
}

// winners keeps those that win, the best first.
func (o *race) winners(all []runner) []runner {
	slices.SortFunc(all, func(a, b runner) int { return cmp.Compare(a.order, b.order) })
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
