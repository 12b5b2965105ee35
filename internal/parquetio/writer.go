package parquetio

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/parquetio/encode"
	"github.com/feedmill/feedmill/internal/storage"
)

// RowGroupRows is the number of rows of a row group unless Options say
// otherwise.
const RowGroupRows = 64 << 10

// Options say how an object is written. The zero Options are good.
type Options struct {
	Alloc        memory.Allocator  // nil: the default allocator
	RowGroupRows int               // zero: RowGroupRows
	NoDictionary []string          // top-level columns whose values hardly ever repeat
	Metadata     map[string]string // kept in the footer, see Reader.Metadata
}

// Info describes a committed object.
type Info struct {
	Rows   int64
	Bytes  int64
	Digest string // 32 hexadecimal digits: XXH3-128 of the object's bytes
}

// A Writer writes record batches of one schema into one object. It is not safe
// for concurrent use. After an error only Abort makes sense.
type Writer struct {
	name     string
	store    storage.Writer
	sink     *sink
	buffer   *bufio.Writer
	file     *encode.File
	schema   *arrow.Schema
	pending  *cutter
	metadata map[string]string
	rows     int64
	err      error
}

// NewWriter begins an object, which nobody sees until Commit returns nil. The
// caller calls Commit or Abort.
func NewWriter(ctx context.Context, store storage.Store, name string, mode storage.Mode, schema *arrow.Schema, options Options) (*Writer, error) {
	if options.Alloc == nil {
		options.Alloc = memory.DefaultAllocator
	}
	if options.RowGroupRows <= 0 {
		options.RowGroupRows = RowGroupRows
	}
	object, err := store.Create(ctx, name, mode)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	w := &Writer{name: name, store: object, sink: newSink(object), metadata: maps.Clone(options.Metadata)}
	w.schema = plainSchema(schema)
	w.pending = newCutter(w.schema, options)
	w.buffer = bufio.NewWriterSize(w.sink, 256<<10)
	w.file, err = encode.NewFile(w.buffer, w.schema, encode.Options{NoDictionary: func(column string) bool {
		return slices.Contains(options.NoDictionary, column)
	}})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create %s: %w", name, err), object.Abort())
	}
	return w, nil
}

// SetMetadata adds an entry to the footer. It may be called until Commit.
func (w *Writer) SetMetadata(key, value string) {
	if w.metadata == nil {
		w.metadata = map[string]string{}
	}
	w.metadata[key] = value
}

// Write appends the rows of a batch, which stays the caller's. The object's
// bytes depend on the rows only, not on how they are cut into batches.
func (w *Writer) Write(batch arrow.RecordBatch) error {
	if w.err == nil {
		w.err = w.write(batch)
	}
	return w.err
}

func (w *Writer) write(batch arrow.RecordBatch) error {
	if err := sameTypes(w.schema, batch.Schema()); err != nil {
		return fmt.Errorf("write %s: %w", w.name, err)
	}
	w.rows += batch.NumRows()
	w.pending.add(batch)
	for w.pending.full() {
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

// flush writes a row group of the pending rows.
func (w *Writer) flush() (err error) {
	defer recovered(&err, "write", w.name)
	group, err := w.pending.take()
	if err != nil {
		return fmt.Errorf("write %s: %w", w.name, err)
	}
	defer group.Release()
	if err := w.file.WriteGroup(group); err != nil {
		return fmt.Errorf("write %s: %w", w.name, err)
	}
	return nil
}

// Commit writes what is pending and makes the object visible. If it fails, it
// has given the object up as Abort does.
func (w *Writer) Commit() (Info, error) {
	if w.err == nil {
		w.err = w.commit()
	}
	if err := w.err; err != nil {
		return Info{}, errors.Join(err, w.Abort())
	}
	w.err = errCommitted
	return Info{Rows: w.rows, Bytes: w.sink.size, Digest: w.sink.digest()}, nil
}

func (w *Writer) commit() error {
	if err := w.finish(); err != nil {
		return err
	}
	if err := w.store.Commit(); err != nil {
		return fmt.Errorf("commit %s: %w", w.name, err)
	}
	return nil
}

var errCommitted = errors.New("write after commit")

func (w *Writer) finish() error {
	if w.pending.rows > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	var entries []encode.Entry
	for _, key := range slices.Sorted(maps.Keys(w.metadata)) {
		entries = append(entries, encode.Entry{Key: key, Value: w.metadata[key]})
	}
	if err := w.file.Close(entries); err != nil {
		return fmt.Errorf("write %s: %w", w.name, err)
	}
	if err := w.buffer.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", w.name, err)
	}
	return nil
}

// Abort gives the object up. After Commit it does nothing.
func (w *Writer) Abort() error {
	w.pending.release()
	if w.err == errCommitted {
		return nil
	}
	w.err = errors.New("write after abort")
	return w.store.Abort()
}
