package storage

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// atOnce is how many objects Each reads or writes side by side. It hides the latency
// of the store, which is far beyond the work on small objects.
const atOnce = 16

// Each calls do for 0 to n-1, some at a time.
func Each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}
