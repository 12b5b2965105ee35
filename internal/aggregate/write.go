package aggregate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A writePlan is what all write tasks share: where the sources' states are.
type writePlan struct {
	States map[string]stateRef `json:"states"`
}

// A stateRef names the runs that hold a source's state, the base first.
type stateRef struct {
	Layers []string `json:"layers"`
}

func writePlanName(run string) string { return manifest.Scratch(stage, run) + "write.json" }

// A writeResult is what a write task made.
type writeResult struct {
	Object  manifest.Object   `json:"object"`
	Rows    int64             `json:"rows"`
	Mishaps map[string]mishap `json:"mishaps,omitempty"` // by column or join
}

// A mishap counts the offers for which an expression failed for another reason
// than null; its value is null there.
type mishap struct {
	Offers int64  `json:"offers"`
	Sample string `json:"sample"` // an offer and its reason
}

// A slicing is a write task at work: one partition of the snapshot.
type slicing struct {
	*worker
	task    engine.Task
	joiners []joiner
	out     *snapshot.Writer
	result  writeResult
	rows    []int // 0, 1, 2, ...
}

// write joins a partition of the sources and writes it as a partition of the
// snapshot.
func (w *worker) write(ctx context.Context, task engine.Task) error {
	var plan writePlan
	if err := w.load(ctx, writePlanName(task.Run), &plan); err != nil {
		return err
	}
	s := &slicing{worker: w, task: task, result: writeResult{Mishaps: map[string]mishap{}}}
	if err := s.run(ctx, plan); err != nil {
		return fmt.Errorf("write partition %d: %w", task.Partition, err)
	}
	return w.record(ctx, task, "snapshot", s.result)
}

func (s *slicing) run(ctx context.Context, plan writePlan) (err error) {
	if s.joiners, err = s.worker.joiners(ctx, plan, s.task.Partition); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeJoiners(s.joiners)) }()
	offers, err := s.offers(ctx, plan, s.task.Partition)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, offers.Close()) }()
	if s.out, err = snapshot.Create(ctx, s.store, snapshot.Offers(s.task.Run, s.ws.Partitions, s.ws.Schema), s.task.Partition, s.mem); err != nil {
		return err
	}
	if err := s.batches(ctx, offers); err != nil {
		return errors.Join(err, s.out.Abort())
	}
	s.result.Object, err = s.out.Commit()
	return err
}

func (s *slicing) batches(ctx context.Context, offers rowStream) error {
	for ctx.Err() == nil {
		record, err := offers.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		full, err := s.complete(record)
		if err != nil {
			return err
		}
		s.result.Rows += full.NumRows()
		err = s.out.Write(full)
		full.Release()
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// complete adds the joined and derived columns to offers, which it releases,
// and leaves the hidden ones out.
func (s *slicing) complete(offers arrow.RecordBatch) (arrow.RecordBatch, error) {
	for i := range s.ws.Offer.Joins {
		join := &s.ws.Offer.Joins[i]
		column, err := s.joined(join, s.joiners[i], offers)
		if err != nil {
			offers.Release()
			return nil, err
		}
		offers = extend(offers, join.Name, column)
	}
	for i := range s.ws.Offer.Columns {
		derived := &s.ws.Offer.Columns[i]
		column, err := s.derive(derived, s.derived[i], offers)
		if err != nil {
			offers.Release()
			return nil, fmt.Errorf("column %s: %w", derived.Name, err)
		}
		offers = extend(offers, derived.Name, column)
	}
	defer offers.Release()
	return project(offers, s.ws.Schema), nil
}

func (s *slicing) joined(join *workspace.Join, j joiner, offers arrow.RecordBatch) (arrow.Array, error) {
	keys, err := s.lookupKeys(join, offers)
	if err != nil {
		return nil, err
	}
	defer keys.release()
	return j.column(keys)
}

// extend appends a column, of which it takes over the caller's reference, as of
// the batch.
func extend(record arrow.RecordBatch, name string, column arrow.Array) arrow.RecordBatch {
	fields := append(record.Schema().Fields(), arrow.Field{Name: name, Type: column.DataType(), Nullable: true})
	columns := append(append([]arrow.Array{}, record.Columns()...), column)
	out := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, record.NumRows())
	record.Release()
	column.Release()
	return out
}

// project returns the columns of schema, in its order. The caller releases it.
func project(record arrow.RecordBatch, schema offer.Schema) arrow.RecordBatch {
	columns := make([]arrow.Array, len(schema))
	for i, f := range schema {
		columns[i] = record.Column(index(record.Schema(), f.Name))
	}
	return array.NewRecordBatch(schema.Arrow(), columns, record.NumRows())
}

// derive computes a column. The caller releases it.
func (s *slicing) derive(d *workspace.Derived, values *eval.Values, offers arrow.RecordBatch) (arrow.Array, error) {
	if path, plain := d.Value.Path(); plain {
		if column := follow(offers, path[1:]); column != nil && arrow.TypeEqual(column.DataType(), d.Type.Arrow()) {
			column.Retain()
			return column, nil
		}
	}
	b := array.NewBuilder(s.mem, d.Type.Arrow())
	defer b.Release()
	b.Reserve(int(offers.NumRows()))
	appender := offer.NewAppender(d.Type, offer.Conversion{})
	values.Each(offers, s.everyRow(int(offers.NumRows())), time.Time{}, func(_, row int, v any, err error) {
		if err == nil {
			err = appender.Append(b, v)
		}
		if err != nil {
			s.note(d.Name, offers, row, err)
			b.AppendNull()
		}
	})
	return b.NewArray(), nil
}

// everyRow lists the rows of a batch.
func (s *slicing) everyRow(n int) []int {
	for len(s.rows) < n {
		s.rows = append(s.rows, len(s.rows))
	}
	return s.rows[:n]
}

// note counts an offer for which an expression failed.
func (s *slicing) note(name string, offers arrow.RecordBatch, row int, err error) {
	f := s.result.Mishaps[name]
	if f.Offers++; f.Sample == "" {
		f.Sample = fmt.Sprintf("offer %s: %v", offers.Column(0).(*array.String).Value(row), err)
	}
	s.result.Mishaps[name] = f
}

// A rowStream is a stream that is closed.
type rowStream interface {
	batch.Stream
	io.Closer
}

// offers opens the rows of the `from` sources in a partition, with their key as
// id, in order.
func (s *slicing) offers(ctx context.Context, plan writePlan, partition int) (rowStream, error) {
	var streams []*stateRows
	for _, name := range s.ws.Offer.From {
		rows, err := s.rowsOf(ctx, s.source(name), plan.States[name], partition, nil)
		if err != nil {
			return nil, errors.Join(err, closeRows(streams))
		}
		streams = append(streams, rows)
	}
	schema := s.baseSchema()
	if len(streams) == 1 {
		return &single{stateRows: streams[0], schema: schema}, nil
	}
	return newUnion(s, streams, schema)
}

// baseSchema is the offer's columns before joins and derived columns.
func (s *slicing) baseSchema() *arrow.Schema {
	n := len(s.ws.Full) - len(s.ws.Offer.Joins) - len(s.ws.Offer.Columns)
	return s.ws.Full[:n].Arrow()
}

func closeRows(streams []*stateRows) (err error) {
	for _, r := range streams {
		err = errors.Join(err, r.Close())
	}
	return err
}

// single is the offers of one source.
type single struct {
	*stateRows
	schema *arrow.Schema
}

func (s *single) Next() (arrow.RecordBatch, error) {
	record, err := s.stateRows.Next()
	if err != nil {
		return nil, err
	}
	defer record.Release()
	columns := make([]arrow.Array, s.schema.NumFields())
	columns[0] = record.Column(0)
	for i, f := range s.schema.Fields()[1:] {
		columns[i+1] = record.Column(index(record.Schema(), f.Name))
	}
	return array.NewRecordBatch(s.schema, columns, record.NumRows()), nil
}

// union is the offers of several sources; a key in two of them is an error.
type union struct {
	from    []string
	streams []*stateRows
	merger  *batch.Merger
	rows    *batch.Collector
	done    bool
}

func newUnion(s *slicing, streams []*stateRows, schema *arrow.Schema) (*union, error) {
	inputs := make([]batch.Stream, len(streams))
	for i, r := range streams {
		inputs[i] = &named{Stream: r}
	}
	merger, err := batch.NewMerger(0, inputs...)
	if err != nil {
		return nil, errors.Join(err, closeRows(streams))
	}
	return &union{from: s.ws.Offer.From, streams: streams, merger: merger, rows: batch.NewCollector(s.mem, schema)}, nil
}

func (u *union) Close() error {
	u.merger.Release()
	u.rows.Release()
	return closeRows(u.streams)
}

func (u *union) Next() (arrow.RecordBatch, error) {
	for u.rows.Len() < batch.Rows && !u.done {
		group, err := u.merger.Next()
		if errors.Is(err, io.EOF) {
			u.done = true
			break
		}
		if err != nil {
			return nil, err
		}
		if len(group) > 1 {
			return nil, fmt.Errorf("offer %q is in source %s and in source %s", group[0].Key(), u.from[group[0].Stream], u.from[group[1].Stream])
		}
		u.rows.Add(group[0])
	}
	if u.rows.Len() == 0 {
		return nil, io.EOF
	}
	return u.rows.Take(), nil
}

// named gives a state's key column the name that offers know it by. A column
// of the source with that name goes.
type named struct{ batch.Stream }

func (n *named) Next() (arrow.RecordBatch, error) {
	record, err := n.Stream.Next()
	if err != nil {
		return nil, err
	}
	defer record.Release()
	fields := []arrow.Field{{Name: offer.Key, Type: arrow.BinaryTypes.String, Nullable: true}}
	columns := []arrow.Array{record.Column(0)}
	for i, f := range record.Schema().Fields() {
		if i > 0 && f.Name != offer.Key {
			fields, columns = append(fields, f), append(columns, record.Column(i))
		}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, record.NumRows()), nil
}
