package diff

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// A tally is what all tasks counted of an event feed.
type tally struct {
	report  FeedReport
	objects []manifest.Object // of all events but removals
	gone    []manifest.Object // of removals
	all     pending           // both
	digests [2]string         // of all events, and of the removals, and whom they are for
}

// collect adds up what the tasks counted, and has the guard look at each event
// feed.
func (r *run) collect(ctx context.Context) error {
	tallies := make([]tally, len(r.plan.feeds))
	digests := make([][2]strings.Builder, len(r.plan.feeds))
	results := make([]result, r.parts)
	err := storage.Each(ctx, r.parts, func(ctx context.Context, i int) error {
		return r.worker.load(ctx, tmpName(r.id, changesPhase, i), &results[i])
	})
	if err != nil {
		return err
	}
	for i, one := range results {
		if len(one.Feeds) != len(tallies) {
			return fmt.Errorf("the result of partition %d is of another plan", i)
		}
		r.report.Offers += one.Offers
		for k := range tallies {
			t, counted := &tallies[k], &one.Feeds[k]
			t.report.join(&counted.FeedReport)
			fmt.Fprintln(&digests[k][0], counted.Digest)
			fmt.Fprintln(&digests[k][1], counted.Removals)
			if counted.Object.Name != "" {
				t.objects, t.all.Filled = append(t.objects, counted.Object), append(t.all.Filled, i)
			}
			if counted.Gone.Name != "" {
				t.gone, t.all.Gone = append(t.gone, counted.Gone), append(t.all.Gone, i)
			}
		}
	}
	maps.Copy(r.detail.Feeds, r.baseline.Feeds) // those too that are not defined any more
	maps.Copy(r.detail.Rejected, r.baseline.Rejected)
	r.letGo()
	for k, f := range r.plan.feeds {
		if f.choice != nil {
			tallies[k].report.fail(r.failures[f.choice.Number])
		}
		to := fmt.Sprintln(f.Audience())
		tallies[k].digests = [2]string{digest(to + digests[k][0].String()), digest(to + digests[k][1].String())}
		if err := r.judge(ctx, f, &tallies[k]); err != nil {
			return err
		}
	}
	r.report.Warnings = append(append(r.report.Warnings, r.report.losses()...), r.report.rejections()...)
	r.keepWordings()
	r.locate(ctx)
	return nil
}

// letGo says that what is held of event feeds that are not defined any more will not
// be sent. When they come back, they are made anew.
func (r *run) letGo() {
	for _, name := range slices.Sorted(maps.Keys(r.baseline.Holds)) {
		if !r.plan.has(name) {
			e := r.detail.Feeds[name]
			e.Gone = true
			r.detail.Feeds[name] = e
			r.report.Warnings = append(r.report.Warnings, fmt.Sprintf("event feed %s is not defined any more, or not enabled: what run %s holds of it is not sent", name, r.baseline.Holds[name].Run))
		}
	}
}

// keepWordings keeps how the event feeds were written, beside those that are not
// defined any more. Of one that is held, what the destinations have was made by an
// earlier definition.
func (r *run) keepWordings() {
	r.detail.Wordings = feed.NewWordings()
	kept := &r.detail.Wordings
	for name := range r.detail.Feeds {
		kept.Carry(name, &r.baseline.Wordings)
	}
	for _, f := range r.plan.feeds {
		one := kept.Say(f.Wording(), r.Workspace.Shared, "")
		h, held := r.detail.Holds[f.Name]
		no, rejected := r.detail.Rejected[f.Name]
		switch {
		case held && h.Only == "":
			kept.Hold(f.Name, one, &r.baseline.Wordings)
		case !rejected || no.Only != "":
			kept.Publish(f.Name, one)
		}
	}
}

// judge decides what is sent of an event feed.
func (r *run) judge(ctx context.Context, f *plannedFeed, t *tally) error {
	r.weigh(f, &t.report)
	e, report := r.entryOf(f), t.report
	open, was := r.baseline.Holds[f.Name]
	delete(r.detail.Rejected, f.Name)
	all := t.all
	all.Run, all.Partitions, all.Fields, all.Audience = r.id, r.parts, f.fieldsKey, f.Audience()
	verdict := guard.Verdict{Verdict: report.Verdict, Reasons: report.Reasons}
	rejected := r.baseline.Rejected[f.Name]
	switch {
	case rejected.is("", t.digests[0], e.Guard) && (verdict.Held() || report.events("") > 0):
		r.refuse(f.Name, rejected, &report)
	case rejected.is(removals, t.digests[1], e.Guard) && report.Removed > 0 && (verdict.RemovalsOnly() || !verdict.Held()):
		e.Pending = all.only(notRemovals, &report)
		r.refuse(f.Name, rejected, &report)
	case r.states[f.Name].elsewhere(f) != nil:
		r.withhold(f, nil, "", &report, t.digests[0])
	case verdict.RemovalsOnly():
		e.Pending = all.only(notRemovals, &report)
		r.withhold(f, all.only(removals, &report).held(), removals, &report, t.digests[1])
	case verdict.Held():
		r.withhold(f, all.only("", &report).held(), "", &report, t.digests[0])
	default:
		e.Pending = all.only("", &report)
		if e.Pending == nil && report.Redefined {
			e.Defined = f.fieldsKey
		}
	}
	if e.Pending != nil {
		e.Defined = "" // that of the state which is written
	}
	e.Report = report
	r.detail.Feeds[f.Name], r.report.Events[f.Name] = e, report
	held, isHeld := r.detail.Holds[f.Name]
	if isHeld && was && e.Pending == nil && held.Digest == open.Digest {
		r.detail.Holds[f.Name], held = open, hold{} // it is the same still: who is about to approve it may
	}
	return r.settle(ctx, t, e.Pending, &held.pending)
}

// settle puts the objects of a change set where they belong: those that are sent, or
// handed over, stay, those that are held go apart, and the others, which were rejected
// or are held already, are dropped.
func (r *run) settle(ctx context.Context, t *tally, sent, held *pending) error {
	if sent == nil {
		sent = &pending{}
	}
	for _, kind := range []struct {
		objects    []manifest.Object
		sent, held bool
	}{
		{t.objects, len(sent.Filled) > 0, len(held.Filled) > 0},
		{t.gone, len(sent.Gone) > 0, len(held.Gone) > 0},
	} {
		switch {
		case kind.sent:
			r.handOver(kind.objects)
		case kind.held:
			if err := r.setApart(ctx, kind.objects); err != nil {
				return err
			}
		default:
			if err := r.drop(ctx, kind.objects); err != nil {
				return err
			}
		}
	}
	return nil
}

// handOver notes objects whose events are sent, by this run or whoever takes them.
func (r *run) handOver(objects []manifest.Object) {
	r.objects = append(r.objects, objects...)
	for _, o := range objects {
		r.report.ChangeSets = append(r.report.ChangeSets, o.Name)
	}
}

// setApart moves objects to where those are that are held.
func (r *run) setApart(ctx context.Context, objects []manifest.Object) error {
	held := make([]manifest.Object, len(objects))
	err := storage.Each(ctx, len(objects), func(ctx context.Context, i int) (err error) {
		held[i], err = event.Hold(ctx, r.Store, objects[i])
		return err
	})
	r.objects = append(r.objects, held...)
	return err
}

// weigh asks the guard.
func (r *run) weigh(f *plannedFeed, report *FeedReport) {
	counts := guard.EventCounts{
		Items: report.Items, Read: r.report.Offers, Errors: report.Errors,
		Added: report.Added, Removed: report.Removed, Updated: report.Updated, Fields: report.Changed,
	}
	if before := r.states[f.Name]; before != nil {
		report.Before = &before.Rows
		counts.RemovedOf = r.removedOf(f.Name)
		report.Redefined = cmp.Or(r.baseline.Feeds[f.Name].Defined, before.Fields) != f.fieldsKey
		counts.Redefined = report.Redefined
		if report.Redefined { // that everything is different is said once
			counts.Updated, counts.Fields = 0, nil
		}
	}
	verdict := guard.Events(f.Guard, report.Before, counts)
	report.Verdict, report.Reasons, report.Definition = verdict.Verdict, verdict.Reasons, f.definition
	if reason := r.states[f.Name].elsewhere(f); reason != nil {
		report.Verdict, report.Reasons = guard.Hold, []guard.Reason{*reason}
	}
}

// removedOf is how many offers the state had when the removals that are held still, or
// were rejected, were held first; nil: none are.
func (r *run) removedOf(feed string) *int64 {
	of := cmp.Or(r.baseline.Holds[feed].Of, r.baseline.Rejected[feed].Of)
	if of == 0 {
		return nil
	}
	return &of
}

// refuse goes on with what somebody rejected.
func (r *run) refuse(feed string, rejected rejection, report *FeedReport) {
	r.detail.Rejected[feed] = rejected
	report.reject(rejected.Only, rejected.Said)
}

// withhold holds events of an event feed, which has some, all, or none.
func (r *run) withhold(f *plannedFeed, held *pending, only string, report *FeedReport, digest string) {
	h := hold{Opened: r.started, Digest: digest, Reasons: report.Reasons, pending: pending{Run: r.id, Fields: f.fieldsKey}}
	if held != nil {
		h.pending = *held
	}
	if open, found := r.baseline.Holds[f.Name]; found {
		h.Opened = open.Opened
	}
	if of := r.removedOf(f.Name); of != nil {
		h.Of = *of
	} else if only == removals {
		h.Of = *report.Before
	}
	r.detail.Holds[f.Name] = h
}

// drop removes change sets that nobody will refer to. In a dry run there are none.
func (r *run) drop(ctx context.Context, objects []manifest.Object) error {
	for _, o := range objects {
		if err := r.Store.Remove(ctx, o.Name); err != nil {
			return fmt.Errorf("remove %s: %w", o.Name, err)
		}
	}
	return nil
}

// entryOf is what is known of an event feed in this run.
func (r *run) entryOf(f *plannedFeed) entry {
	was := r.baseline.Feeds[f.Name]
	e := entry{State: was.State, Defined: was.Defined, Snapshot: r.Snapshot, Definition: f.definition, Fields: f.fieldsKey}
	e.Guard = digest(fmt.Sprint(f.Guard))
	if f.usesNow() {
		e.At = r.At.Format(time.RFC3339Nano)
	}
	return e
}

// upToDate reports whether nothing can have changed since the last run.
func (r *run) upToDate() bool {
	if r.previous == nil {
		return false
	}
	for _, f := range r.plan.feeds {
		was, found := r.baseline.Feeds[f.Name]
		now := r.entryOf(f)
		_, held := r.baseline.Holds[f.Name]
		_, rejected := r.baseline.Rejected[f.Name]
		known := was.State != "" || was.Pending != nil
		if !found || was.Gone || known && !r.baseline.Whole(f.Name) || was.Snapshot != now.Snapshot || was.Definition != now.Definition || was.At != now.At || (held || rejected) && was.Guard != now.Guard {
			return false
		}
		if r.DryRun && was.Pending != nil {
			return false // it is counted again
		}
		if s := r.states[f.Name]; s != nil && s.Rows > 0 && f.Refresh > 0 && !r.At.Before(s.Oldest.Add(f.Refresh-f.Refresh/4)) {
			return false
		}
	}
	for name := range r.baseline.Holds {
		if !r.plan.has(name) {
			return false
		}
	}
	return true
}

// repeat ends a run that has nothing to do: no events, and the states as they are.
// While a hold is open, it is held.
func (r *run) repeat(ctx context.Context) error {
	r.report.Offers = r.previous.Offers
	for _, f := range r.plan.feeds {
		was := r.baseline.Feeds[f.Name].Report
		open, held := r.baseline.Holds[f.Name]
		report := FeedReport{Items: was.Items, Errors: was.Errors, Undecided: was.Undecided, Verdict: guard.Pass, Rejected: was.Rejected, Definition: was.Definition}
		s := r.states[f.Name]
		switch {
		case held && open.Only == removals && s != nil:
			report = was.removalsOf(s.Rows)
		case held:
			report = was
		case s != nil:
			report.Unchanged, report.Before = s.Rows, &s.Rows
		}
		r.report.Events[f.Name] = report
	}
	r.report.Warnings = append(r.report.Warnings, r.report.rejections()...)
	r.detail = r.baseline
	r.detail.Decision = ""
	if len(r.detail.Holds) > 0 {
		return r.commit(ctx, manifest.Held)
	}
	return r.commit(ctx, manifest.Unchanged)
}

// publish commits the run and makes it current: its change sets are what is sent.
func (r *run) publish(ctx context.Context) error {
	status := manifest.Done
	switch {
	case len(r.detail.Holds) > 0:
		status = manifest.Held
	case r.quiet():
		status = manifest.Unchanged
	}
	if err := r.commit(ctx, status); err != nil {
		return err
	}
	_, err := manifest.Advance(ctx, r.Store, event.Kind, r.base, r.id)
	return err
}

// quiet reports whether there is nothing to send.
func (r *run) quiet() bool {
	for _, e := range r.detail.Feeds {
		if e.Pending != nil {
			return false
		}
	}
	return true
}
