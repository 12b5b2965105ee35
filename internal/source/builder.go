package source

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A builder collects rows to a batch.
type builder struct {
	source     *Source
	alloc      memory.Allocator
	builders   []array.Builder // of all columns
	key        *array.StringBuilder
	ordinal    *array.Int64Builder
	order      *array.BinaryBuilder  // nil but for a log
	deleted    *array.BooleanBuilder // nil but for a log
	columns    []array.Builder       // of the declared columns
	converters []converter
	scratch    []byte
	rows       int   // in the builders, those to drop included
	bytes      int   // of text among them
	drop       []int // rows that were rejected half way, ascending
}

func newBuilder(s *Source, alloc memory.Allocator) *builder {
	b := &builder{source: s, alloc: alloc}
	for _, f := range s.schema.Fields() {
		b.builders = append(b.builders, array.NewBuilder(alloc, f.Type))
	}
	b.key = b.builders[0].(*array.StringBuilder)
	b.ordinal = b.builders[1].(*array.Int64Builder)
	if s.Def.IsLog() {
		b.order = b.builders[2].(*array.BinaryBuilder)
		b.deleted = b.builders[3].(*array.BooleanBuilder)
	}
	b.columns = b.builders[len(b.builders)-len(s.columns):]
	for _, c := range s.columns {
		b.converters = append(b.converters, converter{appender: c.appender})
	}
	return b
}

func (b *builder) release() {
	for _, c := range b.builders {
		c.Release()
	}
}

// A head is the hidden columns of a row.
type head struct {
	key     []byte // empty where the source has none
	order   []byte
	deleted bool
}

// add adds a row, unless `where` leaves it out or something rejects it.
func (b *builder) add(r *row, ordinal int64) *rowError {
	in, err := b.admits(r)
	if err != nil || !in {
		return err
	}
	h, err := b.head(r)
	if err != nil {
		return err
	}
	b.addHead(h, ordinal)
	b.rows++
	if h.deleted {
		b.blank(0)
		return nil
	}
	for i := range b.columns {
		if err := b.addColumn(i, r); err != nil {
			b.blank(i)
			b.drop = append(b.drop, b.rows-1)
			return err
		}
	}
	return nil
}

// blank gives the columns from one on a null.
func (b *builder) blank(from int) {
	for _, c := range b.columns[from:] {
		if c.Len() < b.rows {
			c.AppendNull()
		}
	}
}

func (b *builder) admits(r *row) (bool, *rowError) {
	if b.source.where == nil {
		return true, nil
	}
	outcome, err := r.decide(b.source.where)
	return outcome == predicate.True, err
}

// decide evaluates a predicate. One that fails rejects the row.
func (r *row) decide(v *value) (predicate.Outcome, *rowError) {
	if err := r.make(); err != nil {
		return predicate.Failed, rejectAt(v.place, err)
	}
	outcome, err := v.expr.Decide(&r.vars)
	if outcome == predicate.Failed {
		return outcome, rejectAt(v.place, err)
	}
	return outcome, nil
}

func (b *builder) head(r *row) (head, *rowError) {
	var h head
	b.scratch = b.scratch[:0]
	if v := b.source.key; v != nil {
		if err := b.appendTo(&h.key, r, v, appendKey); err != nil {
			return h, err
		}
	}
	if v := b.source.deleted; v != nil {
		outcome, err := r.decide(v)
		if err != nil {
			return h, err
		}
		h.deleted = outcome == predicate.True
	}
	if v := b.source.order; v != nil {
		if err := b.appendTo(&h.order, r, v, appendOrderCell); err != nil {
			return h, err
		}
	}
	return h, nil
}

func (b *builder) appendTo(out *[]byte, r *row, v *value, encode func([]byte, *cell) ([]byte, error)) *rowError {
	c, err := r.get(v)
	if err != nil {
		return rejectAt(v.place, err)
	}
	start := len(b.scratch)
	if b.scratch, err = encode(b.scratch, c); err != nil {
		return rejectAt(v.place, err)
	}
	*out = b.scratch[start:]
	return nil
}

func (b *builder) addHead(h head, ordinal int64) {
	b.bytes += len(h.key) + len(h.order)
	b.ordinal.Append(ordinal)
	if b.source.key == nil {
		b.key.AppendNull()
	} else {
		b.key.BinaryBuilder.Append(h.key)
	}
	if b.order != nil {
		b.order.Append(h.order)
		b.deleted.Append(h.deleted)
	}
}

func (b *builder) addColumn(i int, r *row) *rowError {
	c := &b.source.columns[i]
	v, err := r.get(c.value)
	if err != nil {
		return rejectAt(c.value.place, err)
	}
	if err := b.converters[i].append(b.columns[i], v); err != nil {
		return rejectAt(c.value.place, err)
	}
	b.bytes += v.size()
	return c.check(b.columns[i], b.rows-1)
}

// A nullable is an array or a builder.
type nullable interface{ IsNull(i int) bool }

// check says why the i-th value of a column rejects its row.
func (c *column) check(values nullable, i int) *rowError {
	switch {
	case !c.required && c.in == nil:
		return nil
	case !values.IsNull(i):
		if c.in != nil && !c.in.has(values, i) {
			return &rowError{place: c.value.place, reason: "the value is not one of those in `in`"}
		}
		return nil
	case c.required:
		return &rowError{place: c.value.place, reason: "the value is null, but required"}
	default:
		return nil
	}
}

// finish returns the batch and begins a new one.
func (b *builder) finish() arrow.RecordBatch {
	arrays := make([]arrow.Array, len(b.builders))
	for i, c := range b.builders {
		arrays[i] = c.NewArray()
	}
	return b.assemble(arrays)
}

// assemble returns the batch of the arrays, which it releases, and begins a new
// one.
func (b *builder) assemble(arrays []arrow.Array) arrow.RecordBatch {
	record := array.NewRecordBatch(b.source.schema, arrays, int64(b.rows))
	for _, a := range arrays {
		a.Release()
	}
	if len(b.drop) > 0 {
		all := record
		defer all.Release()
		record = without(b.alloc, all, b.drop)
	}
	b.rows, b.bytes, b.drop = 0, 0, b.drop[:0]
	return record
}

// without returns the rows of a record but those in drop, which ascends.
func without(alloc memory.Allocator, record arrow.RecordBatch, drop []int) arrow.RecordBatch {
	refs := make([]batch.Ref, 0, int(record.NumRows())-len(drop))
	for i := range int(record.NumRows()) {
		if len(drop) > 0 && drop[0] == i {
			drop = drop[1:]
			continue
		}
		refs = append(refs, batch.Ref{Row: int32(i)})
	}
	return batch.Records(alloc, record.Schema(), []arrow.RecordBatch{record}, refs)
}
