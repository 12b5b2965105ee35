package source

import (
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// ScanOptions say how a file is read.
type ScanOptions struct {
	Alloc     memory.Allocator // nil: the default allocator
	BatchRows int              // the most rows of a batch; zero: 16384
	Reject    func(Reject)     // takes the rejected rows, in order; may be nil
}

// A Reject is a row that could not be read or converted.
type Reject struct {
	File   string
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

// Fields says which of the fields that a source reads occurred in a file. It is
// plain data.
type Fields struct {
	Present []string `json:"present,omitempty"` // occurred in a row, even as null
	Objects []string `json:"objects,omitempty"` // had fields below them in a row
}

// A Scanner reads one file. It is not safe for concurrent use.
type Scanner struct{}

// Next returns the next batch, which the caller must release, or io.EOF.
func (s *Scanner) Next() (arrow.RecordBatch, error) { return nil, errors.ErrUnsupported }

// Stats returns the counts so far.
func (s *Scanner) Stats() Stats { return Stats{} }

// Close releases what the scanner holds. It may be called twice.
func (s *Scanner) Close() error { return nil }
