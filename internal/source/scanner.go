package source

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// ScanOptions say how a file is read.
type ScanOptions struct {
	Alloc     memory.Allocator // nil: the default allocator
	BatchRows int              // the most rows of a batch; zero: 16384
	Reject    func(Reject)     // takes the rejected rows of a batch before Next returns it, by row; may be nil
}

const (
	batchRows  = 16 << 10
	batchBytes = 8 << 20 // of text, after which a batch ends early
)

func (o ScanOptions) withDefaults() ScanOptions {
	if o.Alloc == nil {
		o.Alloc = memory.DefaultAllocator
	}
	if o.BatchRows <= 0 {
		o.BatchRows = batchRows
	}
	if o.Reject == nil {
		o.Reject = func(Reject) {}
	}
	return o
}

// A Reject is a row that could not be read or converted.
type Reject struct {
	File   string // as a path or URL
	Row    int64  // 0-based ordinal in the file, counted before `where`
	Line   int64  // 1-based; zero where the format has no lines
	Place  string // the column, or key, order, where, deleted, explode; empty: the whole row
	Reason string
	Raw    string // the text of the row, cut to a kilobyte
}

// Stats counts what became of a file's rows. Read is Emitted, Rejected and the
// rows that `where` left out.
type Stats struct {
	Read     int64
	Emitted  int64
	Rejected int64
	Seen     Fields // complete once Next has returned io.EOF
}

// batches is a file that is read as batches of rows, the way of its format.
type batches interface {
	next() (arrow.RecordBatch, error) // io.EOF at the end
	stats() Stats
	close() error
}

// A Scanner reads one file. It is not safe for concurrent use.
type Scanner struct {
	ctx     context.Context
	file    File
	batches batches
	err     error
	closed  bool
}

// Next returns the next batch, which is not empty and which the caller must
// release, or io.EOF. An error names the file; after one there are no more
// batches.
func (s *Scanner) Next() (arrow.RecordBatch, error) {
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return nil, s.err
	}
	record, err := s.batches.next()
	if err != nil && err != io.EOF {
		err = fmt.Errorf("read %s: %w", s.file.Place(), err)
	}
	s.err = err
	return record, err
}

// Stats returns the counts so far.
func (s *Scanner) Stats() Stats { return s.batches.stats() }

// Close releases what the scanner holds. It may be called twice.
func (s *Scanner) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return s.batches.close()
}
