package generate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// feed decides what is published of a feed: its new bytes, or those of before
// when it did not change or is held.
func (r *run) feed(ctx context.Context, b *bundle, counted *feedResult) error {
	before, published := r.baseline.Feeds[b.feed.Name]
	f, err := r.compose(b, before)
	if err != nil {
		return err
	}
	report := r.judge(b, f, before, published, counted)
	serving := before
	if f != nil && !(published && before.Content == f.Content.String()) {
		if err := r.writeIndex(ctx, f); err != nil {
			return err
		}
		if report.Verdict == guard.Pass {
			serving = entryOf(f)
		}
	}
	delete(r.detail.Feeds, b.feed.Name)
	if serving.Run != "" {
		r.detail.Feeds[b.feed.Name] = serving
	}
	report.Published = serving.Run
	m := r.madeOf(b.feed)
	report.Definition = m.Definition
	m.Report = report
	r.detail.Made[b.feed.Name] = m
	r.report.Feeds[b.feed.Name] = report
	return nil
}

// compose makes a feed of its bundle; it is nil when a partition passes a limit.
// The time of its last change moves only with its content.
func (r *run) compose(b *bundle, before part.Entry) (*part.Feed, error) {
	t := b.feed.rendering.template
	n, err := b.spread(t, before.Files)
	if err != nil || n == 0 {
		return nil, err
	}
	f := &part.Feed{Name: b.feed.Name, Run: r.id, Objects: b.objects, Updated: r.At.Truncate(time.Second)}
	if f.Content, err = b.content(t, n); err != nil {
		return nil, err
	}
	if before.Content == f.Content.String() {
		f.Updated = before.Updated
	}
	f.Files, err = b.files(t, n, f.Updated)
	return f, err
}

// judge asks the guard about a feed.
func (r *run) judge(b *bundle, f *part.Feed, before part.Entry, published bool, counted *feedResult) FeedReport {
	report := FeedReport{Items: b.count, Rendering: b.feed.rendering.name}
	report.count(counted)
	if published {
		report.Before = &before.Items
		report.Redefined = r.baseline.Made[b.feed.Name].Definition != definition(r.Workspace, b.feed)
	}
	verdict := guard.Feed(b.feed.Guard, report.Before, guard.FeedCounts{Items: b.count, Read: r.report.Offers, Errors: counted.Errors})
	if f == nil {
		verdict = overLimit(b.feed, b.count)
	} else {
		report.Bytes, report.Files = f.Bytes(), len(f.Files)
	}
	report.Verdict, report.Reasons = verdict.Verdict, verdict.Reasons
	return report
}

func (r *run) writeIndex(ctx context.Context, f *part.Feed) error {
	size, err := part.WriteIndex(ctx, r.Store, f)
	if err != nil {
		return err
	}
	r.objects = append(r.objects, manifest.Object{Name: part.IndexName(f.Run, f.Name), Size: size})
	return nil
}

func entryOf(f *part.Feed) part.Entry {
	return part.Entry{
		Run: f.Run, Index: part.IndexName(f.Run, f.Name), Content: f.Content.String(), Updated: f.Updated,
		Items: f.Items(), Bytes: f.Bytes(), Files: len(f.Files),
	}
}

// publish commits the run and makes it current, unless so many feeds are held
// that all of it is.
func (r *run) publish(ctx context.Context) error {
	held := len(r.report.Held())
	verdict := guard.Run(r.Workspace.Guard, held, len(r.report.Feeds))
	if verdict.Held() {
		r.report.Reasons = verdict.Reasons
		r.withhold()
		return r.commit(ctx, manifest.Held)
	}
	status := manifest.Done
	switch {
	case held > 0:
		status = manifest.Held
	case r.nothingChanged():
		return r.commit(ctx, manifest.Unchanged)
	}
	if err := r.commit(ctx, status); err != nil {
		return err
	}
	_, err := manifest.Advance(ctx, r.Store, part.Kind, r.base, r.id)
	return err
}

// withhold lets everything be served as before.
func (r *run) withhold() {
	for name, f := range r.report.Feeds {
		f.Published = r.baseline.Feeds[name].Run
		r.report.Feeds[name] = f
	}
}

// commit commits the run's manifest.
func (r *run) commit(ctx context.Context, status string) error {
	r.report.Status = status
	finished := r.Now().UTC()
	r.report.Seconds = finished.Sub(r.started).Seconds()
	m := manifest.Manifest{
		Run: r.id, Stage: stage, Status: status, Started: r.started, Finished: finished, Base: r.base.N, Objects: r.objects,
	}
	var err error
	if m.Report, err = json.Marshal(r.report); err != nil {
		return fmt.Errorf("encode the report of run %s: %w", r.id, err)
	}
	if m.Detail, err = json.Marshal(r.detail); err != nil {
		return fmt.Errorf("encode the manifest of run %s: %w", r.id, err)
	}
	return manifest.Commit(ctx, r.Store, part.Kind, &m)
}

// failed completes the report of a run that ended with an error.
func (r *run) failed(err error) *Report {
	r.report.Status, r.report.Error = manifest.Failed, err.Error()
	r.report.Seconds = r.Now().UTC().Sub(r.started).Seconds()
	return r.report
}

// keepFailure leaves a manifest without objects behind, so that the run is
// listed. It is best effort: the error that is reported is the run's own. A run
// that was committed before it failed keeps its manifest.
func (r *run) keepFailure(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	r.objects, r.detail = nil, detail{Detail: part.Detail{Feeds: maps.Clone(r.baseline.Feeds)}}
	if err := r.commit(ctx, manifest.Failed); err != nil {
		r.Log("the failed run could not be recorded", "run", r.id, "error", err)
	}
}

// sweep removes what runs that died left below tmp/. What it cannot remove does
// not keep the run from its work.
func (r *run) sweep(ctx context.Context, lease *manifest.Lease) {
	if err := lease.Sweep(ctx); err != nil {
		r.Log("temporary objects of earlier runs could not be removed", "run", r.id, "error", err)
	}
}

// clean removes what the tasks left below tmp/<run>/. What it cannot remove now,
// the next run does.
func (r *run) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := manifest.Clean(ctx, r.Store, stage, r.id); err != nil {
		r.Log("temporary objects could not be removed", "run", r.id, "error", err)
	}
}
