package aggregate

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// The phases of aggregate, in order.
const (
	readPhase    = "read"    // files -> sorted runs
	compactPhase = "compact" // sorted runs and stored state -> new state, by source and partition
	writePhase   = "write"   // states -> a partition of the snapshot
)

// A worker carries out tasks. It is safe for concurrent use.
type worker struct {
	ws         *workspace.Workspace
	store      storage.Store
	open       source.Opener
	mem        memory.Allocator
	memory     int64 // bytes that one task may use
	dimensions dimensions
	tables     shared[*snapshot.Snapshot] // of the states of sources, which hold no object open
	plans      shared[*compactPlan]
	derived    []*eval.Values // by derived column
}

func newWorker(o *Options) *worker {
	w := &worker{
		ws: o.Workspace, store: o.Store, open: o.Open, mem: o.Alloc,
		memory:     o.Workspace.Memory / int64(o.Workers),
		dimensions: dimensions{budget: o.Workspace.Memory / 2},
	}
	for _, d := range o.Workspace.Offer.Columns {
		w.derived = append(w.derived, eval.CompileValues([]*predicate.Expr{d.Value}))
	}
	return w
}

// do carries out a task of any phase.
func (w *worker) do(ctx context.Context, task engine.Task) error {
	switch task.Phase {
	case readPhase:
		return w.read(ctx, task)
	case compactPhase:
		return w.compact(ctx, task)
	case writePhase:
		return w.write(ctx, task)
	default:
		return fmt.Errorf("aggregate has no phase %q", task.Phase)
	}
}

func (w *worker) source(name string) *source.Source { return w.ws.Source(name) }

// resultName is where a task's result is stored; label tells tasks of one
// partition apart.
func resultName(task engine.Task, label string) string {
	return fmt.Sprintf("%sresults/%s/%s/%05d.json", manifest.Scratch(stage, task.Run), task.Phase, label, task.Partition)
}

// record stores a task's result for the driver of the run.
func (w *worker) record(ctx context.Context, task engine.Task, label string, result any) error {
	return w.save(ctx, resultName(task, label), result)
}

// loadResults returns what tasks recorded, in their order.
func loadResults[R any](ctx context.Context, w *worker, tasks []engine.Task, label string) ([]R, error) {
	out := make([]R, len(tasks))
	err := storage.Each(ctx, len(tasks), func(ctx context.Context, i int) error {
		return w.load(ctx, resultName(tasks[i], label), &out[i])
	})
	return out, err
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

// shared keeps what all tasks of a process read, by name. An error is not kept.
type shared[V any] struct {
	mu    sync.Mutex
	known map[string]V
}

func (s *shared[V]) get(name string, load func() (V, error)) (V, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, known := s.known[name]; known {
		return v, nil
	}
	v, err := load()
	if err != nil {
		return v, err
	}
	if s.known == nil {
		s.known = map[string]V{}
	}
	s.known[name] = v
	return v, nil
}

// dimensions loads each dimension once, for all tasks of a process. They share
// half of its memory.
type dimensions struct {
	mu     sync.Mutex
	loaded map[string]func() (*dimension, error)
	budget int64 // bytes for all of them together
	taken  int64
}

func (d *dimensions) get(name string, load func() (*dimension, error)) (*dimension, error) {
	d.mu.Lock()
	once, known := d.loaded[name]
	if !known {
		if d.loaded == nil {
			d.loaded = map[string]func() (*dimension, error){}
		}
		once = sync.OnceValues(load)
		d.loaded[name] = once
	}
	d.mu.Unlock()
	return once()
}

// take takes bytes from the budget if they are left, and returns how many were
// taken before.
func (d *dimensions) take(bytes int64) (before int64, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before = d.taken
	if before+bytes > d.budget {
		return before, false
	}
	d.taken += bytes
	return before, true
}

// give gives bytes back that were taken.
func (d *dimensions) give(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken -= bytes
}

// release gives up all dimensions, when no task needs them any more.
func (d *dimensions) release() {
	for _, once := range d.loaded {
		if dimension, err := once(); err == nil {
			dimension.release()
		}
	}
	d.loaded = nil
}

// index returns the place of a column that is known to be there, or -1.
func index(schema *arrow.Schema, name string) int {
	if at := schema.FieldIndices(name); len(at) > 0 {
		return at[0]
	}
	return -1
}
