package predicate

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Vars is the values that an expression's variables have.
type Vars struct {
	Row, Item any // plain values
	Path      map[string]string
	Offer, It Row
	Now       time.Time
}

// A Row is one row of a batch.
type Row struct {
	Batch *Batch
	Index int
}

// A Batch is a record batch whose columns are found by name. It holds no
// reference of its own: it is good as long as its record is.
type Batch struct {
	record arrow.RecordBatch
}

// NewBatch wraps a record.
func NewBatch(record arrow.RecordBatch) *Batch { return &Batch{record: record} }
