package generate

import (
	"context"
	"fmt"
	"maps"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// assemble joins what the render tasks made into feeds, and has the guard look at
// each.
func (r *run) assemble(ctx context.Context) error {
	counted, err := r.collect(ctx)
	if err != nil {
		return err
	}
	if len(r.Feeds) > 0 {
		maps.Copy(r.detail.Feeds, r.baseline.Feeds)
		maps.Copy(r.detail.Made, r.baseline.Made)
	}
	for i, rendering := range r.plan.renderings {
		r.report.Rendered[rendering.name] = rendering.report(&counted.Renderings[i])
		parts, err := r.openParts(ctx, rendering)
		if err != nil {
			return err
		}
		for k, f := range r.plan.feeds {
			if f.rendering != rendering {
				continue
			}
			if err := r.feed(ctx, bundleOf(f, parts), &counted.Feeds[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect adds up what the render tasks counted; together they have seen every
// offer of the snapshot.
func (r *run) collect(ctx context.Context) (*result, error) {
	total := newResult(r.plan)
	for i := range r.parts {
		one := newResult(r.plan)
		if err := r.worker.load(ctx, tmpName(r.id, renderPhase, i), one); err != nil {
			return nil, err
		}
		if len(one.Feeds) != len(total.Feeds) || len(one.Renderings) != len(total.Renderings) {
			return nil, fmt.Errorf("the result of partition %d is of another plan", i)
		}
		total.Offers += one.Offers
		for k := range total.Feeds {
			total.Feeds[k].join(&one.Feeds[k])
		}
		for k := range total.Renderings {
			total.Renderings[k].join(&one.Renderings[k])
		}
	}
	r.report.Offers = total.Offers
	return total, nil
}

// openParts opens the parts of a rendering, by partition, and lists them as
// objects of the run.
func (r *run) openParts(ctx context.Context, rendering *rendering) ([]*part.Part, error) {
	parts := make([]*part.Part, r.parts)
	for i := range parts {
		p, err := part.Open(ctx, r.Store, part.Name(r.id, rendering.name, i))
		if err != nil {
			return nil, err
		}
		parts[i] = p
		r.objects = append(r.objects, manifest.Object{Name: p.Name, Size: p.Size})
	}
	return parts, nil
}
