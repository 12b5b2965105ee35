package diff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/snapshot"
)

// applyArgs is what a task of the apply phase is told.
type applyArgs struct {
	Feed    string    `json:"feed"`
	State   string    `json:"state"` // the run whose state the destinations had; "": none
	Pending pending   `json:"pending"`
	At      time.Time `json:"at"` // when the run began that sends it
}

// applied is what a task of the apply phase made.
type applied struct {
	Rows   int64           `json:"rows"`
	Oldest time.Time       `json:"oldest,omitzero"`
	Object manifest.Object `json:"object"`
}

// apply writes a partition of the state that the destinations have once they got
// the events of a change set.
func (w *worker) apply(ctx context.Context, task engine.Task) (err error) {
	var args applyArgs
	if err := json.Unmarshal(task.Args, &args); err != nil {
		return fmt.Errorf("decode the arguments of a task: %w", err)
	}
	var before *snapshot.Snapshot
	if args.State != "" {
		if before, err = snapshot.OpenTable(ctx, w.store, stateKind(args.State), args.Feed, w.mem); err != nil {
			return err
		}
	}
	rows, err := newCursor(ctx, before, task.Partition, args.Pending.Partitions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	events, err := args.Pending.open(ctx, w.store, args.Feed, task.Partition)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, events.close()) }()
	table := snapshot.Table{
		Prefix: stateKind(task.Run), Run: args.Feed, Partitions: args.Pending.Partitions, Key: offer.Key,
		Schema: stateSchema, NoDictionary: []string{"fields"},
	}
	out, err := newStateWriter(ctx, w, table, task.Partition)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	a := &applying{args: args, rows: rows, events: events, out: out}
	if err := a.all(); err != nil {
		return err
	}
	made, err := out.commit()
	if err != nil {
		return err
	}
	return w.save(ctx, tmpName(task.Run, applyPhase+"/"+args.Feed, task.Partition), made)
}

// applying merges a partition of a state with one of a change set.
type applying struct {
	args   applyArgs
	rows   *cursor
	events *meant
	out    *stateWriter
}

func (a *applying) all() error {
	for {
		e, err := a.events.next()
		if errors.Is(err, io.EOF) {
			return a.copy(func() bool { return a.rows.valid() })
		}
		if err != nil {
			return err
		}
		if err := a.event(e); err != nil {
			return err
		}
	}
}

// event copies the rows before an event's offer, and does what the event says to
// its own.
func (a *applying) event(e *event.Event) error {
	hash := offer.Hash(e.Subject)
	if err := a.copy(func() bool { return a.rows.stands(hash, e.Subject) < 0 }); err != nil {
		return err
	}
	if a.rows.stands(hash, e.Subject) == 0 {
		if err := a.rows.next(); err != nil {
			return err
		}
	}
	if e.Kind() == event.Removed {
		return nil
	}
	return a.out.add(e.Subject, e.Data.Version, a.args.At, string(e.Data.Fields))
}

func (a *applying) copy(while func() bool) error {
	for while() {
		if err := a.out.add(a.rows.id(), a.rows.version(), a.rows.sent(), a.rows.fields()); err != nil {
			return err
		}
		if err := a.rows.next(); err != nil {
			return err
		}
	}
	return nil
}

// A stateWriter writes a partition of a state.
type stateWriter struct {
	file   *snapshot.Writer
	rows   *array.RecordBuilder
	n      int
	oldest time.Time
}

// stateRows is how many rows are written at once.
const stateRows = 8192

func newStateWriter(ctx context.Context, w *worker, table snapshot.Table, partition int) (*stateWriter, error) {
	file, err := snapshot.Create(ctx, w.store, table, partition, w.mem)
	if err != nil {
		return nil, err
	}
	return &stateWriter{file: file, rows: array.NewRecordBuilder(w.mem, stateSchema.Arrow())}, nil
}

func (w *stateWriter) add(id string, version int64, sent time.Time, fields string) error {
	if w.oldest.IsZero() || sent.Before(w.oldest) {
		w.oldest = sent
	}
	unit := w.rows.Schema().Field(2).Type.(*arrow.TimestampType).Unit
	at, err := arrow.TimestampFromTime(sent, unit)
	if err != nil {
		return err
	}
	w.rows.Field(0).(*array.StringBuilder).Append(id)
	w.rows.Field(1).(*array.Int64Builder).Append(version)
	w.rows.Field(2).(*array.TimestampBuilder).Append(at)
	w.rows.Field(3).(*array.StringBuilder).Append(fields)
	if w.n++; w.n%stateRows == 0 {
		return w.flush()
	}
	return nil
}

func (w *stateWriter) flush() error {
	batch := w.rows.NewRecordBatch()
	defer batch.Release()
	return w.file.Write(batch)
}

func (w *stateWriter) commit() (*applied, error) {
	if w.n%stateRows != 0 {
		if err := w.flush(); err != nil {
			return nil, err
		}
	}
	object, err := w.file.Commit()
	return &applied{int64(w.n), w.oldest, object}, err
}

func (w *stateWriter) close() error {
	w.rows.Release()
	return w.file.Abort()
}
