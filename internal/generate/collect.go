package generate

import (
	"context"
	"fmt"
	"maps"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
)

// assemble joins what the render tasks made into feeds, and has the guard look at
// each.
func (r *run) assemble(ctx context.Context) error {
	partial, err := r.collect(ctx)
	if err != nil {
		return err
	}
	counted := r.add(partial)
	r.countOrigins(partial)
	r.listResults(partial)
	if len(r.Feeds) > 0 {
		maps.Copy(r.detail.Feeds, r.baseline.Feeds)
		maps.Copy(r.detail.Holds, r.baseline.Holds)
		maps.Copy(r.detail.Rejected, r.baseline.Rejected)
		maps.Copy(r.detail.Made, r.baseline.Made)
	}
	for i, rendering := range r.plan.renderings {
		r.report.Rendered[rendering.name] = rendering.report(&counted.Renderings[i])
		parts, err := r.openParts(ctx, i, partial)
		if err != nil {
			return err
		}
		results := counted.of(rendering)
		outcomes := make([]*outcome, len(results))
		err = storage.Each(ctx, len(results), func(ctx context.Context, k int) (err error) {
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
	r.warnOfLost()
	r.report.Warnings = append(append(r.report.Warnings, r.report.losses()...), r.report.rejections()...)
	r.locate(ctx)
	return nil
}

// collect reads what the render tasks counted, by partition.
func (r *run) collect(ctx context.Context) ([]*result, error) {
	results := make([]*result, r.parts)
	err := storage.Each(ctx, r.parts, func(ctx context.Context, i int) error {
		results[i] = newResult(r.plan)
		return r.worker.load(ctx, resultName(r.id, i), results[i])
	})
	if err != nil {
		return nil, err
	}
	for i, one := range results {
		if len(one.Feeds) != len(r.plan.feeds) || len(one.Renderings) != len(r.plan.renderings) {
			return nil, fmt.Errorf("the result of partition %d is of another plan", i)
		}
	}
	return results, nil
}

// add adds up results; together they have seen every offer of the snapshot.
func (r *run) add(results []*result) *result {
	total := newResult(r.plan)
	for _, one := range results {
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
	return total
}

// openParts opens the parts of a rendering, by partition, and lists those that
// the run made as its objects.
func (r *run) openParts(ctx context.Context, rendering int, results []*result) ([]*part.Part, error) {
	parts := make([]*part.Part, r.parts)
	err := storage.Each(ctx, r.parts, func(ctx context.Context, i int) (err error) {
		parts[i], err = part.Open(ctx, r.Store, results[i].Renderings[rendering].Part)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		r.report.compressed(p.Compressor)
		if part.RunOf(p.Name) == r.id {
			r.objects = append(r.objects, manifest.Object{Name: p.Name, Size: p.Size})
		}
	}
	return parts, nil
}
