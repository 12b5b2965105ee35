package generate

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/section"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// The phases of generate, in order. The first two run only when feeds choose.
const (
	candidatesPhase = "candidates" // a partition of the snapshot -> the best of its groups, by slice of groups
	winnersPhase    = "winners"    // a slice of groups -> the best of them, by partition
	renderPhase     = "render"     // a partition of the snapshot -> parts, and a result
)

// assignment is what all tasks of a run are told.
type assignment struct {
	Snapshot string    `json:"snapshot"`
	At       time.Time `json:"at"`    // what `now` is
	Feeds    []string  `json:"feeds"` // that are made, by name
	Build    string    `json:"build,omitempty"`
	Base     string    `json:"base,omitempty"`    // the run that this one goes on from
	Lenders  []string  `json:"lenders,omitempty"` // the runs whose parts may be taken over
}

// A worker carries out tasks. It is safe for concurrent use.
type worker struct {
	ws       *workspace.Workspace
	store    storage.Store
	mem      memory.Allocator
	workshop *part.Workshop

	mu   sync.Mutex
	last string // the assignment that job is of
	job  *job
}

// A job is an assignment understood: what the tasks of a run share.
type job struct {
	assignment
	*worker
	plan     *plan
	layout   part.Layout
	snapshot *snapshot.Snapshot

	scopes sync.Mutex
	known  map[string]*scope
}

// do carries out a task of any phase.
func (w *worker) do(ctx context.Context, task engine.Task) error {
	j, err := w.understand(ctx, task.Args)
	if err != nil {
		return err
	}
	switch task.Phase {
	case candidatesPhase:
		return j.choosing(task.Run).FindCandidates(ctx, task.Partition)
	case winnersPhase:
		return j.choosing(task.Run).FindWinners(ctx, task.Partition)
	case renderPhase:
		return j.render(ctx, task)
	default:
		return fmt.Errorf("generate has no phase %q", task.Phase)
	}
}

// understand returns the job of an assignment; that of the last one is kept.
func (w *worker) understand(ctx context.Context, args json.RawMessage) (*job, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.job != nil && w.last == string(args) {
		return w.job, nil
	}
	j := &job{worker: w, known: map[string]*scope{}}
	if err := json.Unmarshal(args, &j.assignment); err != nil {
		return nil, fmt.Errorf("decode the arguments of a task: %w", err)
	}
	if err := j.open(ctx); err != nil {
		return nil, err
	}
	w.job, w.last = j, string(args)
	return j, nil
}

func (j *job) open(ctx context.Context) (err error) {
	if j.plan, err = newPlan(j.ws, j.Feeds); err != nil {
		return err
	}
	j.layout = j.plan.layout(j.ws.Memory)
	plain, err := snapshot.OpenTable(ctx, j.store, snapshot.Prefix, j.Snapshot, j.mem)
	if err != nil {
		return err
	}
	j.snapshot = plain.Encoded()
	return j.snapshot.Covers(j.ws.Schema, j.plan.columns)
}

// choosing is how the feeds of a run choose.
func (j *job) choosing(run string) *choose.Job {
	return &choose.Job{
		Plan: &j.plan.choices, Store: j.store, Partitions: j.snapshot.Partitions(), At: j.At,
		Scan: func(ctx context.Context, partition int, read []*predicate.Expr, do func(arrow.RecordBatch, int64) error) error {
			return j.snapshot.Each(ctx, partition, j.plan.columnsOf(read), do)
		},
		Candidates: func(n int) string { return tmpName(run, candidatesPhase, n) },
		Winners:    func(n int) string { return tmpName(run, winnersPhase, n) },
	}
}

// tmpName is where a task leaves what the run or other tasks need of it.
func tmpName(run, phase string, partition int) string {
	return fmt.Sprintf("%s%s/%05d", manifest.Scratch(stage, run), phase, partition)
}

func (w *worker) save(ctx context.Context, name string, r *result) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return section.Write(ctx, w.store, name, [][]byte{data})
}

func (w *worker) load(ctx context.Context, name string, r *result) error {
	sections, err := section.Read(ctx, w.store, name, 1, 0, 1)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(sections[0], r); err != nil {
		return fmt.Errorf("decode %s: %w", name, err)
	}
	r.size = int64(len(sections[0]) + section.Entry)
	return nil
}
