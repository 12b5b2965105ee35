package aggregate

import (
	"bytes"
	"cmp"
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

// A compactPlan is what all compact tasks of a source share. It is stored once.
type compactPlan struct {
	Previous string      `json:"previous,omitempty"` // run of the state that is built upon, "" for none
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
	plan    compactPlan
	merger  *batch.Merger
	out     *snapshot.Writer
	ready   *batch.Collector
	rejects *rejectWriter
	result  compactResult

	order, deleted, file, row int // columns of a state
}

// compact merges a partition's sorted runs with its stored state.
func (w *worker) compact(ctx context.Context, task engine.Task) error {
	var args compactArgs
	if err := json.Unmarshal(task.Args, &args); err != nil {
		return fmt.Errorf("arguments of a compact task: %w", err)
	}
	c := &compaction{worker: w, task: task, source: w.source(args.Source), result: compactResult{Source: args.Source}}
	if err := w.load(ctx, compactPlanName(task.Run, args.Source), &c.plan); err != nil {
		return err
	}
	schema := stateSchema(c.source)
	c.order, c.deleted = index(schema, orderColumn), index(schema, deletedColumn)
	c.file, c.row = index(schema, fileColumn), index(schema, rowColumn)
	c.rejects = newRejectWriter(w.store, task.Run, args.Source+"/late", task.Partition)
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("compact partition %d of source %s: %w", task.Partition, args.Source, err)
	}
	return w.record(ctx, task, args.Source, c.result)
}

func compactPlanName(run, src string) string {
	return fmt.Sprintf("%scompact/%s.json", manifest.Scratch(stage, run), src)
}

func (c *compaction) run(ctx context.Context) (err error) {
	streams, closeAll, err := c.streams(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
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

// streams opens the stored state, if it is built upon, and the runs' slices.
func (c *compaction) streams(ctx context.Context) (streams []batch.Stream, closeAll func() error, err error) {
	var open []io.Closer
	closeAll = func() (err error) {
		for _, s := range open {
			err = errors.Join(err, s.Close())
		}
		return err
	}
	if c.plan.Previous != "" {
		state, err := c.openState(ctx, c.source, c.plan.Previous, c.task.Partition)
		if err != nil {
			return nil, nil, err
		}
		open = append(open, state)
		streams = append(streams, &reranked{Stream: state, mem: c.mem, column: c.file, ranks: c.plan.Remap})
	}
	for _, run := range c.plan.Runs {
		if run.Slices[c.task.Partition].Rows == 0 {
			continue
		}
		s, err := openSlice(ctx, c.store, c.mem, run, c.task.Partition)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		streams, open = append(streams, s), append(open, s)
	}
	return streams, closeAll, nil
}

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

// emit takes the winner of a group, unless it is a tombstone that expired.
func (c *compaction) emit(group []batch.Row) {
	winner := group[0]
	for _, row := range group[1:] {
		if c.compare(row, winner) > 0 {
			winner = row
		}
	}
	if !c.source.Def.IsLog() {
		c.result.Duplicates += int64(len(group) - 1)
		if len(group) > 1 {
			c.result.Duplicate = winner.Key()
		}
	}
	switch {
	case !c.isTombstone(winner):
		c.result.Rows++
	case c.expired(winner):
		return
	}
	c.ready.Add(winner)
}

// compare is positive when row a wins over row b of the same key.
func (c *compaction) compare(a, b batch.Row) int {
	if c.source.Def.IsLog() {
		if order := bytes.Compare(c.orderOf(a), c.orderOf(b)); order != 0 {
			return order
		}
	}
	return cmp.Or(cmp.Compare(c.rankOf(a), c.rankOf(b)), cmp.Compare(c.rowOf(a), c.rowOf(b)))
}

func (c *compaction) orderOf(r batch.Row) []byte {
	return r.Record().Column(c.order).(*array.Binary).Value(r.Index)
}

func (c *compaction) isTombstone(r batch.Row) bool {
	return c.source.Def.IsLog() && r.Record().Column(c.deleted).(*array.Boolean).Value(r.Index)
}

func (c *compaction) rankOf(r batch.Row) int32 {
	return r.Record().Column(c.file).(*array.Int32).Value(r.Index)
}

func (c *compaction) rowOf(r batch.Row) int64 {
	return r.Record().Column(c.row).(*array.Int64).Value(r.Index)
}

// timely leaves out the new rows of a group that came later than `late` allows.
func (c *compaction) timely(ctx context.Context, group []batch.Row) []batch.Row {
	kept := group[:0]
	for _, row := range group {
		if c.plan.Previous != "" && row.Stream == 0 {
			kept = append(kept, row)
			continue
		}
		at, timed := source.OrderTime(c.orderOf(row))
		if limit := c.plan.Late[c.rankOf(row)]; timed && at.Before(limit) {
			c.result.Late++
			c.rejects.write(ctx, source.Reject{File: c.plan.Files[c.rankOf(row)], Row: c.rowOf(row), Place: "order", Reason: fmt.Sprintf(
				"the change of %q at %s came later than `late` allows: it is before %s", row.Key(), at.Format(time.RFC3339), limit.Format(time.RFC3339))})
			continue
		}
		kept = append(kept, row)
	}
	return kept
}

func (c *compaction) expired(tombstone batch.Row) bool {
	at, timed := source.OrderTime(c.orderOf(tombstone))
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
