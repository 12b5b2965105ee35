package generate

import (
	"context"
	"fmt"
	"maps"

	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// atOnce is how many objects are read or written side by side while feeds are
// assembled; it is the store's latency that this hides.
const atOnce = 16

// each calls do for 0 to n-1, some at a time.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// assemble joins what the render tasks made into feeds, and has the guard look at
// each.
func (r *run) assemble(ctx context.Context) error {
	counted, err := r.collect(ctx)
	if err != nil {
		return err
	}
	if len(r.Feeds) > 0 {
		maps.Copy(r.detail.Feeds, r.baseline.Feeds)
		maps.Copy(r.detail.Holds, r.baseline.Holds)
		maps.Copy(r.detail.Made, r.baseline.Made)
	}
	r.keepConditions()
	for i, rendering := range r.plan.renderings {
		r.report.Rendered[rendering.name] = rendering.report(&counted.Renderings[i])
		parts, err := r.openParts(ctx, rendering)
		if err != nil {
			return err
		}
		results := counted.of(rendering)
		outcomes := make([]*outcome, len(results))
		err = each(ctx, len(results), func(ctx context.Context, k int) (err error) {
			outcomes[k], err = r.feed(ctx, bundleOf(rendering.feeds[k], parts), results[k])
			return err
		})
		if err != nil {
			return err
		}
		for _, o := range outcomes {
			r.take(o)
		}
	}
	r.report.Warnings = append(r.report.Warnings, r.report.losses()...)
	r.locate(ctx)
	return nil
}

// collect adds up what the render tasks counted; together they have seen every
// offer of the snapshot.
func (r *run) collect(ctx context.Context) (*result, error) {
	results := make([]*result, r.parts)
	err := each(ctx, r.parts, func(ctx context.Context, i int) error {
		results[i] = newResult(r.plan)
		return r.worker.load(ctx, tmpName(r.id, renderPhase, i), results[i])
	})
	if err != nil {
		return nil, err
	}
	total := newResult(r.plan)
	for i, one := range results {
		if len(one.Feeds) != len(total.Feeds) || len(one.Renderings) != len(total.Renderings) {
			return nil, fmt.Errorf("the result of partition %d is of another plan", i)
		}
		total.Offers += one.Offers
		total.RowByRow += one.RowByRow
		for k := range total.Feeds {
			total.Feeds[k].join(&one.Feeds[k])
		}
		for k := range total.Renderings {
			total.Renderings[k].join(&one.Renderings[k])
		}
	}
	r.report.Offers, r.report.RowByRow = total.Offers, total.RowByRow
	return total, nil
}

// openParts opens the parts of a rendering, by partition, and lists them as
// objects of the run.
func (r *run) openParts(ctx context.Context, rendering *rendering) ([]*part.Part, error) {
	parts := make([]*part.Part, r.parts)
	err := each(ctx, r.parts, func(ctx context.Context, i int) (err error) {
		parts[i], err = part.Open(ctx, r.Store, part.Name(r.id, rendering.name, i))
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		r.report.compressed(p.Compressor)
		r.objects = append(r.objects, manifest.Object{Name: p.Name, Size: p.Size})
	}
	return parts, nil
}
