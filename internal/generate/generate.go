// Package generate is the stage that makes feeds of a snapshot: it decides every
// feed for every offer, renders, and publishes.
//
// Its promise: a run publishes whole feeds or nothing of them. What a feed holds
// depends on the snapshot, the definitions and `now` alone: the same on any
// number of workers, and a run that dies leaves what was published as it was.
//
// A run has up to three phases with a barrier between them. Where feeds choose,
// candidates finds the best of every group within each partition, and winners the
// best over all partitions; render goes once through each partition, decides all
// feeds, renders each offer once for every rendering that a feed takes it in, and
// writes parts and what it counted. A part whose offers and definitions are those
// of an earlier one is not written but taken over from the run that has it, which
// the manifest then requires. Then the run joins the feeds' segments into indexes,
// asks the guard, and commits. Tasks leave what others need below tmp/<run>/, which
// the run removes when it is over.
//
// A feed whose content did not change goes on being served from the run that made
// it, until its `republish` is over. A held feed does, too, while the others are
// published; its index is written all the same, so that it can be approved, and
// the manifest keeps its hold until a run lets the feed pass. While a hold is open
// every run is held. What somebody rejected is kept in the manifest while the feed comes
// to it again by the same limits: it is neither held nor published then. A run that is held as a whole does not become current; a note
// beside current (manifest.Withheld) tells the next run of it.
package generate

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

const (
	stage     = "generate"
	leaseTime = time.Minute
)

// Options are what a run needs.
type Options struct {
	Workspace *workspace.Workspace
	Store     storage.Store                                                   // the warehouse
	Workers   int                                                             // tasks at a time
	Engine    func(do func(context.Context, engine.Task) error) engine.Runner // nil: the local pool
	Snapshot  string                                                          // a run of aggregate; "": the current one
	Full      bool                                                            // render everything, and publish what is not held even if it is the same
	Build     string                                                          // what the program calls itself: another one's parts are not taken over
	Feeds     []string                                                        // nil: all that are enabled; the others stay as they are
	At        time.Time                                                       // what `now` is; zero: the start of the run
	Progress  func(phase string, done, total int)                             // may be nil
	Log       func(message string, attributes ...any)                         // may be nil
	Now       func() time.Time                                                // nil: time.Now
	Random    io.Reader                                                       // nil: crypto/rand
	Owner     string                                                          // of the lease; "": this process
	Alloc     memory.Allocator                                                // nil: the Go allocator
}

// detail is what a manifest says beside its objects.
type detail struct {
	part.Detail
	Made  map[string]made `json:"made"`            // by feed
	Parts map[string]int  `json:"parts,omitempty"` // how many parts are of which run

	Rejected map[string]manifest.Rejection `json:"rejected,omitempty"` // by feed, what it comes to still

	Decision string `json:"decision,omitempty"` // which the run carried out; it made nothing
	Results  string `json:"results,omitempty"`  // the run that has its results, where it is another
}

func newDetail() detail {
	return detail{Detail: part.Detail{Feeds: map[string]part.Entry{}, Holds: map[string]part.Hold{}}, Made: map[string]made{}, Rejected: map[string]manifest.Rejection{}}
}

// made is what a feed was last made of, whether it was published or held.
type made struct {
	Snapshot   string     `json:"snapshot"`
	Definition string     `json:"definition"`
	At         string     `json:"at,omitempty"` // where it depends on `now`
	Guard      string     `json:"guard"`        // digest of the limits that judged it
	Report     FeedReport `json:"report"`
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
	changed  manifest.Changes // that came with it
	baseline detail
	lost     map[string]bool   // objects of published feeds
	mended   map[string]string // of the feeds that are made anew for it: what is lost
	previous *Report           // of the run that the baseline is of; nil: there is none
	plan     *plan
	parts    int                // partitions of the snapshot
	failures [][]choose.Failure // by number of the choice
	detail   detail
	fresh    map[string]part.Entry // what the run made of feeds that change
	objects  []manifest.Object
	requires []string // the runs whose parts it took over
}

// Run executes the stage. Its report is complete also when the run failed; a held
// run is no error.
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
	if o.Owner == "" {
		o.Owner = manifest.DefaultOwner()
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	r := &run{Options: o, started: o.Now().UTC()}
	if r.At.IsZero() {
		r.At = r.started
	}
	r.At = r.At.UTC()
	r.id = manifest.NewRun(r.started, o.Random)
	if r.Workers < 1 {
		r.Workers = runtime.GOMAXPROCS(0)
	}
	r.worker = &worker{ws: o.Workspace, store: o.Store, mem: o.Alloc, workshop: part.NewWorkshop(r.Workers)}
	r.detail, r.fresh = newDetail(), map[string]part.Entry{}
	r.report = &Report{
		Run: r.id, Stage: stage, Started: r.started, Now: r.At, Warnings: []string{},
		Feeds: map[string]FeedReport{}, Holds: map[string]OpenHold{}, Rendered: map[string]RenderingReport{}, Phases: map[string]float64{},
	}
	return r
}

// newRunner returns what runs the tasks, as many at once as memory allows. Workers
// beyond help them to compress.
func (r *run) newRunner() engine.Runner {
	if r.Engine != nil {
		return r.Engine(r.worker.do)
	}
	return &engine.Local{Workers: r.plan.tasksAtOnce(r.Workers, r.Workspace.Memory), Do: r.worker.do, Observer: func(done, total int) {
		if r.Progress != nil {
			r.Progress(r.phase, done, total)
		}
	}}
}

func (r *run) execute(ctx context.Context, lease *manifest.Lease) error {
	if err := r.readBase(ctx); err != nil {
		return err
	}
	if err := errors.Join(r.undefined(), r.findSnapshot(ctx)); err != nil {
		return err
	}
	var err error
	if r.plan, err = newPlan(r.Workspace, r.Feeds); err != nil {
		return err
	}
	r.report.Renderings = len(r.plan.renderings)
	if err := r.findLost(ctx); err != nil {
		return err
	}
	if !r.Full && len(r.lost) == 0 && r.upToDate() {
		return r.repeat(ctx)
	}
	if err := r.phases(ctx); err != nil {
		return err
	}
	r.Log("phase assemble", "run", r.id)
	if err := r.assemble(ctx); err != nil {
		return err
	}
	if err := lease.Check(ctx); err != nil {
		return err
	}
	r.Log("phase publish", "run", r.id)
	return r.publish(ctx)
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

// phases runs the tasks.
func (r *run) phases(ctx context.Context) error {
	args, err := json.Marshal(r.assignment())
	if err != nil {
		return fmt.Errorf("encode the arguments of tasks: %w", err)
	}
	j, err := r.worker.understand(ctx, args)
	if err != nil {
		return err
	}
	r.plan, r.parts = j.plan, j.snapshot.Partitions()
	r.runner = r.newRunner()
	if !r.plan.choices.Empty() {
		if err := r.choose(ctx, j.choosing(r.id), args); err != nil {
			return err
		}
	}
	return r.runPhase(ctx, renderPhase, r.parts, args)
}

// choose carries out the phases before that of the feeds, for those that choose.
func (r *run) choose(ctx context.Context, j *choose.Job, args json.RawMessage) error {
	if err := r.runPhase(ctx, candidatesPhase, r.parts, args); err != nil {
		return err
	}
	if err := r.runPhase(ctx, winnersPhase, j.Slices(), args); err != nil {
		return err
	}
	var err error
	r.failures, err = j.Failures(ctx)
	return err
}

func (r *run) assignment() assignment {
	a := assignment{Snapshot: r.Snapshot, At: r.At, Feeds: []string{}, Build: r.Build, Lenders: r.lenders()}
	if r.previous != nil {
		a.Base = resultsOf(r.previous.Run, &r.baseline)
	}
	for _, f := range r.plan.feeds {
		a.Feeds = append(a.Feeds, f.Name)
	}
	return a
}

func (r *run) runPhase(ctx context.Context, phase string, n int, args json.RawMessage) error {
	began := r.Now()
	r.phase = phase
	r.Log("phase "+phase, "run", r.id, "tasks", n)
	tasks := make([]engine.Task, n)
	for i := range tasks {
		tasks[i] = engine.Task{Stage: stage, Phase: phase, Run: r.id, Partition: i, Args: args}
	}
	if err := r.runner.Run(ctx, tasks); err != nil {
		return err
	}
	r.report.Phases[phase] = r.Now().Sub(began).Seconds()
	return nil
}
