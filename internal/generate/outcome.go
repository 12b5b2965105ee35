package generate

import (
	"cmp"
	"context"
	"time"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// An outcome is what a run makes of one feed.
type outcome struct {
	name    string
	made    made
	serving part.Entry          // what is published of it; without a run: nothing
	hold    *part.Hold          // nil: its guard lets it pass
	refused *manifest.Rejection // nil: nobody rejected what the run made
	fresh   *part.Entry         // what the run made of it; nil: what is published, or nothing
	objects []manifest.Object
	lost    string // what of the published bytes is lost, or ""
}

// feed decides what is published of a feed: its new bytes, or those of before
// when it did not change or is held.
func (r *run) feed(ctx context.Context, b *bundle, counted *feedResult) (*outcome, error) {
	before, published := r.baseline.Feeds[b.feed.Name]
	f, err := r.compose(b, before, counted)
	if err != nil {
		return nil, err
	}
	o := &outcome{name: b.feed.Name, made: r.madeOf(b.feed), serving: before}
	report := r.judge(b, f, before, published, counted)
	report.Definition = o.made.Definition
	if published {
		o.lost = r.broken(ctx, b.feed.Name, before)
	}
	if o.refused = r.refused(b.feed, f, before, report.Verdict); o.refused != nil {
		report.Verdict, report.Reasons, report.Rejected, report.Published = guard.Pass, nil, o.refused.Said, before.Run
		o.made.Report = report
		return o, nil
	}
	if !published || o.lost != "" || r.goesOn(b.feed, f, before) {
		object, err := writeIndex(ctx, r.Store, f)
		if err != nil {
			return nil, err
		}
		fresh := r.entryOf(f, o.made.Definition)
		o.fresh, o.objects = &fresh, append(o.objects, object)
	}
	if report.Verdict == guard.Pass {
		o.serving = *cmp.Or(o.fresh, &before)
		o.serving.Definition = o.made.Definition
	} else {
		o.hold = &part.Hold{Entry: *cmp.Or(o.fresh, &part.Entry{Content: f.Content.String()}), Opened: r.opened(b.feed.Name), Reasons: report.Reasons}
		r.compare(ctx, f, before, &report)
	}
	report.Published = o.serving.Run
	o.made.Report = report
	return o, nil
}

// refused returns the rejection of what the run made of a feed, nil if there is none,
// or if it is what is published and nothing is wrong with it.
func (r *run) refused(feed *plannedFeed, f *part.Feed, before part.Entry, verdict guard.Action) *manifest.Rejection {
	rejected, found := r.baseline.Rejected[feed.Name]
	content := f.Content.String()
	if !found || rejected.Held != content || rejected.Guard != r.madeOf(feed).Guard || verdict == guard.Pass && before.Content == content {
		return nil
	}
	return &rejected
}

// goesOn reports whether a published feed goes on to the bytes of this run: its
// content changed, or its files have other names, or its bytes are to be replaced,
// because they are old enough or somebody wants it.
func (r *run) goesOn(feed *plannedFeed, f *part.Feed, before part.Entry) bool {
	return r.Full || before.Content != f.Content.String() || before.Numbered != feed.Limits.Numbered() || !r.started.Before(before.Since.Add(feed.Republish))
}

// opened is since when a feed that is held now has been.
func (r *run) opened(name string) time.Time {
	if hold, found := r.baseline.Holds[name]; found {
		return hold.Opened
	}
	return r.started
}

// take puts the outcome of a feed into the run's manifest and report.
func (r *run) take(o *outcome) {
	delete(r.detail.Feeds, o.name)
	delete(r.detail.Holds, o.name)
	delete(r.detail.Rejected, o.name)
	if o.refused != nil {
		r.detail.Rejected[o.name] = *o.refused
	}
	if o.serving.Run != "" {
		r.detail.Feeds[o.name] = o.serving
	}
	if o.hold != nil {
		r.detail.Holds[o.name] = *o.hold
	}
	if o.fresh != nil {
		r.fresh[o.name] = *o.fresh
	}
	r.detail.Made[o.name] = o.made
	r.report.Feeds[o.name] = o.made.Report
	r.objects = append(r.objects, o.objects...)
	if o.lost != "" {
		r.mended[o.name] = o.lost
	}
}

// compose makes a feed of its bundle. The time of its last change moves only with its content, and then always.
func (r *run) compose(b *bundle, before part.Entry, counted *feedResult) (*part.Feed, error) {
	t := b.feed.rendering.template
	n, err := b.spread(t, before.Files)
	if err != nil {
		return nil, err
	}
	f := &part.Feed{Name: b.feed.Name, Run: r.id, Objects: b.objects, Updated: earliest(r.At, r.started).Truncate(time.Second)}
	f.Sample = part.Sample{Depth: part.SampleDepth(r.parts), IDs: counted.sample}
	if f.Content, err = b.content(t, n); err != nil {
		return nil, err
	}
	switch {
	case before.Run == "":
	case before.Content == f.Content.String():
		f.Updated = before.Updated
	default:
		f.Updated = before.ChangedAt(f.Updated)
	}
	f.Files, err = b.files(t, n, f.Updated)
	return f, err
}

// earliest is the first of two times. What `now` is may be in the future, a content
// that was made already is not.
func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// judge asks the guard about a feed.
func (r *run) judge(b *bundle, f *part.Feed, before part.Entry, published bool, counted *feedResult) FeedReport {
	report := FeedReport{Items: b.count, Bytes: f.Bytes(), Files: len(f.Files), Rendering: b.feed.rendering.name}
	report.count(counted)
	if c := b.feed.choice; c != nil {
		report.fail(r.failures[c.Number])
	}
	if published {
		report.Before = &before.Items
		report.Redefined = before.Definition != definition(r.Workspace, b.feed)
	}
	verdict := guard.Feed(b.feed.Guard, report.Before, guard.FeedCounts{Items: b.count, Read: r.report.Offers, Errors: counted.Errors})
	report.Verdict, report.Reasons = verdict.Verdict, verdict.Reasons
	return report
}

// maxChanges is how many gained and lost offers are named.
const maxChanges = 5

// compare names offers that a held feed would gain and lose.
func (r *run) compare(ctx context.Context, f *part.Feed, before part.Entry, report *FeedReport) {
	if before.Run == "" {
		return
	}
	old, err := part.OpenFeed(ctx, r.Store, before.Index)
	if err != nil {
		report.Unknown = err.Error()
		return
	}
	report.Gained = f.Sample.Gained(old.Sample, maxChanges)
	report.Lost = f.Sample.Lost(old.Sample, maxChanges)
}

func (r *run) entryOf(f *part.Feed, definition string) part.Entry {
	return part.Entry{
		Run: f.Run, Index: part.IndexName(f.Run, f.Name), Content: f.Content.String(), Updated: f.Updated, Since: r.started, Definition: definition,
		Items: f.Items(), Bytes: f.Bytes(), Files: len(f.Files),
		Numbered: f.Files[0].Name != f.Name,
	}
}
