package parquetio

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// A cutter collects batches of any size and gives row groups of a fixed one.
type cutter struct {
	schema *arrow.Schema
	alloc  memory.Allocator
	limit  int64
	rows   int64
	parts  []arrow.RecordBatch
}

func newCutter(schema *arrow.Schema, options Options) *cutter {
	return &cutter{schema: schema, alloc: options.Alloc, limit: int64(options.RowGroupRows)}
}

// add keeps a batch; empty ones are left out.
func (c *cutter) add(batch arrow.RecordBatch) {
	if batch.NumRows() == 0 {
		return
	}
	batch.Retain()
	c.parts = append(c.parts, batch)
	c.rows += batch.NumRows()
}

func (c *cutter) full() bool { return c.rows >= c.limit }

// take returns the first limit rows, or all when there are fewer, as one batch.
func (c *cutter) take() (arrow.RecordBatch, error) {
	rows := min(c.rows, c.limit)
	parts := c.split(rows)
	defer releaseAll(parts)
	columns := make([]arrow.Array, c.schema.NumFields())
	defer func() { releaseArrays(columns) }()
	for i := range columns {
		column, err := c.column(parts, i)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.schema.Field(i).Name, err)
		}
		columns[i] = column
	}
	return array.NewRecordBatch(c.schema, columns, rows), nil
}

// split removes the first rows from c; the parts are the caller's.
func (c *cutter) split(rows int64) []arrow.RecordBatch {
	c.rows -= rows
	var taken []arrow.RecordBatch
	for rows > 0 {
		first := c.parts[0]
		if first.NumRows() <= rows {
			taken, c.parts = append(taken, first), c.parts[1:]
			rows -= first.NumRows()
			continue
		}
		taken = append(taken, first.NewSlice(0, rows))
		c.parts[0] = first.NewSlice(rows, first.NumRows())
		first.Release()
		rows = 0
	}
	return taken
}

func (c *cutter) column(parts []arrow.RecordBatch, i int) (arrow.Array, error) {
	if len(parts) == 1 {
		parts[0].Column(i).Retain()
		return parts[0].Column(i), nil
	}
	pieces := make([]arrow.Array, len(parts))
	for k, p := range parts {
		pieces[k] = p.Column(i)
	}
	return array.Concatenate(pieces, c.alloc)
}

func (c *cutter) release() {
	releaseAll(c.parts)
	c.parts, c.rows = nil, 0
}

func releaseAll(batches []arrow.RecordBatch) {
	for _, b := range batches {
		b.Release()
	}
}

func releaseArrays(arrays []arrow.Array) {
	for _, a := range arrays {
		if a != nil {
			a.Release()
		}
	}
}
