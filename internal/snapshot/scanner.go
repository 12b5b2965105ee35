package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/parquetio"
)

// A Scanner reads rows of a table in order. It is not safe for concurrent use.
type Scanner struct {
	ctx     context.Context
	from    *Snapshot
	columns []string
	slices  []slice
	file    *file // nil between two
	scan    *parquetio.Scanner
	skip    int64 // rows of scan that are not wanted
	left    int64 // rows of scan that are wanted
	err     error
}

// A slice is the rows of a partition whose hash is in [low, high].
type slice struct {
	partition int
	low, high uint64
}

// Partition begins to read a partition: some columns in the order given, nil
// means all. The caller closes the Scanner.
func (s *Snapshot) Partition(ctx context.Context, partition int, columns []string) (*Scanner, error) {
	return s.Slice(ctx, partition, s.table.Partitions, columns)
}

// Each calls do with the batches of a partition, of some columns in the order given,
// and the number of rows before each. It releases them.
func (s *Snapshot) Each(ctx context.Context, partition int, columns []string, do func(batch arrow.RecordBatch, first int64) error) (err error) {
	rows, err := s.Partition(ctx, partition, columns)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for first := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = do(batch, first)
		first += batch.NumRows()
		batch.Release()
		if err != nil {
			return err
		}
	}
}

// Slice begins to read the i-th of a number of partitions, a power of two, that
// may be another one than the table was written in.
func (s *Snapshot) Slice(ctx context.Context, i, partitions int, columns []string) (*Scanner, error) {
	if bits.OnesCount(uint(partitions)) != 1 || i < 0 || i >= partitions {
		return nil, fmt.Errorf("read %s/%s: no partition %d of %d", s.table.Prefix, s.table.Run, i, partitions)
	}
	if partitions > s.table.Partitions && s.table.Key == "" {
		return nil, fmt.Errorf("read %s/%s: a table without a key has %d partitions, not %d", s.table.Prefix, s.table.Run, s.table.Partitions, partitions)
	}
	return &Scanner{ctx: ctx, from: s, columns: columns, slices: slicesOf(s.table.Partitions, i, partitions)}, nil
}

// slicesOf returns which rows of n partitions make the i-th of m.
func slicesOf(n, i, m int) []slice {
	const all = ^uint64(0)
	if m > n {
		width := 64 - bits.TrailingZeros(uint(m))
		low := uint64(i) << width
		return []slice{{partition: i / (m / n), low: low, high: low + (1<<width - 1)}}
	}
	slices := make([]slice, n/m)
	for k := range slices {
		slices[k] = slice{partition: i*(n/m) + k, high: all}
	}
	return slices
}

// Next returns the next batch, which the caller releases, or io.EOF.
func (s *Scanner) Next() (arrow.RecordBatch, error) {
	if s.err != nil {
		return nil, s.err
	}
	batch, err := s.next()
	s.err = err
	return batch, err
}

func (s *Scanner) next() (arrow.RecordBatch, error) {
	for {
		for s.left == 0 {
			if err := s.nextSlice(); err != nil {
				return nil, err
			}
		}
		batch, err := s.scan.Next()
		if err == io.EOF {
			return nil, fmt.Errorf("read %s: it ends %d rows early", s.file.name, s.left)
		}
		if err != nil {
			return nil, err
		}
		if batch = s.cut(batch); batch != nil {
			return batch, nil
		}
	}
}

// cut returns the wanted rows of a batch, or nil.
func (s *Scanner) cut(batch arrow.RecordBatch) arrow.RecordBatch {
	rows := batch.NumRows()
	first, end := min(s.skip, rows), min(s.skip+s.left, rows)
	s.skip -= first
	s.left -= end - first
	switch {
	case end-first == rows:
		return batch
	case first == end:
		batch.Release()
		return nil
	default:
		defer batch.Release()
		return batch.NewSlice(first, end)
	}
}

// nextSlice goes on to the next slice, or returns io.EOF.
func (s *Scanner) nextSlice() error {
	if err := s.closeFile(); err != nil {
		return err
	}
	if len(s.slices) == 0 {
		return io.EOF
	}
	next := s.slices[0]
	s.slices = s.slices[1:]
	f, err := s.from.open(s.ctx, next.partition)
	if err != nil {
		return err
	}
	s.file = f
	first, end, err := f.rows(s.ctx, next)
	if err != nil {
		return err
	}
	s.left = end - first
	if s.left > 0 {
		s.scanRows(first, end)
	}
	return nil
}

// rows returns which rows of a file a slice wants.
func (f *file) rows(ctx context.Context, s slice) (first, end int64, err error) {
	end = f.reader.Rows()
	if s.low > 0 {
		if first, err = f.seek(ctx, s.low); err != nil {
			return 0, 0, err
		}
	}
	if s.high < ^uint64(0) {
		end, err = f.seek(ctx, s.high+1)
	}
	return first, end, err
}

// scanRows begins to read the row groups that have rows of [first, end).
func (s *Scanner) scanRows(first, end int64) {
	r := s.file.reader
	group, at := 0, int64(0)
	for at+r.GroupRows(group) <= first {
		at += r.GroupRows(group)
		group++
	}
	s.skip = first - at
	last := group
	for ; at < end; last++ {
		at += r.GroupRows(last)
	}
	s.scan = r.ScanGroups(s.ctx, s.columns, group, last)
}

func (s *Scanner) closeFile() error {
	if s.file == nil {
		return nil
	}
	var err error
	if s.scan != nil {
		err = s.scan.Close()
	}
	err = errors.Join(err, s.file.reader.Close())
	s.file, s.scan = nil, nil
	return err
}

// Close ends the scan. It may be called twice.
func (s *Scanner) Close() error {
	s.err, s.left = errClosed, 0
	return s.closeFile()
}

var errClosed = errors.New("scanner is closed")
