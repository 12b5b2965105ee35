// Package diff is the stage that tells partners what changed: it compares the
// offers that event feeds take now with what the destinations have, asks the guard,
// sends the events, and moves the state.
//
// Its promise: the state of an event feed is what its destinations were told, no
// more and no less. It moves only after all events were acknowledged; a run that
// dies anywhere is gone on with by the next, which sends what is left first, with
// the same ids; and what a guard holds is neither sent nor lost.
//
// A run goes once through each partition of a snapshot and of the states, both in
// the order of (hash, id), and writes the full join's differences as change sets
// (package event). It commits them and becomes current: from then on they are to
// be sent. Each partition that was acknowledged is noted below
// events/<run>/progress/. Then the state is merged with the change set and
// committed as events/state/<run>/<feed>/manifest.json; that it is there says that
// the run is over for this feed.
//
//	events/<run>/<feed>/00007.jsonl.zst            a change set; 00007.removed.jsonl.zst its removals
//	events/<run>/held/<feed>/...                   the same of what is held
//	events/<run>/manifest.json, current/<n>        which run's change sets are sent
//	events/<run>/progress/<feed>/00007             was sent
//	events/state/<run>/<feed>/00007.parquet        what the destinations have: id, version, sent, fields
//
// A run's manifest lists all its objects, and in its report's change_sets those whose
// events are sent. Without Kafka these are the hand-over, as package event describes;
// the run that carries an approval out names those that were held, which the manifest
// keeps with it.
//
// A hold is kept in the manifest until a run's change set passes or somebody decides.
// Removals that are held alone are a share of the offers that the state had when they
// were held first. What somebody rejected is kept, too, while later runs come to the
// very same by the same limits, and is neither sent nor held.
//
// The version of an event is the number of current that its run moves to, so that
// it grows whatever snapshot was read; where numbers of current were lost, it is more
// than that of any run that is still there. An event feed that is not defined any more
// keeps its state and sends nothing.
//
// A state says whose it is: the destinations and the catalog. While an event feed that
// has offers in its state is defined for others, it is held, and cannot be approved:
// those that have the offers would keep them for ever, and the others would be told of
// changes of what they never got. That ends when the definition is set back, or when
// the offers were taken back first.
package diff

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/stream"
	"github.com/feedmill/feedmill/internal/workspace"
)

const (
	stage     = "diff"
	leaseTime = time.Minute
)

// Options are what a run needs.
type Options struct {
	Workspace *workspace.Workspace
	Store     storage.Store                                                   // the warehouse
	Producer  func(context.Context) (stream.Producer, error)                  // nil: the stored change set is the hand-over
	Workers   int                                                             // tasks at a time, if the workspace's memory is enough for them
	Engine    func(do func(context.Context, engine.Task) error) engine.Runner // nil: the local pool
	Snapshot  string                                                          // a run of aggregate; "": the current one
	NoSend    bool                                                            // leave the sending to the next run
	DryRun    bool                                                            // only count
	At        time.Time                                                       // what `now` is; zero: the start of the run
	Progress  func(phase string, done, total int)                             // may be nil
	Log       func(message string, attributes ...any)                         // may be nil
	Now       func() time.Time                                                // nil: time.Now
	Random    io.Reader                                                       // nil: crypto/rand
	Owner     string                                                          // of the lease; "": this process
	Alloc     memory.Allocator                                                // nil: the Go allocator
}

// A run is one execution of the stage.
type run struct {
	Options
	worker   *worker
	runner   engine.Runner // nil: the local pool, as large as memory allows
	phase    string
	id       string
	started  time.Time
	report   *Report
	base     manifest.Pointer
	baseline detail
	states   map[string]*state // by event feed, of the baseline
	previous *Report           // of the run that the baseline is of; nil: there is none
	plan     *plan
	parts    int                // partitions of the snapshot
	failures [][]choose.Failure // by number of the choice
	detail   detail
	objects  []manifest.Object
	requires []string // runs whose objects are among them
}

// Run executes the stage. Its report is complete also when the run failed; a held
// run is no error.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := newRun(o)
	err := r.leased(ctx, func(ctx context.Context, lease *manifest.Lease) error {
		err := r.execute(ctx, lease)
		if err != nil {
			r.failed(err)
			r.keepFailure(ctx)
		}
		return err
	})
	if err != nil {
		r.failed(err)
	}
	return r.report, err
}

// leased runs the stage while no other process does.
func (r *run) leased(ctx context.Context, do func(context.Context, *manifest.Lease) error) error {
	lease, err := manifest.Acquire(ctx, r.Store, stage, manifest.LeaseOptions{Owner: r.Owner, TTL: leaseTime, Now: r.Now})
	if err != nil {
		return err
	}
	held, stop := lease.Hold(ctx)
	if err := lease.Sweep(held); err != nil {
		r.Log("temporary objects of earlier runs could not be removed", "run", r.id, "error", err)
	}
	err = do(held, lease)
	err = errors.Join(err, stop())
	r.clean(ctx)
	return errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
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
	if o.Owner == "" {
		o.Owner = manifest.DefaultOwner()
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	r := &run{Options: o, started: o.Now().UTC(), detail: newDetail()}
	if r.At.IsZero() {
		r.At = r.started
	}
	r.At = r.At.UTC()
	r.id = manifest.NewRun(r.started, o.Random)
	r.worker = &worker{ws: o.Workspace, store: o.Store, mem: o.Alloc}
	r.report = &Report{
		Run: r.id, Stage: stage, Started: r.started, Warnings: []string{}, DryRun: o.DryRun,
		Events: map[string]FeedReport{}, Holds: map[string]OpenHold{}, Phases: map[string]float64{},
	}
	if r.Engine != nil {
		r.runner = r.Engine(r.worker.do)
	}
	return r
}

// runnerOf returns what runs tasks that need so much memory each.
func (r *run) runnerOf(need int64) engine.Runner {
	if r.runner != nil {
		return r.runner
	}
	return &engine.Local{Workers: engine.TasksAtOnce(r.Workers, r.Workspace.Memory, need), Do: r.worker.do, Observer: func(done, total int) {
		if r.Progress != nil {
			r.Progress(r.phase, done, total)
		}
	}}
}

func (r *run) execute(ctx context.Context, lease *manifest.Lease) error {
	if err := r.readBase(ctx); err != nil {
		return err
	}
	if err := r.finishLast(ctx); err != nil {
		return err
	}
	if err := r.findSnapshot(ctx); err != nil {
		return err
	}
	r.plan = newPlan(r.Workspace)
	r.warnOfOrphans()
	if len(r.plan.feeds) == 0 && r.previous == nil {
		return r.nothing()
	}
	if r.upToDate() {
		return r.repeat(ctx)
	}
	if err := r.compare(ctx); err != nil {
		return err
	}
	if err := r.collect(ctx); err != nil {
		return err
	}
	if r.DryRun {
		return r.foretell()
	}
	if err := lease.Check(ctx); err != nil {
		return err
	}
	if err := r.publish(ctx); err != nil || r.NoSend && r.Producer != nil {
		return err
	}
	err := r.deliver(ctx, r.id, r.detail.Feeds)
	r.finishReport()
	return err
}

// finishLast sends what the last run left, and moves the states.
func (r *run) finishLast(ctx context.Context) error {
	left := int64(0)
	for _, e := range r.baseline.Feeds {
		if e.Pending != nil {
			left += e.Pending.Events
		}
	}
	switch {
	case left == 0:
		return nil
	case r.DryRun:
		r.report.Warnings = append(r.report.Warnings, fmt.Sprintf("run %s is not sent yet: its %d events are counted again", r.base.Run, left))
		return nil
	case r.NoSend && r.Producer != nil:
		return fmt.Errorf("the %d events of run %s are not sent yet: without --no-send they are sent first", left, r.base.Run)
	}
	r.Log("the last run is not sent yet", "run", r.base.Run, "events", left)
	if err := r.deliver(ctx, r.base.Run, r.baseline.Feeds); err != nil {
		return err
	}
	return r.readStates(ctx)
}

// findSnapshot finds the snapshot to read.
func (r *run) findSnapshot(ctx context.Context) error {
	if r.Snapshot == "" {
		current, err := manifest.Current(ctx, r.Store, snapshot.Prefix)
		if err != nil {
			return err
		}
		if current.Run == "" {
			return errors.New("there is no snapshot yet: run aggregate first")
		}
		r.Snapshot = current.Run
	}
	r.report.Snapshot = r.Snapshot
	return nil
}

// warnOfOrphans names event feeds that destinations know and nobody defines.
func (r *run) warnOfOrphans() {
	for _, name := range slices.Sorted(maps.Keys(r.baseline.Feeds)) {
		if !r.plan.has(name) && r.states[name] != nil && r.states[name].Rows > 0 {
			r.report.Warnings = append(r.report.Warnings, fmt.Sprintf(
				"event feed %s is not defined any more: its destinations keep %d offers, of which nothing is sent; to take them back, define it with `where: false` for a run, and approve that",
				name, r.states[name].Rows))
		}
	}
}

// compare runs the tasks that make the change sets.
func (r *run) compare(ctx context.Context) error {
	var err error
	if r.detail.Version, err = r.version(ctx); err != nil {
		return err
	}
	a := assignment{Snapshot: r.Snapshot, At: r.At, Version: r.detail.Version, States: map[string]string{}, Dry: r.DryRun}
	for _, f := range r.plan.feeds {
		a.States[f.Name] = r.baseline.Feeds[f.Name].State
	}
	args, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode the arguments of tasks: %w", err)
	}
	j, err := r.worker.understand(ctx, args)
	if err != nil {
		return err
	}
	r.plan, r.parts = j.plan, j.snapshot.Partitions()
	if !r.plan.choices.Empty() {
		if err := r.choose(ctx, j.choosing(r.id), args); err != nil {
			return err
		}
	}
	return r.runPhase(ctx, changesPhase, r.id, r.parts, r.changesMemory(j), args)
}

// choose carries out the phases before that of the changes, for feeds that choose.
func (r *run) choose(ctx context.Context, j *choose.Job, args json.RawMessage) error {
	if err := r.runPhase(ctx, candidatesPhase, r.id, r.parts, taskMemory, args); err != nil {
		return err
	}
	if err := r.runPhase(ctx, winnersPhase, r.id, j.Slices(), taskMemory, args); err != nil {
		return err
	}
	var err error
	r.failures, err = j.Failures(ctx)
	return err
}

// runPhase carries out n tasks of a run, this one or the one that is finished first,
// which need so much memory each.
func (r *run) runPhase(ctx context.Context, phase, run string, n int, need int64, args json.RawMessage) error {
	began := r.Now()
	r.phase = phase
	r.Log("phase "+phase, "run", run, "tasks", n)
	tasks := make([]engine.Task, n)
	for i := range tasks {
		tasks[i] = engine.Task{Stage: stage, Phase: phase, Run: run, Partition: i, Args: args}
	}
	if err := r.runnerOf(need).Run(ctx, tasks); err != nil {
		return err
	}
	r.report.Phases[phase] += r.Now().Sub(began).Seconds()
	return nil
}

// nothing ends a run of a workspace that has no event feeds and never had.
func (r *run) nothing() error {
	r.report.Status = manifest.Unchanged
	r.finishReport()
	return nil
}

// foretell ends a dry run.
func (r *run) foretell() error {
	r.report.Status = manifest.Done
	switch {
	case len(r.detail.Holds) > 0:
		r.report.Status = manifest.Held
	case r.quiet():
		r.report.Status = manifest.Unchanged
	}
	r.finishReport()
	return nil
}

func (r *run) finishReport() {
	for name, h := range r.detail.Holds {
		r.report.Holds[name] = OpenHold{Run: h.Run, Opened: h.Opened, Only: h.Only}
	}
	r.report.Seconds = r.Now().UTC().Sub(r.started).Seconds()
}

// commit commits the run's manifest. A dry run leaves none.
func (r *run) commit(ctx context.Context, status string) error {
	r.report.Status = status
	r.finishReport()
	if r.DryRun {
		return nil
	}
	m := manifest.Manifest{
		Run: r.id, Stage: stage, Status: status, Started: r.started, Finished: r.Now().UTC(), Base: r.base.N, Requires: r.requires, Objects: r.objects,
	}
	var err error
	if m.Report, err = json.Marshal(r.report); err != nil {
		return fmt.Errorf("encode the report of run %s: %w", r.id, err)
	}
	if m.Detail, err = json.Marshal(r.detail); err != nil {
		return fmt.Errorf("encode the manifest of run %s: %w", r.id, err)
	}
	return manifest.Commit(ctx, r.Store, event.Kind, &m)
}

// failed completes the report of a run that ended with an error.
func (r *run) failed(err error) {
	r.report.Status, r.report.Error = manifest.Failed, err.Error()
	r.report.Seconds = r.Now().UTC().Sub(r.started).Seconds()
}

// keepFailure leaves a manifest without objects behind, so that the run is
// listed. It is best effort: the error that is reported is the run's own. A run
// that was committed before it failed keeps its manifest.
func (r *run) keepFailure(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	r.objects, r.requires, r.report.ChangeSets, r.detail = nil, nil, nil, newDetail()
	if err := r.commit(ctx, manifest.Failed); err != nil && !errors.Is(err, fs.ErrExist) {
		r.Log("the failed run could not be recorded", "run", r.id, "error", err)
	}
}

// clean removes what the tasks left below tmp/<run>/. What it cannot remove now,
// the next run does.
func (r *run) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	for _, id := range []string{r.id, r.base.Run} {
		if id == "" {
			continue
		}
		if err := manifest.Clean(ctx, r.Store, stage, id); err != nil {
			r.Log("temporary objects could not be removed", "run", id, "error", err)
		}
	}
}
