package batch

import (
	"container/heap"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// A Stream yields batches until io.EOF. The receiver releases each.
type Stream interface {
	Next() (arrow.RecordBatch, error)
}

// A Merger walks over several streams, each ordered by (hash, key), key by key.
// A stream may repeat a key in neighbouring rows. It is for one goroutine.
type Merger struct {
	cursors cursors
	group   []Row
	spent   []*input // left behind since the last call of Next, released by the next
}

// A Row is a row of one of the merged streams. It is valid until the next call
// of Next; a Collector keeps it for longer.
type Row struct {
	Stream int // which of the merged streams
	Index  int // in Record
	in     *input
}

// Record returns the batch that the row is in.
func (r Row) Record() arrow.RecordBatch { return r.in.record }

// Key returns the row's key.
func (r Row) Key() string { return r.in.keys.Text.Value(r.Index) }

// Hash returns the hash of the row's key.
func (r Row) Hash() uint64 { return r.in.keys.Hashes[r.Index] }

type input struct {
	record arrow.RecordBatch
	keys   Keys
	slot   int32      // in the block of the collector that last took a row of it
	block  *collected // that block
}

type cursor struct {
	stream int
	source Stream
	key    int
	in     *input
	at     int
}

// NewMerger begins to merge streams by the key in column key of each.
func NewMerger(key int, streams ...Stream) (*Merger, error) {
	m := &Merger{}
	for i, s := range streams {
		c := &cursor{stream: i, source: s, key: key}
		more, err := c.load()
		if err != nil {
			m.Release()
			return nil, err
		}
		if more {
			m.cursors = append(m.cursors, c)
		}
	}
	heap.Init(&m.cursors)
	return m, nil
}

// Next returns the rows of the least key not yet returned, those of earlier
// streams first, or io.EOF. The slice is valid until the next call.
func (m *Merger) Next() ([]Row, error) {
	m.release()
	m.group = m.group[:0]
	for len(m.cursors) > 0 {
		c := m.cursors[0]
		if len(m.group) > 0 && !m.sameKey(c) {
			return m.group, nil
		}
		m.group = append(m.group, Row{Stream: c.stream, Index: c.at, in: c.in})
		if err := m.advance(c); err != nil {
			return nil, err
		}
	}
	if len(m.group) == 0 {
		return nil, io.EOF
	}
	return m.group, nil
}

func (m *Merger) sameKey(c *cursor) bool {
	first := m.group[0]
	return first.in.keys.compare(first.Index, c.in.keys, c.at) == 0
}

func (m *Merger) advance(c *cursor) error {
	last := c.in
	before := c.at
	c.at++
	if c.at < len(last.keys.Hashes) {
		if last.keys.compare(before, last.keys, c.at) > 0 {
			return fmt.Errorf("rows are not ordered by key: %q comes after %q", last.keys.Text.Value(c.at), last.keys.Text.Value(before))
		}
		heap.Fix(&m.cursors, 0)
		return nil
	}
	m.spent = append(m.spent, last)
	more, err := c.load()
	switch {
	case err != nil:
		return err
	case !more:
		heap.Pop(&m.cursors)
	case last.keys.compare(before, c.in.keys, 0) > 0:
		return fmt.Errorf("rows are not ordered by key: %q comes after %q", c.in.keys.Text.Value(0), last.keys.Text.Value(before))
	default:
		heap.Fix(&m.cursors, 0)
	}
	return nil
}

func (m *Merger) release() {
	for _, in := range m.spent {
		in.record.Release()
	}
	m.spent = m.spent[:0]
}

// Release gives up what the merger holds; it may be called twice.
func (m *Merger) Release() {
	m.release()
	for _, c := range m.cursors {
		if c.in != nil {
			c.in.record.Release()
		}
	}
	m.cursors = nil
}

// load replaces the cursor's batch by the next one with rows.
func (c *cursor) load() (bool, error) {
	c.in, c.at = nil, 0
	for {
		record, err := c.source.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if record.NumRows() > 0 {
			c.in = &input{record: record, keys: KeysOf(record.Column(c.key))}
			return true, nil
		}
		record.Release()
	}
}

type cursors []*cursor

func (c cursors) Len() int { return len(c) }
func (c cursors) Less(i, j int) bool {
	order := c[i].in.keys.compare(c[i].at, c[j].in.keys, c[j].at)
	return order < 0 || order == 0 && c[i].stream < c[j].stream
}
func (c cursors) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *cursors) Push(x any)   { *c = append(*c, x.(*cursor)) }
func (c *cursors) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// A Collector gathers rows of a Merger into batches of one schema. The columns
// of the schema are looked up by name; one that a row's batch lacks is null.
type Collector struct {
	mem    memory.Allocator
	schema *arrow.Schema
	block  *collected
}

type collected struct {
	records []arrow.RecordBatch
	refs    []Ref
}

// NewCollector returns an empty collector.
func NewCollector(mem memory.Allocator, schema *arrow.Schema) *Collector {
	return &Collector{mem: mem, schema: schema, block: &collected{}}
}

// Add takes a row.
func (c *Collector) Add(r Row) {
	if r.in.block != c.block {
		r.in.block, r.in.slot = c.block, int32(len(c.block.records))
		r.in.record.Retain()
		c.block.records = append(c.block.records, r.in.record)
	}
	c.block.refs = append(c.block.refs, Ref{Batch: r.in.slot, Row: int32(r.Index)})
}

// Len returns the number of rows taken since the last Take.
func (c *Collector) Len() int { return len(c.block.refs) }

// Take returns the taken rows as a batch and begins anew. The caller releases it.
func (c *Collector) Take() arrow.RecordBatch {
	aligned := make([][]arrow.Array, len(c.block.records))
	for b, record := range c.block.records {
		aligned[b] = c.align(record)
	}
	columns := make([]arrow.Array, c.schema.NumFields())
	arrays := make([]arrow.Array, len(aligned))
	for i, f := range c.schema.Fields() {
		for b := range aligned {
			arrays[b] = aligned[b][i]
		}
		columns[i] = Gather(c.mem, f.Type, arrays, c.block.refs)
	}
	out := array.NewRecordBatch(c.schema, columns, int64(len(c.block.refs)))
	for _, owned := range append(aligned, columns) {
		for _, a := range owned {
			a.Release()
		}
	}
	c.Release()
	return out
}

// align returns a record's columns in the order of the collector's schema; the
// caller releases each.
func (c *Collector) align(record arrow.RecordBatch) []arrow.Array {
	columns := make([]arrow.Array, c.schema.NumFields())
	for i, f := range c.schema.Fields() {
		at := record.Schema().FieldIndices(f.Name)
		if len(at) == 0 {
			columns[i] = array.MakeArrayOfNull(c.mem, f.Type, int(record.NumRows()))
			continue
		}
		columns[i] = record.Column(at[0])
		columns[i].Retain()
	}
	return columns
}

// Release drops the rows taken since the last Take.
func (c *Collector) Release() {
	for _, r := range c.block.records {
		r.Release()
	}
	c.block = &collected{}
}
