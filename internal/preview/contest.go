package preview

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A Contest is how feeds choose, of one set of shared expressions.
type Contest struct {
	search Search
	plan   choose.Plan
	job    choose.Job
}

// NewContest returns a contest without feeds. What it leaves in the scratch begins
// with its name.
func NewContest(q Search, name string) *Contest {
	t := &Contest{search: q}
	t.job = choose.Job{
		Plan: &t.plan, Store: q.Scratch, Partitions: q.Snapshot.Partitions(), At: q.At, Scan: t.scan,
		Candidates: func(n int) string { return fmt.Sprintf("%s/candidates/%05d", name, n) },
		Winners:    func(n int) string { return fmt.Sprintf("%s/winners/%05d", name, n) },
	}
	return t
}

// Add finds or adds the choice of a feed.
func (t *Contest) Add(c *feed.Choose, where *predicate.Expr) *choose.Choice {
	return t.plan.Add(c, where)
}

func (t *Contest) scan(ctx context.Context, partition int, read []*predicate.Expr, do func(arrow.RecordBatch, int64) error) error {
	columns, err := Columns(t.search.Snapshot, t.search.Workspace.Schema, Reading{Feed: "a feed", Exprs: read})
	if err != nil {
		return err
	}
	return t.search.Snapshot.Each(ctx, partition, columns, do)
}

// Run finds the winners.
func (t *Contest) Run(ctx context.Context) error {
	if t.plan.Empty() {
		return nil
	}
	for _, phase := range []struct {
		tasks int
		do    func(ctx context.Context, number int) error
	}{{t.job.Partitions, t.job.FindCandidates}, {t.job.Slices(), t.job.FindWinners}} {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(max(t.search.Workers, 1))
		for i := range phase.tasks {
			group.Go(func() error { return phase.do(ctx, i) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// Won returns the rows of a partition that won, by the numbers of choices.
func (t *Contest) Won(ctx context.Context, partition int) ([]choose.Rows, error) {
	return t.job.Won(ctx, partition)
}
