package parquetio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// A Scanner reads the rows of some row groups in order. It is not safe for
// concurrent use.
type Scanner struct {
	reader  *Reader
	ctx     context.Context
	schema  *arrow.Schema
	fields  []int // of the reader's schema that are read, ascending
	places  []int // per column of schema: which of fields it is
	leaves  []int // of fields
	stream  bool  // row groups are too large to be held, and have no digests
	cache   *cache
	file    *file.Reader
	group   int // the next one
	end     int
	batches pqarrow.RecordReader // of the row group before; nil between two
	left    int64                // rows of that row group not read yet
	err     error
}

// Scan begins to read some columns, in the order given; nil means all. A column
// that the object lacks is an error of the first Next. The caller closes the
// Scanner.
func (r *Reader) Scan(ctx context.Context, columns []string) *Scanner {
	return r.ScanGroups(ctx, columns, 0, r.Groups())
}

// ScanGroups is Scan for the row groups from first up to, but not including,
// end.
func (r *Reader) ScanGroups(ctx context.Context, columns []string, first, end int) *Scanner {
	s := &Scanner{reader: r, ctx: ctx, group: first, end: end}
	if s.err = s.project(columns); s.err == nil {
		s.err = s.open()
	}
	return s
}

func (s *Scanner) project(columns []string) error {
	all := s.reader.schema
	if columns == nil {
		for _, f := range all.Fields() {
			columns = append(columns, f.Name)
		}
	}
	fields, wanted := make([]arrow.Field, len(columns)), make([]int, len(columns))
	for i, name := range columns {
		found := all.FieldIndices(name)
		if len(found) == 0 {
			return fmt.Errorf("read %s: no column %s", s.reader.name, name)
		}
		wanted[i], fields[i] = found[0], all.Field(found[0])
	}
	s.schema = arrow.NewSchema(fields, nil)
	s.fields = slices.Compact(slices.Sorted(slices.Values(wanted)))
	for _, f := range wanted {
		s.places = append(s.places, slices.Index(s.fields, f))
	}
	for _, f := range s.fields {
		s.leaves = append(s.leaves, s.reader.leaves[f]...)
	}
	return nil
}

func (s *Scanner) open() (err error) {
	defer recovered(&err, "read", s.reader.name)
	for g := s.group; g < s.end && s.reader.digests == nil; g++ {
		size, err := compressedSize(s.reader.meta.RowGroup(g), s.leaves)
		if err != nil {
			return fmt.Errorf("read %s: %w", s.reader.name, err)
		}
		s.stream = s.stream || size > s.reader.options.Held
	}
	s.cache = &cache{object: s.reader.object}
	s.file, err = s.reader.file(s.cache, s.stream)
	return err
}

// Schema returns the columns of the batches.
func (s *Scanner) Schema() *arrow.Schema { return s.schema }

// Next returns the next batch, which the caller releases, or io.EOF.
func (s *Scanner) Next() (arrow.RecordBatch, error) {
	if s.err != nil {
		return nil, s.err
	}
	batch, err := s.next()
	s.err = err
	return batch, err
}

func (s *Scanner) next() (batch arrow.RecordBatch, err error) {
	defer recovered(&err, "read", s.reader.name)
	for s.left == 0 {
		if err := s.endGroup(); err != nil {
			return nil, err
		}
		if s.group >= s.end {
			return nil, io.EOF
		}
		if err := s.ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.beginGroup(); err != nil {
			return nil, fmt.Errorf("read %s: %w", s.reader.name, err)
		}
	}
	return s.read()
}

func (s *Scanner) beginGroup() (err error) {
	group := s.group
	s.group++
	s.left = s.reader.GroupRows(group)
	if len(s.leaves) == 0 {
		return nil
	}
	if !s.stream {
		if err := s.cache.load(s.reader.meta.RowGroup(group), s.leaves, s.reader.groupDigests(group)); err != nil {
			return err
		}
	}
	properties := pqarrow.ArrowReadProperties{BatchSize: int64(s.reader.options.BatchRows)}
	if s.reader.options.Encoded {
		if err := s.keepDictionaries(&properties, s.reader.meta.RowGroup(group)); err != nil {
			return err
		}
	}
	reader, err := pqarrow.NewFileReader(s.file, properties, s.reader.options.Alloc)
	if err != nil {
		return err
	}
	s.batches, err = reader.GetRecordReader(s.ctx, s.leaves, []int{group})
	return err
}

func (s *Scanner) read() (arrow.RecordBatch, error) {
	if len(s.leaves) == 0 {
		rows := min(s.left, int64(s.reader.options.BatchRows))
		s.left -= rows
		return array.NewRecordBatch(s.schema, nil, rows), nil
	}
	if !s.batches.Next() {
		if err := s.batches.Err(); err != nil {
			return nil, fmt.Errorf("read %s: %w", s.reader.name, err)
		}
		return nil, fmt.Errorf("read %s: row group %d ends %d rows early", s.reader.name, s.group-1, s.left)
	}
	batch := s.batches.RecordBatch()
	if s.left -= batch.NumRows(); s.left < 0 {
		return nil, fmt.Errorf("read %s: row group %d has %d rows too many", s.reader.name, s.group-1, -s.left)
	}
	return s.arrange(batch)
}

// arrange returns the columns of batch in the order of the projection.
func (s *Scanner) arrange(batch arrow.RecordBatch) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, len(s.places))
	for i, place := range s.places {
		columns[i] = batch.Column(place)
		if got := columns[i].DataType(); !arrow.TypeEqual(s.decoded(got), s.schema.Field(i).Type) {
			return nil, fmt.Errorf("read %s: column %s is %s instead of %s", s.reader.name, s.schema.Field(i).Name, got, s.schema.Field(i).Type)
		}
	}
	return array.NewRecordBatch(s.schemaOf(columns), columns, batch.NumRows()), nil
}

// endGroup checks that nothing follows the last row of a row group.
func (s *Scanner) endGroup() error {
	if s.batches == nil {
		return nil
	}
	defer s.release()
	if s.batches.Next() {
		return fmt.Errorf("read %s: row group %d has more rows than the footer says", s.reader.name, s.group-1)
	}
	if err := s.batches.Err(); err != nil {
		return fmt.Errorf("read %s: %w", s.reader.name, err)
	}
	return nil
}

func (s *Scanner) release() {
	if s.batches != nil {
		s.batches.Release()
		s.batches = nil
	}
}

// Close ends the scan; the Reader stays open. It may be called twice.
func (s *Scanner) Close() error {
	s.release()
	s.cache = nil
	s.err = errClosed
	return nil
}

var errClosed = errors.New("scanner is closed")
