package diff

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
)

// DecideOptions are what a person decides.
type DecideOptions struct {
	Options
	Run      string   // that holds the events
	Feeds    []string // nil: all that it holds
	Decision manifest.Decision
}

// Decide sends the events that a run holds, or lets go of them, as a person
// decided. It makes a run of its own, which is current afterwards; the decision is
// recorded before anything is sent. Rejected events are not sent and not held while
// later runs come to the very same.
//
// What cannot be decided is a *manifest.RefusedError: the run holds no such feed,
// a newer run holds it, or what would be approved is for nobody (see elsewhere).
func Decide(ctx context.Context, o DecideOptions) (*Report, error) {
	r := newRun(o.Options)
	err := r.leased(ctx, func(ctx context.Context, lease *manifest.Lease) error { return r.decide(ctx, lease, o) })
	if err != nil {
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
	if err := r.finishLast(ctx); err != nil {
		return err
	}
	names, err := r.decided(o)
	if err != nil {
		return err
	}
	d := o.Decision
	d.ID, d.Stage, d.Run, d.At, d.Held = r.id, stage, o.Run, r.started, map[string]string{}
	for _, name := range names {
		d.Held[name] = r.baseline.Holds[name].Digest
	}
	var approved []manifest.Object
	if d.Action == manifest.Approved {
		if approved, err = r.checkHeld(ctx, names); err != nil {
			return err
		}
	}
	if err := lease.Check(ctx); err != nil {
		return err
	}
	if err := manifest.Record(ctx, r.Store, &d); err != nil {
		return err
	}
	r.goOn(&d)
	if len(approved) > 0 {
		r.requires = []string{o.Run}
		r.handOver(approved)
	}
	status := manifest.Done
	if len(r.detail.Holds) > 0 {
		status = manifest.Held
	}
	if err := r.commit(ctx, status); err != nil {
		return err
	}
	if _, err := manifest.Advance(ctx, r.Store, event.Kind, r.base, r.id); err != nil {
		return err
	}
	return r.deliver(ctx, r.id, r.detail.Feeds)
}

// decided returns the event feeds that are decided about.
func (r *run) decided(o DecideOptions) ([]string, error) {
	names := o.Feeds
	if len(names) == 0 {
		for _, name := range slices.Sorted(maps.Keys(r.baseline.Holds)) {
			if r.baseline.Holds[name].Run == o.Run {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		h, held := r.baseline.Holds[name]
		if !held {
			return nil, manifest.NotHeld("event feed "+name, o.Run)
		}
		if h.Run != o.Run {
			return nil, manifest.HeldByOther("event feed "+name, o.Run, h.Run)
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	holds := slices.Sorted(maps.Keys(r.baseline.Holds))
	if len(holds) == 0 {
		return nil, manifest.NothingHeld(o.Run)
	}
	newest := slices.MaxFunc(holds, func(a, b string) int { return strings.Compare(r.baseline.Holds[a].Run, r.baseline.Holds[b].Run) })
	return nil, manifest.HeldByOther("event feed "+newest, o.Run, r.baseline.Holds[newest].Run)
}

// checkHeld finds that what is held can be sent, and that the change sets are those
// that were judged. It returns their objects.
func (r *run) checkHeld(ctx context.Context, feeds []string) ([]manifest.Object, error) {
	var out []manifest.Object
	for _, feed := range feeds {
		h := r.baseline.Holds[feed]
		if err := h.sendable(feed); err != nil {
			return nil, err
		}
		m, err := manifest.Read(ctx, r.Store, event.Kind, h.Run)
		if err != nil {
			return nil, err
		}
		for _, partition := range h.partitions() {
			for _, name := range h.names(feed, partition) {
				at := slices.IndexFunc(m.Objects, func(o manifest.Object) bool { return o.Name == name })
				if at < 0 {
					return nil, fmt.Errorf("run %s does not list %s", h.Run, name)
				}
				if err := event.Check(ctx, r.Store, m.Objects[at]); err != nil {
					return nil, err
				}
				out = append(out, m.Objects[at])
			}
		}
	}
	return out, nil
}

// goOn makes what is known of the last run this one's, with some holds closed.
func (r *run) goOn(d *manifest.Decision) {
	r.detail = detail{Feeds: maps.Clone(r.baseline.Feeds), Holds: maps.Clone(r.baseline.Holds), Rejected: map[string]rejection{}, Decision: d.ID, Version: r.baseline.Version, Wordings: r.baseline.Wordings}
	maps.Copy(r.detail.Rejected, r.baseline.Rejected)
	sent := r.report.Sent
	report := *r.previous
	report.Run, report.Started, report.Decision, report.Sent = r.id, r.started, d, sent
	report.Holds, report.Events, report.Phases = map[string]OpenHold{}, maps.Clone(report.Events), map[string]float64{}
	report.ChangeSets = nil
	r.report = &report
	for name := range d.Held {
		h, e := r.detail.Holds[name], r.detail.Feeds[name]
		delete(r.detail.Holds, name)
		delete(r.detail.Rejected, name)
		if s := r.states[name]; h.Only == removals && s != nil {
			e.Report = e.Report.removalsOf(s.Rows)
		}
		e.Report.Verdict, e.Report.Reasons, e.Report.Rejected = guard.Pass, nil, ""
		switch {
		case d.Action == manifest.Rejected:
			r.detail.Rejected[name] = rejection{manifest.Rejection{Held: h.Digest, Guard: e.Guard, Said: d.String()}, h.Only, h.Of}
			e.Report.reject(h.Only, d.String())
		case h.Events > 0:
			p := h.pending
			e.Pending, e.Defined = &p, ""
		default:
			e.Defined = h.Fields
		}
		r.detail.Wordings = r.detail.Decide(name, d.Action == manifest.Approved)
		r.detail.Feeds[name], r.report.Events[name] = e, e.Report
	}
}
