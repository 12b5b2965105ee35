package aggregate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/storage"
)

// spillBytes is about how large the batches of a sorted run are. They are small
// so that many runs can be merged at once.
const spillBytes = 256 << 10

// A sortedRun is a temporary object of rows sorted by (hash, key): one Arrow
// IPC stream per partition, back to back.
type sortedRun struct {
	Name   string  `json:"name"`
	Slices []slice `json:"slices"` // by partition
}

// A slice is where a partition's stream stands in the object; Rows is 0 where
// there is none.
type slice struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
	Rows   int64 `json:"rows"`
}

// A spiller writes what a Sorter holds as a sorted run.
type spiller struct {
	mem        memory.Allocator
	store      storage.Store
	partitions int
	layout     *layout
}

// spill writes the rows that refs name, which are in order, as one run. What is
// not about a row but of it is taken from the row that values name, or null.
func (s *spiller) spill(ctx context.Context, name string, sorter *batch.Sorter, refs, values []batch.Ref) (sortedRun, error) {
	return writeRun(ctx, s.store, name, s.partitions, func(out *counter, slices []slice) error {
		return s.partitionsOf(out, sorter, refs, values, slices)
	})
}

// writeRun makes a sorted run of what fill writes and says of its slices.
func writeRun(ctx context.Context, store storage.Store, name string, partitions int, fill func(out *counter, slices []slice) error) (sortedRun, error) {
	object, err := store.Create(ctx, name, storage.Replace)
	if err != nil {
		return sortedRun{}, fmt.Errorf("create sorted run %s: %w", name, err)
	}
	out := &counter{w: bufio.NewWriterSize(object, 256<<10)}
	run := sortedRun{Name: name, Slices: make([]slice, partitions)}
	if err := fill(out, run.Slices); err != nil {
		return sortedRun{}, errors.Join(fmt.Errorf("write sorted run %s: %w", name, err), object.Abort())
	}
	if err := out.w.Flush(); err != nil {
		return sortedRun{}, errors.Join(fmt.Errorf("write sorted run %s: %w", name, err), object.Abort())
	}
	if err := object.Commit(); err != nil {
		return sortedRun{}, errors.Join(fmt.Errorf("commit sorted run %s: %w", name, err), object.Abort())
	}
	return run, nil
}

func (s *spiller) partitionsOf(out *counter, sorter *batch.Sorter, refs, values []batch.Ref, slices []slice) error {
	step := stepRows(sorter.Bytes(), int64(sorter.Len()))
	for len(refs) > 0 {
		p := offer.Partition(sorter.Hash(refs[0]), s.partitions)
		n := 1
		for n < len(refs) && offer.Partition(sorter.Hash(refs[n]), s.partitions) == p {
			n++
		}
		start := out.n
		if err := s.stream(out, sorter, refs[:n], values[:n], step); err != nil {
			return err
		}
		slices[p] = slice{Offset: start, Length: out.n - start, Rows: int64(n)}
		refs, values = refs[n:], values[n:]
	}
	return nil
}

// stepRows is how many of some rows, which take so many bytes, make a batch of
// about spillBytes.
func stepRows(bytes, rows int64) int {
	row := bytes/max(rows, 1) + 1
	return int(min(max(spillBytes/row, 64), batch.Rows))
}

func (s *spiller) stream(out io.Writer, sorter *batch.Sorter, refs, values []batch.Ref, step int) error {
	w := ipc.NewWriter(out, ipc.WithSchema(s.layout.schema), ipc.WithAllocator(s.mem))
	for len(refs) > 0 {
		n := min(step, len(refs))
		record := s.layout.gather(s.mem, sorter.Records(), refs[:n], values[:n])
		err := w.Write(record)
		record.Release()
		if err != nil {
			return err
		}
		refs, values = refs[n:], values[n:]
	}
	return w.Close()
}

type counter struct {
	w *bufio.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// A runStream reads a partition's slice of a sorted run.
type runStream struct {
	name   string
	object storage.Object
	reader *ipc.Reader
	left   int64 // rows still to come
}

// openSlice opens a slice with rows. The caller closes the stream.
func openSlice(ctx context.Context, store storage.Store, mem memory.Allocator, run sortedRun, partition int) (*runStream, error) {
	object, err := store.Open(ctx, run.Name)
	if err != nil {
		return nil, fmt.Errorf("open sorted run %s: %w", run.Name, err)
	}
	at := run.Slices[partition]
	section := bufio.NewReaderSize(io.NewSectionReader(object, at.Offset, at.Length), 64<<10)
	reader, err := ipc.NewReader(section, ipc.WithAllocator(mem))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sorted run %s: %w", run.Name, err), object.Close())
	}
	return &runStream{name: run.Name, object: object, reader: reader, left: at.Rows}, nil
}

// Next returns the next batch; fewer rows than were written are an error.
func (s *runStream) Next() (arrow.RecordBatch, error) {
	if !s.reader.Next() {
		if err := s.reader.Err(); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read sorted run %s: %w", s.name, err)
		}
		if s.left != 0 {
			return nil, fmt.Errorf("read sorted run %s: %d rows are missing", s.name, s.left)
		}
		return nil, io.EOF
	}
	record := s.reader.RecordBatch()
	record.Retain()
	s.left -= record.NumRows()
	return record, nil
}

func (s *runStream) Close() error {
	s.reader.Release()
	return s.object.Close()
}

// A layout is the columns of a source's stored state, made from the columns
// that its files are read in.
type layout struct {
	schema *arrow.Schema
	from   []int // per column, its place in the batches read
	hidden int   // how many columns are about the row, not of it
	log    bool
}

// The columns of a state that are about a row: its key, in a log its order and
// whether it is a tombstone, and the file and row that it stood at.
const (
	keyColumn     = "_key"
	orderColumn   = "_order"
	deletedColumn = "_deleted"
	fileColumn    = "_file"
	rowColumn     = "_row"
)

// newLayout lays out a state for batches as a source's files are read in, with
// one column more, _file.
func newLayout(read *arrow.Schema, log bool) *layout {
	hidden, declared := []string{keyColumn, fileColumn, rowColumn}, read.Fields()[2:read.NumFields()-1]
	if log {
		hidden, declared = []string{keyColumn, orderColumn, deletedColumn, fileColumn, rowColumn}, declared[2:]
	}
	l := &layout{hidden: len(hidden), log: log}
	fields := make([]arrow.Field, 0, read.NumFields())
	for _, name := range hidden {
		at := read.FieldIndices(name)[0]
		l.from = append(l.from, at)
		fields = append(fields, read.Field(at))
	}
	for i := range declared {
		l.from = append(l.from, read.NumFields()-1-len(declared)+i)
	}
	l.schema = arrow.NewSchema(append(fields, declared...), nil)
	return l
}

// gather builds a batch of the state's columns; of a tombstone only what is
// about the row stays.
func (l *layout) gather(mem memory.Allocator, records []arrow.RecordBatch, refs, values []batch.Ref) arrow.RecordBatch {
	if l.log {
		values = l.alive(records, values)
	}
	arrays := make([]arrow.Array, len(records))
	columns := make([]arrow.Array, len(l.from))
	for c, from := range l.from {
		for b, record := range records {
			arrays[b] = record.Column(from)
		}
		if c < l.hidden {
			columns[c] = batch.Gather(mem, l.schema.Field(c).Type, arrays, refs)
			continue
		}
		columns[c] = batch.Gather(mem, l.schema.Field(c).Type, arrays, values)
	}
	out := array.NewRecordBatch(l.schema, columns, int64(len(refs)))
	for _, c := range columns {
		c.Release()
	}
	return out
}

func (l *layout) alive(records []arrow.RecordBatch, refs []batch.Ref) []batch.Ref {
	deleted := make([]*array.Boolean, len(records))
	for b, record := range records {
		deleted[b] = record.Column(l.from[2]).(*array.Boolean)
	}
	out := make([]batch.Ref, len(refs))
	for i, r := range refs {
		if r.Row >= 0 && deleted[r.Batch].Value(int(r.Row)) {
			r = batch.Null
		}
		out[i] = r
	}
	return out
}
