package aggregate

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/source"
)

// The state of a log is stored in layers: a base with every key, and above it
// patches with the keys that later runs found changed. A few changes then cost
// a small patch and not the base written anew. Readers merge the layers.
const (
	maxLayers   = 6 // of a state; one more and they become a base
	patchedPart = 3 // patches have less than this part of the state's rows, 1/3
)

// layers returns the runs whose objects make the state, the base first.
func (s *SourceState) layers() []string {
	if len(s.Layers) == 0 {
		return []string{s.Run}
	}
	return s.Layers
}

// stack decides whether the new state is a patch above the last one or a base.
// Patches keep the ranks of the files below them.
func (s *sourceRun) stack(run string) {
	s.patch, s.fresh.Layers, s.fresh.Patched = false, nil, 0
	if s.plan.action != apply || !s.def.IsLog() || remap(s.previous.Deliveries, s.fresh.Deliveries) != nil {
		return
	}
	patched := s.previous.Patched
	for _, read := range s.reads {
		for _, r := range read.Runs {
			patched += r.rows()
		}
	}
	below := s.previous.layers()
	if len(below) == maxLayers || patched*patchedPart > s.previous.Rows {
		return
	}
	s.patch, s.fresh.Patched = true, patched
	s.fresh.Layers = append(below[:len(below):len(below)], run)
}

func (r sortedRun) rows() (n int64) {
	for _, s := range r.Slices {
		n += s.Rows
	}
	return n
}

// openLayer opens a partition of one layer of a source's state.
func (w *worker) openLayer(ctx context.Context, src *source.Source, run string, partition int, columns []string) (*snapshot.Scanner, error) {
	kind := kindOf(src.Def.Name)
	table, err := w.tables.get(manifest.Name(kind, run), func() (*snapshot.Snapshot, error) {
		return snapshot.OpenTable(ctx, w.store, kind, run, w.mem)
	})
	if err != nil {
		return nil, err
	}
	return table.Slice(ctx, partition, w.ws.Partitions, columns)
}

// openState opens a partition of a source's state.
func (w *worker) openState(ctx context.Context, src *source.Source, state stateRef, partition int) (rowStream, error) {
	var open []io.Closer
	var streams []batch.Stream
	for _, run := range state.Layers {
		layer, err := w.openLayer(ctx, src, run, partition, nil)
		if err != nil {
			return nil, errors.Join(err, closeAll(open))
		}
		open, streams = append(open, layer), append(streams, layer)
	}
	if len(streams) == 1 {
		return streams[0].(*snapshot.Scanner), nil
	}
	merger, err := batch.NewMerger(0, streams...)
	if err != nil {
		return nil, errors.Join(err, closeAll(open))
	}
	schema := stateSchema(src)
	return &layered{open: open, merger: merger, contest: newContest(schema), rows: batch.NewCollector(w.mem, schema)}, nil
}

// layered is the rows of a state of several layers.
type layered struct {
	open    []io.Closer
	merger  *batch.Merger
	contest contest
	rows    *batch.Collector
	done    bool
}

func (l *layered) Next() (arrow.RecordBatch, error) {
	for l.rows.Len() < batch.Rows && !l.done {
		group, err := l.merger.Next()
		if errors.Is(err, io.EOF) {
			l.done = true
			break
		}
		if err != nil {
			return nil, err
		}
		l.rows.Add(l.contest.winner(group))
	}
	if l.rows.Len() == 0 {
		return nil, io.EOF
	}
	return l.rows.Take(), nil
}

func (l *layered) Close() error {
	l.merger.Release()
	l.rows.Release()
	return closeAll(l.open)
}

func closeAll(open []io.Closer) (err error) {
	for _, c := range open {
		err = errors.Join(err, c.Close())
	}
	return err
}
