// Package preview says what edited definitions of feeds would change: which offers
// of a snapshot each feed would gain and lose, which would be rendered otherwise,
// and what does it.
//
// Its promise: what it says of a feed is what a run would make of the same
// snapshot, choice and rules of the template included, and it writes nothing but
// scratch. It goes through the snapshot once, and once more where feeds choose;
// feeds that were not edited cost nothing.
//
// Offers are rendered, before and now, where that can differ: all that stay, where
// the template's item or a param that it reads was edited, those of which a field's
// value differs, where only fields were; and those that are gained or lost, since a
// rule may have left them out or leave them out. Of a feed that is new or removed
// nothing is rendered.
package preview

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A Search is what is needed beside the definitions.
type Search struct {
	Workspace *workspace.Workspace
	Snapshot  *snapshot.Snapshot
	Scratch   storage.Store // where choosing leaves what its phases hand on
	At        time.Time     // what `now` is
	Workers   int
}

// A Past is what feeds of a kind were made by.
type Past struct {
	Published map[string]bool   // by name
	Held      map[string]string // the runs that hold something newer, by name
	Wordings  feed.Wordings
}

// Compare says of every feed and event feed, by name, how it would change.
func (q Search) Compare(ctx context.Context, feeds, events *Past) ([]*Edit, error) {
	c := newComparison(q)
	c.feeds(feeds)
	c.events(events)
	slices.SortFunc(c.pairs, func(a, b *pair) int { return strings.Compare(a.Feed, b.Feed) })
	if err := c.count(ctx); err != nil {
		return nil, err
	}
	out := make([]*Edit, len(c.pairs))
	for i, p := range c.pairs {
		out[i] = p.Edit
	}
	return out, nil
}

// A comparison is pairs of definitions, and what decides all of them at once.
type comparison struct {
	Search
	pairs      []*pair
	predicates []*predicate.Expr
	numbers    map[string]int       // of predicates, by their meaning
	contests   map[string]*Contest  // by the shared expressions of before; of now: ""
	contrasts  map[string]*contrast // by the renderings
}

func newComparison(q Search) *comparison {
	return &comparison{Search: q, numbers: map[string]int{}, contests: map[string]*Contest{}, contrasts: map[string]*contrast{}}
}

// number finds or adds a predicate.
func (c *comparison) number(x *predicate.Expr, shared predicate.Shared) int {
	key := meaning(x, shared)
	at, found := c.numbers[key]
	if !found {
		at = len(c.predicates)
		c.numbers[key], c.predicates = at, append(c.predicates, x)
	}
	return at
}

// count goes through the snapshot for the pairs that were edited.
func (c *comparison) count(ctx context.Context) error {
	if len(c.predicates) == 0 {
		return nil
	}
	columns, err := Columns(c.Snapshot, c.Workspace.Schema, c.reads()...)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(c.contests)) {
		if err := c.contests[key].Run(ctx); err != nil {
			return err
		}
	}
	program := eval.Compile(c.predicates)
	passes := make([]*pass, c.Snapshot.Partitions())
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(c.Workers, 1))
	for i := range passes {
		group.Go(func() (err error) {
			passes[i], err = c.pass(ctx, i, program, columns)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for k, p := range c.pairs {
		total := newTally()
		for _, one := range passes {
			total.join(one.tallies[k])
		}
		if err := p.conclude(total); err != nil {
			return err
		}
	}
	return nil
}

// reads is what the pairs that were edited read.
func (c *comparison) reads() []Reading {
	var out []Reading
	for _, p := range c.pairs {
		for _, s := range []*side{p.was, p.is} {
			if s == nil || s.number < 0 {
				continue
			}
			r := Reading{Feed: p.Feed, Exprs: []*predicate.Expr{s.where}}
			if s.choice != nil {
				r.Exprs = append(r.Exprs, s.rest.Choose.Expressions()...)
			}
			if p.contrast != nil {
				r.Exprs = append(r.Exprs, p.contrast.exprs()...)
				r.Columns = p.contrast.columns()
			}
			out = append(out, r)
		}
	}
	return out
}

// A Reading is what is read for a feed.
type Reading struct {
	Feed    string
	Exprs   []*predicate.Expr
	Columns []string // beside those of the expressions
}

// Columns returns the id and the columns that readings need, which the snapshot
// must have as the workspace says.
func Columns(s *snapshot.Snapshot, schema offer.Schema, readings ...Reading) ([]string, error) {
	read := map[string]bool{}
	for _, r := range readings {
		for _, name := range r.names(schema) {
			if s.Schema().Index(name) < 0 {
				return nil, fmt.Errorf("snapshot %s has no column %s, which %s reads: run feedmill aggregate", s.Table().Run, name, r.Feed)
			}
			read[name] = true
		}
	}
	delete(read, offer.Key)
	columns := append([]string{offer.Key}, slices.Sorted(maps.Keys(read))...)
	return columns, s.Covers(schema, columns)
}

func (r *Reading) names(schema offer.Schema) []string {
	read := map[string]bool{}
	for _, name := range r.Columns {
		read[name] = true
	}
	predicate.AddColumns(read, schema, r.Exprs...)
	return slices.Sorted(maps.Keys(read))
}
