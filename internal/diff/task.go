package diff

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
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// The phases of diff, in order. The first two run only when feeds choose.
const (
	candidatesPhase = "candidates" // see package choose
	winnersPhase    = "winners"
	changesPhase    = "changes" // a partition of the snapshot and of the states -> change sets
	applyPhase      = "apply"   // a partition of a change set and of the state before -> of the state after
)

// assignment is what all tasks of the changes phase are told.
type assignment struct {
	Snapshot string            `json:"snapshot"`
	At       time.Time         `json:"at"`            // what `now` is
	Version  int64             `json:"version"`       // of the events
	States   map[string]string `json:"states"`        // by event feed, the run whose state the destinations have
	Dry      bool              `json:"dry,omitempty"` // nothing is written but counts
}

// A worker carries out tasks. It is safe for concurrent use.
type worker struct {
	ws    *workspace.Workspace
	store storage.Store
	mem   memory.Allocator

	mu   sync.Mutex
	last string // the assignment that job is of
	job  *job
}

// A job is an assignment understood: what the tasks of a phase share.
type job struct {
	assignment
	*worker
	plan     *plan
	snapshot *snapshot.Snapshot
	states   map[string]*snapshot.Snapshot // by event feed; nil: none
}

// do carries out a task of any phase.
func (w *worker) do(ctx context.Context, task engine.Task) error {
	switch task.Phase {
	case applyPhase:
		return w.apply(ctx, task)
	case candidatesPhase, winnersPhase, changesPhase:
	default:
		return fmt.Errorf("diff has no phase %q", task.Phase)
	}
	j, err := w.understand(ctx, task.Args)
	if err != nil {
		return err
	}
	switch task.Phase {
	case candidatesPhase:
		return j.choosing(task.Run).FindCandidates(ctx, task.Partition)
	case winnersPhase:
		return j.choosing(task.Run).FindWinners(ctx, task.Partition)
	default:
		return j.changes(ctx, task)
	}
}

// understand returns the job of an assignment; that of the last one is kept.
func (w *worker) understand(ctx context.Context, args json.RawMessage) (*job, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.job != nil && w.last == string(args) {
		return w.job, nil
	}
	j := &job{worker: w, states: map[string]*snapshot.Snapshot{}}
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
	j.plan = newPlan(j.ws)
	plain, err := snapshot.OpenTable(ctx, j.store, snapshot.Prefix, j.Snapshot, j.mem)
	if err != nil {
		return err
	}
	j.snapshot = plain.Encoded()
	for feed, run := range j.States {
		if run == "" {
			continue
		}
		if j.states[feed], err = snapshot.OpenTable(ctx, j.store, stateKind(run), feed, j.mem); err != nil {
			return err
		}
	}
	return j.snapshot.Covers(j.ws.Schema, j.plan.everything())
}

// choosing is how the event feeds of a run choose.
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

// tmpName is where a task leaves what the run needs of it.
func tmpName(run, phase string, number int) string {
	return fmt.Sprintf("%s%s/%05d", manifest.Scratch(stage, run), phase, number)
}

func (w *worker) save(ctx context.Context, name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return storage.WriteAll(ctx, w.store, name, storage.Replace, data)
}

func (w *worker) load(ctx context.Context, name string, value any) error {
	data, err := storage.ReadAll(ctx, w.store, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("decode %s: %w", name, err)
	}
	return nil
}
