package generate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// readBase reads what is published now, and what the last run made of it: that
// which is current, or one that was held as a whole since.
func (r *run) readBase(ctx context.Context) (err error) {
	if r.base, r.changed, err = manifest.CurrentChanges(ctx, r.Store, part.Kind); err != nil {
		return err
	}
	m, err := r.lastRun(ctx)
	if err != nil || m == nil {
		return err
	}
	if err := decodeDetail(m, &r.baseline); err != nil {
		return err
	}
	r.previous = &Report{}
	if err := json.Unmarshal(m.Report, r.previous); err != nil {
		return fmt.Errorf("decode the report of run %s: %w", m.Run, err)
	}
	return nil
}

// lastRun returns nil when there is none.
func (r *run) lastRun(ctx context.Context) (*manifest.Manifest, error) {
	withheld, err := manifest.Withheld(ctx, r.Store, part.Kind, r.base)
	if err != nil {
		return nil, err
	}
	if withheld != "" {
		m, err := manifest.Read(ctx, r.Store, part.Kind, withheld)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return m, err
		}
	}
	if r.base.Run == "" {
		return nil, nil
	}
	return manifest.Pointed(ctx, r.Store, part.Kind, r.base)
}

// upToDate reports whether all feeds of the plan were last made of the same, and
// no others are published that should not be. Feeds that are held, or were rejected,
// are judged anew when their limits changed.
func (r *run) upToDate() bool {
	if r.previous == nil || !r.worded() {
		return false
	}
	for _, f := range r.plan.feeds {
		was, found := r.baseline.Made[f.Name]
		now := r.madeOf(f)
		_, held := r.baseline.Holds[f.Name]
		_, rejected := r.baseline.Rejected[f.Name]
		if !found || was.Snapshot != now.Snapshot || was.Definition != now.Definition || was.At != now.At || (held || rejected) && was.Guard != now.Guard {
			return false
		}
	}
	if len(r.Feeds) > 0 {
		return true
	}
	for name := range r.baseline.Feeds {
		if !slices.ContainsFunc(r.plan.feeds, func(f *plannedFeed) bool { return f.Name == name }) {
			return false // a run that was held as a whole left it published
		}
	}
	return len(r.plan.feeds) == len(r.baseline.Made)
}

// madeOf is what a feed is made of in this run.
func (r *run) madeOf(f *plannedFeed) made {
	m := made{Snapshot: r.Snapshot, Definition: definition(r.Workspace, f)}
	m.Guard = fmt.Sprintf("%016x", xxh3.HashString(fmt.Sprint(f.Guard, r.Workspace.Guard.HeldFeeds)))
	if f.usesNow() {
		m.At = r.At.Format(time.RFC3339Nano)
	}
	return m
}

// repeat ends a run that has nothing to do. While a hold is open, it is held.
func (r *run) repeat(ctx context.Context) error {
	r.report.Offers, r.report.Rendered, r.report.RowByRow = r.previous.Offers, r.previous.Rendered, r.previous.RowByRow
	r.report.Compressors = r.previous.Compressors
	r.report.Parts, r.report.Carried = r.previous.Parts, r.previous.Parts
	for _, f := range r.plan.feeds {
		r.report.Feeds[f.Name] = r.baseline.Made[f.Name].Report
	}
	r.report.Warnings = append(append(r.report.Warnings, r.report.losses()...), r.report.rejections()...)
	r.detail = r.baseline
	r.detail.Decision = ""
	if len(r.detail.Holds) == 0 && !r.detail.Withheld {
		return r.commit(ctx, manifest.Unchanged)
	}
	r.report.Reasons = r.previous.Reasons
	return r.commit(ctx, manifest.Held)
}

// nothingChanged reports whether a run that was made for another time came to
// the same.
func (r *run) nothingChanged() bool {
	if r.base.Run == "" || r.baseline.Withheld || len(r.baseline.Holds) > 0 || !r.worded() || !maps.Equal(r.detail.Feeds, r.baseline.Feeds) {
		return false
	}
	return maps.EqualFunc(r.detail.Made, r.baseline.Made, func(a, b made) bool {
		return a.Snapshot == b.Snapshot && a.Definition == b.Definition
	})
}
