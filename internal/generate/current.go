package generate

import (
	"context"
	"maps"
	"time"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
)

// upToDate reports whether all feeds of the plan were last made of the same, and
// no others are published that should not be.
func (r *run) upToDate() bool {
	if r.base.Run == "" {
		return false
	}
	for _, f := range r.plan.feeds {
		was, found := r.baseline.Made[f.Name]
		now := r.madeOf(f)
		if !found || was.Snapshot != now.Snapshot || was.Definition != now.Definition || was.At != now.At {
			return false
		}
	}
	return len(r.Feeds) > 0 || len(r.plan.feeds) == len(r.baseline.Made)
}

// madeOf is what a feed is made of in this run.
func (r *run) madeOf(f *plannedFeed) made {
	m := made{Snapshot: r.Snapshot, Definition: definition(r.Workspace, f)}
	if f.usesNow() {
		m.At = r.At.Format(time.RFC3339Nano)
	}
	return m
}

// repeat ends a run that has nothing to do. While a feed is held, so is the run.
func (r *run) repeat(ctx context.Context) error {
	r.report.Offers = r.previous.Offers
	status := manifest.Unchanged
	for _, f := range r.plan.feeds {
		report := r.baseline.Made[f.Name].Report
		r.report.Feeds[f.Name] = report
		if report.Verdict != guard.Pass {
			status = manifest.Held
		}
	}
	r.detail = r.baseline
	return r.commit(ctx, status)
}

// nothingChanged reports whether a run that was made for another time came to
// the same.
func (r *run) nothingChanged() bool {
	if r.base.Run == "" || !maps.Equal(r.detail.Feeds, r.baseline.Feeds) {
		return false
	}
	return maps.EqualFunc(r.detail.Made, r.baseline.Made, func(a, b made) bool {
		return a.Snapshot == b.Snapshot && a.Definition == b.Definition
	})
}
