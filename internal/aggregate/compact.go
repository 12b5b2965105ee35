package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/source"
)

// compactArgs name the source whose partition a task of the compact phase
// makes; the rest is in the compactPlan.
type compactArgs struct {
	Source string `json:"source"`
}

// A compactPlan is what all compact tasks of a source share. It is stored once,
// and never changed: of many runs and partitions it is large.
type compactPlan struct {
	Previous []string    `json:"previous,omitempty"` // layers of the state that is built upon
	Patch    bool        `json:"patch,omitempty"`    // the new state is a layer above them
	Remap    []int32     `json:"remap,omitempty"`    // from ranks in that state to ranks in the new one
	Runs     []sortedRun `json:"runs"`
	Files    []string    `json:"files,omitempty"` // by rank, where late needs them
	Late     []time.Time `json:"late,omitempty"`  // by rank: changes before it came too late
	Expire   time.Time   `json:"expire,omitzero"` // tombstones before it are dropped
}

// A compactResult is what a compact task made.
type compactResult struct {
	Source     string          `json:"source"`
	Object     manifest.Object `json:"object"`
	Rows       int64           `json:"rows"` // without tombstones
	Duplicates int64           `json:"duplicates"`
	Duplicate  string          `json:"duplicate,omitempty"`
	Late       int64           `json:"late"`
}

// A compaction is a compact task at work.
type compaction struct {
	*worker
	task    engine.Task
	source  *source.Source
	plan    *compactPlan
	merger  *batch.Merger
	out     *snapshot.Writer
	ready   *batch.Collector
	rejects *rejectWriter
	contest contest
	result  compactResult
}

// compact merges a partition's sorted runs with its stored state.
func (w *worker) compact(ctx context.Context, task engine.Task) error {
	var args compactArgs
	if err := json.Unmarshal(task.Args, &args); err != nil {
		return fmt.Errorf("arguments of a compact task: %w", err)
	}
	c := &compaction{worker: w, task: task, source: w.source(args.Source), result: compactResult{Source: args.Source}}
	if err := c.loadPlan(ctx); err != nil {
		return err
	}
	c.contest = newContest(stateSchema(c.source))
	c.rejects = newRejectWriter(w.store, task.Run, args.Source+"/late", task.Partition)
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("compact partition %d of source %s: %w", task.Partition, args.Source, err)
	}
	return w.record(ctx, task, args.Source, c.result)
}

func (c *compaction) loadPlan(ctx context.Context) (err error) {
	name := compactPlanName(c.task.Run, c.source.Def.Name)
	c.plan, err = c.plans.get(name, func() (*compactPlan, error) {
		plan := &compactPlan{}
		return plan, c.load(ctx, name, plan)
	})
	return err
}

func compactPlanName(run, src string) string {
	return fmt.Sprintf("%scompact/%s.json", manifest.Scratch(stage, run), src)
}

func (c *compaction) run(ctx context.Context) (err error) {
	streams, open, err := c.streams(ctx)
	defer func() { err = errors.Join(err, closeAll(open)) }()
	if err != nil {
		return err
	}
	if c.merger, err = batch.NewMerger(0, streams...); err != nil {
		return err
	}
	defer c.merger.Release()
	if c.out, err = snapshot.Create(ctx, c.store, c.stateTable(c.source, c.task.Run), c.task.Partition, c.mem); err != nil {
		return err
	}
	c.ready = batch.NewCollector(c.mem, stateSchema(c.source))
	defer c.ready.Release()
	if err := c.merge(ctx); err != nil {
		return errors.Join(err, c.out.Abort(), c.rejects.abort())
	}
	if err := c.rejects.commit(); err != nil {
		return errors.Join(err, c.out.Abort())
	}
	c.result.Object, err = c.out.Commit()
	return err
}

// streams opens the layers of the stored state, if it is built upon, and the
// runs' slices. For a patch it is enough to know of the layers who wins.
func (c *compaction) streams(ctx context.Context) (streams []batch.Stream, open []io.Closer, err error) {
	runs, err := c.fewRuns(ctx)
	if err != nil {
		return nil, nil, err
	}
	var columns []string
	if c.plan.Patch {
		columns = hiddenNames(c.source.Def.IsLog())
	}
	for _, run := range c.plan.Previous {
		layer, err := c.openLayer(ctx, c.source, run, c.task.Partition, columns)
		if err != nil {
			return nil, open, err
		}
		open = append(open, layer)
		streams = append(streams, &reranked{Stream: layer, mem: c.mem, column: c.contest.file, ranks: c.plan.Remap})
	}
	slices, opened, err := c.slices(ctx, runs)
	return append(streams, slices...), append(open, opened...), err
}

// stored reports whether a row is of the state that is built upon.
func (c *compaction) stored(r batch.Row) bool { return r.Stream < len(c.plan.Previous) }

func (c *compaction) merge(ctx context.Context) error {
	for {
		group, err := c.merger.Next()
		if errors.Is(err, io.EOF) {
			return c.flush()
		}
		if err != nil {
			return err
		}
		if len(c.plan.Late) > 0 {
			group = c.timely(ctx, group)
		}
		if len(group) == 0 {
			continue
		}
		c.emit(group)
		if c.ready.Len() < batch.Rows {
			continue
		}
		if err := errors.Join(c.flush(), ctx.Err()); err != nil {
			return err
		}
	}
}

// emit takes the winner of a group, unless it is a tombstone that expired. A
// patch has the new ones alone; its tombstones hide what is below it.
func (c *compaction) emit(group []batch.Row) {
	winner := c.contest.winner(group)
	if !c.source.Def.IsLog() {
		c.result.Duplicates += int64(len(group) - 1)
		if len(group) > 1 {
			c.result.Duplicate = winner.Key()
		}
	}
	tombstone := c.contest.isTombstone(winner)
	if !tombstone {
		c.result.Rows++
	}
	if c.plan.Patch && c.stored(winner) || !c.plan.Patch && tombstone && c.expired(winner) {
		return
	}
	c.ready.Add(winner)
}

// timely leaves out the new rows of a group that came later than `late` allows.
func (c *compaction) timely(ctx context.Context, group []batch.Row) []batch.Row {
	kept := group[:0]
	for _, row := range group {
		if c.stored(row) {
			kept = append(kept, row)
			continue
		}
		at, timed := source.OrderTime(c.contest.orderOf(row))
		if limit := c.plan.Late[c.contest.rankOf(row)]; timed && at.Before(limit) {
			c.result.Late++
			c.rejects.write(ctx, source.Reject{File: c.plan.Files[c.contest.rankOf(row)], Row: c.contest.rowOf(row), Place: "order", Reason: fmt.Sprintf(
				"the change of %q at %s came later than `late` allows: it is before %s", row.Key(), at.Format(time.RFC3339), limit.Format(time.RFC3339))})
			continue
		}
		kept = append(kept, row)
	}
	return kept
}

func (c *compaction) expired(tombstone batch.Row) bool {
	at, timed := source.OrderTime(c.contest.orderOf(tombstone))
	return timed && at.Before(c.plan.Expire)
}

// flush writes the collected rows.
func (c *compaction) flush() error {
	if c.ready.Len() == 0 {
		return nil
	}
	record := c.ready.Take()
	defer record.Release()
	return c.out.Write(record)
}

// reranked is a stored state's stream with the ranks of the state to be.
type reranked struct {
	batch.Stream
	mem    memory.Allocator
	column int
	ranks  []int32 // by old rank; nil: the ranks stay
}

func (r *reranked) Next() (arrow.RecordBatch, error) {
	record, err := r.Stream.Next()
	if err != nil || r.ranks == nil {
		return record, err
	}
	defer record.Release()
	old := record.Column(r.column).(*array.Int32)
	b := array.NewInt32Builder(r.mem)
	defer b.Release()
	b.Reserve(old.Len())
	for i := range old.Len() {
		b.UnsafeAppend(r.ranks[old.Value(i)])
	}
	ranks := b.NewArray()
	defer ranks.Release()
	return record.SetColumn(r.column, ranks)
}
