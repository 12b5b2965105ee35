package generate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
)

func writeIndex(ctx context.Context, store storage.Store, f *part.Feed) (manifest.Object, error) {
	size, err := part.WriteIndex(ctx, store, f)
	return manifest.Object{Name: part.IndexName(f.Run, f.Name), Size: size}, err
}

// publish commits the run and makes it current, unless so many feeds are held
// that all of it is.
func (r *run) publish(ctx context.Context) error {
	r.keepWordings()
	verdict := guard.Run(r.Workspace.Guard, len(r.report.Held()), len(r.report.Feeds))
	r.warnOfGone(verdict.Held())
	switch {
	case verdict.Held():
		r.report.Reasons = verdict.Reasons
		return r.withhold(ctx)
	case len(r.detail.Holds) > 0:
		return r.advance(ctx, manifest.Held)
	case r.nothingChanged():
		return r.commit(ctx, manifest.Unchanged)
	default:
		return r.advance(ctx, manifest.Done)
	}
}

func (r *run) advance(ctx context.Context, status string) error {
	if err := r.commit(ctx, status); err != nil {
		return err
	}
	before := part.Catalog{Feeds: maps.Clone(r.baseline.Feeds)}
	part.Adopt(before.Feeds, r.changed)
	_, err := manifest.AdvanceTo(ctx, r.Store, part.Kind, r.base, r.id, before.Changed(r.detail.Feeds, r.Now()))
	return err
}

// withhold commits the run without publishing anything of it. Feeds that changed
// are held, those too that their own guard lets pass. The next run finds by a
// note that this one was, since current does not say so.
func (r *run) withhold(ctx context.Context) error {
	for name, fresh := range r.fresh {
		if _, held := r.detail.Holds[name]; !held {
			r.detail.Holds[name] = part.Hold{Entry: fresh, Opened: r.opened(name), Reasons: r.report.Reasons}
		}
	}
	r.detail.Feeds, r.detail.Withheld = maps.Clone(r.baseline.Feeds), true
	r.keepWordings()
	for name, f := range r.report.Feeds {
		f.Published = r.baseline.Feeds[name].Run
		r.report.Feeds[name] = f
		m := r.detail.Made[name]
		m.Report = f
		r.detail.Made[name] = m
	}
	if err := r.commit(ctx, manifest.Held); err != nil {
		return err
	}
	return manifest.NoteWithheld(ctx, r.Store, part.Kind, r.base, r.id)
}

// commit commits the run's manifest.
func (r *run) commit(ctx context.Context, status string) error {
	r.report.Status = status
	for name, hold := range r.detail.Holds {
		r.report.Holds[name] = OpenHold{Run: hold.Run, Opened: hold.Opened}
	}
	finished := r.Now().UTC()
	r.report.Seconds = finished.Sub(r.started).Seconds()
	m := manifest.Manifest{
		Run: r.id, Stage: stage, Status: status, Started: r.started, Finished: finished, Base: r.base.N,
		Requires: r.requires, Objects: r.objects,
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
	r.objects, r.requires, r.detail = nil, nil, newDetail()
	if err := r.commit(ctx, manifest.Failed); err != nil && !errors.Is(err, fs.ErrExist) {
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
