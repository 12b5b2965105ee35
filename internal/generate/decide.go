package generate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
)

// DecideOptions are what a person decides. Of the other options it needs the
// store and the clock.
type DecideOptions struct {
	Options         // Feeds are those decided about; nil: all that the run holds
	Run      string // that holds them
	Decision manifest.Decision
}

// Decide publishes what a run holds, or lets go of it, as a person decided. It
// makes a run of its own, which is current afterwards: that of before, with these
// holds closed. The decision is recorded before anything is published.
//
// What cannot be decided is a *manifest.RefusedError: the run holds no such feed,
// or a newer run holds it.
func Decide(ctx context.Context, o DecideOptions) (*Report, error) {
	r := newRun(o.Options)
	lease, err := manifest.Acquire(ctx, r.Store, stage, manifest.LeaseOptions{Owner: r.Owner, TTL: leaseTime, Now: r.Now})
	if err != nil {
		return nil, err
	}
	held, stop := lease.Hold(ctx)
	err = r.decide(held, lease, o)
	if err = errors.Join(err, stop(), lease.Release(context.WithoutCancel(ctx))); err != nil {
		return nil, err
	}
	return r.report, nil
}

func (r *run) decide(ctx context.Context, lease *manifest.Lease, o DecideOptions) error {
	if err := r.readBase(ctx); err != nil {
		return err
	}
	if r.previous == nil {
		return manifest.NothingHeld(o.Run)
	}
	names, err := r.decided(o)
	if err != nil {
		return err
	}
	d := o.Decision
	d.ID, d.Stage, d.Run, d.At, d.Held = r.id, stage, o.Run, r.started, map[string]string{}
	for _, name := range names {
		hold := r.baseline.Holds[name]
		d.Held[name] = hold.Content
		if d.Action == manifest.Approved {
			if err := r.checkHeld(ctx, name, hold); err != nil {
				return err
			}
		}
	}
	if err := lease.Check(ctx); err != nil {
		return err
	}
	if err := manifest.Record(ctx, r.Store, &d); err != nil {
		return err
	}
	r.goOn(&d)
	if len(r.detail.Holds) > 0 {
		return r.advance(ctx, manifest.Held)
	}
	return r.advance(ctx, manifest.Done)
}

// decided returns the feeds that are decided about.
func (r *run) decided(o DecideOptions) ([]string, error) {
	names := o.Feeds
	if len(names) == 0 {
		for _, name := range slices.Sorted(maps.Keys(r.baseline.Holds)) {
			if r.holder(name) == o.Run {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		if _, held := r.baseline.Holds[name]; !held {
			return nil, manifest.NotHeld("feed "+name, o.Run)
		}
		if holder := r.holder(name); holder != o.Run {
			return nil, manifest.HeldByOther("feed "+name, o.Run, holder)
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	holds := slices.Sorted(maps.Keys(r.baseline.Holds))
	if len(holds) == 0 {
		return nil, manifest.NothingHeld(o.Run)
	}
	newest := slices.MaxFunc(holds, func(a, b string) int { return strings.Compare(r.holder(a), r.holder(b)) })
	return nil, manifest.HeldByOther("feed "+newest, o.Run, r.holder(newest))
}

// holder is the run that holds a feed.
func (r *run) holder(name string) string {
	if run := r.baseline.Holds[name].Run; run != "" {
		return run
	}
	return r.previous.Run // which made nothing that could be published
}

// checkHeld finds that what is held is whole and what the hold says.
func (r *run) checkHeld(ctx context.Context, name string, hold part.Hold) error {
	if hold.Run == "" {
		return nil
	}
	catalog := part.Catalog{Run: hold.Run, Feeds: map[string]part.Entry{name: hold.Entry}}
	f, err := catalog.Open(ctx, r.Store, name)
	if err != nil {
		return err
	}
	return storage.Each(ctx, len(f.Objects), func(ctx context.Context, i int) error {
		p, err := part.Open(ctx, r.Store, f.Objects[i].Name)
		if err == nil && p.Size != f.Objects[i].Size {
			err = fmt.Errorf("%s has %d bytes, not %d", p.Name, p.Size, f.Objects[i].Size)
		}
		return err
	})
}

// goOn makes what is known of the last run this one's, with some holds closed.
func (r *run) goOn(d *manifest.Decision) {
	r.detail = r.baseline
	r.detail.Withheld, r.detail.Decision, r.detail.Results = false, d.ID, resultsOf(r.previous.Run, &r.baseline)
	r.detail.Feeds, r.detail.Holds, r.detail.Made = maps.Clone(r.detail.Feeds), maps.Clone(r.detail.Holds), maps.Clone(r.detail.Made)
	if r.detail.Feeds == nil {
		r.detail.Feeds = map[string]part.Entry{}
	}
	r.detail.Rejected = map[string]manifest.Rejection{}
	maps.Copy(r.detail.Rejected, r.baseline.Rejected)
	report := *r.previous
	report.Run, report.Started, report.Reasons, report.Decision = r.id, r.started, nil, d
	report.Holds, report.Feeds, report.Phases = map[string]OpenHold{}, maps.Clone(report.Feeds), nil
	r.report = &report
	for name := range d.Held {
		r.close(name, d)
	}
	r.requires = slices.Compact(slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(r.detail.Parts)), r.detail.Results))))
}

// close closes the hold of a feed.
func (r *run) close(name string, d *manifest.Decision) {
	hold, m := r.detail.Holds[name], r.detail.Made[name]
	if d.Action == manifest.Approved && hold.Run != "" {
		r.detail.Feeds[name] = hold.Entry
	}
	delete(r.detail.Holds, name)
	delete(r.detail.Rejected, name)
	m.Report.Rejected = ""
	if d.Action == manifest.Rejected {
		r.detail.Rejected[name] = manifest.Rejection{Held: hold.Content, Guard: m.Guard, Said: d.String()}
		m.Report.Rejected = d.String()
	}
	r.detail.Wordings = r.detail.Decide(name, d.Action == manifest.Approved && hold.Run != "")
	m.Report.Verdict, m.Report.Reasons, m.Report.Published = guard.Pass, nil, r.detail.Feeds[name].Run
	r.detail.Made[name] = m
	r.report.Feeds[name] = m.Report
}

// resultsOf returns the run whose results are those of the run with a detail.
func resultsOf(run string, detail *detail) string {
	if detail.Results != "" {
		return detail.Results
	}
	return run
}

// decodeDetail decodes the detail of a manifest.
func decodeDetail(m *manifest.Manifest, into *detail) error {
	if err := json.Unmarshal(m.Detail, into); err != nil {
		return fmt.Errorf("decode the manifest of run %s: %w", m.Run, err)
	}
	return nil
}
