// Package aggregate is the stage that makes the latest joined state of every
// key: it reads the deliveries of all sources that are new, merges them into the
// sources' stored states, joins those and writes a snapshot.
//
// Its promise: what a run publishes depends on the deliveries alone. An
// incremental run and a full one give the same bytes, on any number of workers,
// and a run that dies leaves what was published as it was.
//
// A run has three phases with a barrier between them. read turns groups of files
// into sorted runs of rows; compact merges, per source and partition, those runs
// with the stored state into a new state; write merges the states of the `from`
// sources with what is joined to them, per partition of the snapshot. Tasks find
// what they share and leave what they found below tmp/<run>/, which the run
// removes when it is over.
package aggregate

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

const (
	stage     = "aggregate"
	snapshots = "snapshots" // the kind of a run's manifest
	leaseTime = time.Minute
)

// Options are what a run needs.
type Options struct {
	Workspace *workspace.Workspace
	Store     storage.Store // the warehouse
	Open      source.Opener
	Workers   int                                                             // tasks at a time, which share the memory; zero: one for each core
	Engine    func(do func(context.Context, engine.Task) error) engine.Runner // nil: the local pool
	AsOf      string                                                          // "": everything there is
	AsOfEach  map[string]string                                               // by source, stronger than AsOf
	Full      bool                                                            // build every source anew
	Progress  func(phase string, done, total int)                             // may be nil
	Log       func(message string, attributes ...any)                         // may be nil
	Now       func() time.Time                                                // nil: time.Now
	Random    io.Reader                                                       // nil: crypto/rand
	Owner     string                                                          // of the lease; "": this process
	Alloc     memory.Allocator                                                // nil: the Go allocator
}

// snapshotDetail is what a snapshot's manifest says beside its objects.
type snapshotDetail struct {
	Sources    map[string]string `json:"sources"` // by name, the run that holds its state
	Digest     string            `json:"digest"`  // of the definitions
	Partitions int               `json:"partitions"`
}

// A run is one execution of the stage.
type run struct {
	Options
	worker   *worker
	runner   engine.Runner
	phase    string
	id       string
	started  time.Time
	report   *Report
	base     manifest.Pointer
	baseline snapshotDetail
	previous *Report // of the run that made the current snapshot
	sources  []*sourceRun
	objects  []manifest.Object

	decisionsRead []*manifest.Decision // of all runs
}

// Run executes the stage. Its report is complete also when the run failed; a
// held run is no error.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := newRun(o)
	lease, err := manifest.Acquire(ctx, r.Store, stage, manifest.LeaseOptions{Owner: r.Owner, TTL: leaseTime, Now: r.Now})
	if err != nil {
		return r.failed(err), err
	}
	held, stop := lease.Hold(ctx)
	r.sweep(held, lease)
	err = r.execute(held, lease)
	err = errors.Join(err, stop())
	if err != nil {
		r.failed(err)
		r.keepFailure(ctx)
	}
	r.worker.dimensions.release()
	r.clean(ctx)
	return r.report, errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
}

func newRun(o Options) *run {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Alloc == nil {
		o.Alloc = memory.DefaultAllocator
	}
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Owner == "" {
		o.Owner = manifest.DefaultOwner()
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	r := &run{Options: o, started: o.Now().UTC()}
	r.id = manifest.NewRun(r.started, o.Random)
	r.worker = newWorker(&o)
	r.runner = r.newRunner()
	r.report = &Report{Run: r.id, Stage: stage, Started: r.started, AsOf: o.AsOf, AsOfEach: o.AsOfEach, Warnings: []string{}, Sources: map[string]SourceReport{}, Phases: map[string]float64{}}
	return r
}

func (r *run) newRunner() engine.Runner {
	if r.Engine != nil {
		return r.Engine(r.worker.do)
	}
	return &engine.Local{Workers: r.Workers, Do: r.worker.do, Observer: func(done, total int) {
		if r.Progress != nil {
			r.Progress(r.phase, done, total)
		}
	}}
}

func (r *run) execute(ctx context.Context, lease *manifest.Lease) error {
	if err := r.readBase(ctx); err != nil {
		return err
	}
	if err := r.plan(ctx); err != nil {
		return err
	}
	if err := r.read(ctx); err != nil {
		return err
	}
	if err := r.compact(ctx); err != nil {
		return err
	}
	if !r.complete() {
		return r.finish(ctx, manifest.Held, r.base.Run)
	}
	if r.unchanged() {
		r.report.Offers = r.previous.Offers
		return r.finish(ctx, manifest.Unchanged, r.base.Run)
	}
	if err := r.write(ctx); err != nil {
		return err
	}
	if err := lease.Check(ctx); err != nil {
		return err
	}
	r.Log("phase publish", "run", r.id)
	if err := r.finish(ctx, manifest.Done, r.id); err != nil {
		return err
	}
	_, err := manifest.Advance(ctx, r.Store, snapshots, r.base, r.id)
	return err
}

// readBase reads what the current snapshot was made from.
func (r *run) readBase(ctx context.Context) (err error) {
	if r.base, err = manifest.Current(ctx, r.Store, snapshots); err != nil || r.base.Run == "" {
		return err
	}
	m, err := manifest.Pointed(ctx, r.Store, snapshots, r.base)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(m.Detail, &r.baseline); err != nil {
		return fmt.Errorf("decode the manifest of snapshot %s: %w", r.base.Run, err)
	}
	r.previous = &Report{}
	if err := json.Unmarshal(m.Report, r.previous); err != nil {
		return fmt.Errorf("decode the report of snapshot %s: %w", r.base.Run, err)
	}
	return nil
}

// complete reports whether every source has a state.
func (r *run) complete() bool {
	for _, s := range r.sources {
		if s.state == nil {
			return false
		}
	}
	return true
}

// unchanged reports whether the snapshot would be the current one again.
func (r *run) unchanged() bool {
	if r.base.Run == "" || r.baseline.Digest != r.Workspace.OfferDigest() || r.baseline.Partitions != r.Workspace.Partitions {
		return false
	}
	for _, s := range r.sources {
		if r.baseline.Sources[s.def.Name] != s.state.Run {
			return false
		}
	}
	return len(r.sources) == len(r.baseline.Sources)
}

// finish commits the run's manifest. snapshot is the run whose snapshot is
// current from now on. A run with a held source is a held one.
func (r *run) finish(ctx context.Context, status, snapshot string) error {
	r.report.Status, r.report.Snapshot = status, snapshot
	for _, s := range r.sources {
		r.report.Sources[s.def.Name] = s.report()
		if s.verdict.Held() {
			r.report.Status = manifest.Held
		}
	}
	if snapshot != r.id && r.previous != nil {
		r.report.Offers = r.previous.Offers
	}
	return r.commit(ctx)
}

func (r *run) commit(ctx context.Context) error {
	finished := r.Now().UTC()
	r.report.Seconds = finished.Sub(r.started).Seconds()
	m := manifest.Manifest{
		Run: r.id, Stage: stage, Status: r.report.Status, Started: r.started, Finished: finished,
		Base: r.base.N, Objects: r.objects,
	}
	var err error
	if m.Report, err = json.Marshal(r.report); err != nil {
		return fmt.Errorf("encode the report of run %s: %w", r.id, err)
	}
	if m.Detail, err = json.Marshal(r.detail()); err != nil {
		return fmt.Errorf("encode the manifest of run %s: %w", r.id, err)
	}
	return manifest.Commit(ctx, r.Store, snapshots, &m)
}

func (r *run) detail() snapshotDetail {
	d := snapshotDetail{Sources: map[string]string{}, Digest: r.Workspace.OfferDigest(), Partitions: r.Workspace.Partitions}
	for _, s := range r.sources {
		if s.state != nil {
			d.Sources[s.def.Name] = s.state.Run
		}
	}
	return d
}

// failed completes the report of a run that ended with an error.
func (r *run) failed(err error) *Report {
	r.report.Status, r.report.Error, r.report.Snapshot = manifest.Failed, err.Error(), r.base.Run
	r.report.Seconds = r.Now().UTC().Sub(r.started).Seconds()
	if r.previous != nil {
		r.report.Offers = r.previous.Offers
	}
	return r.report
}

// keepFailure leaves a manifest without objects behind, so that the run is
// listed. It is best effort: the error that is reported is the run's own. A run
// that was committed before it failed keeps its manifest.
func (r *run) keepFailure(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	r.objects, r.sources = nil, nil
	if err := r.commit(ctx); err != nil && !errors.Is(err, fs.ErrExist) {
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

// stagePhase runs the tasks of a phase.
func (r *run) stagePhase(ctx context.Context, phase string, tasks []engine.Task) error {
	if len(tasks) == 0 {
		return nil
	}
	began := r.Now()
	r.phase = phase
	r.Log("phase "+phase, "run", r.id, "tasks", len(tasks))
	if err := r.runner.Run(ctx, tasks); err != nil {
		return err
	}
	r.report.Phases[phase] = r.Now().Sub(began).Seconds()
	return nil
}

func (r *run) task(phase string, partition int, args any) (engine.Task, error) {
	data, err := json.Marshal(args)
	if err != nil {
		return engine.Task{}, fmt.Errorf("encode the arguments of a %s task: %w", phase, err)
	}
	return engine.Task{Stage: stage, Phase: phase, Run: r.id, Partition: partition, Args: data}, nil
}

var pass = guard.Verdict{Verdict: guard.Pass}
