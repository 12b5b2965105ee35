package source

import (
	"cmp"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/predicate"
)

// blocks reads a Parquet file by blocks of rows: heads and computed columns row
// by row, columns that are only selected as whole arrays.
type blocks struct {
	source  *Source
	file    File
	options ScanOptions
	in      *parquetFile
	found   [2]*sighting // of row and item
	row     row
	builder *builder
	count   Stats
	lists

	picked  []pick
	failed  map[int]failure // by index in picked
	rejects []Reject        // of the block
}

// A pick is a row of the block: a row of the record and an element of its list.
type pick struct {
	row, item int
	ordinal   int64
	deleted   bool
}

// A failure is why a picked row is rejected after all, at which column.
type failure struct {
	column int
	err    *rowError
}

func newBlocks(s *Source, f File, options ScanOptions, in *parquetFile) *blocks {
	b := &blocks{source: s, file: f, options: options, in: in, builder: newBuilder(s, options.Alloc), failed: map[int]failure{}}
	b.found = [2]*sighting{newSighting(s.row), newSighting(s.item)}
	b.row = row{source: s, fields: make([]cell, len(s.row.nodes)), item: make([]cell, len(s.item.nodes))}
	b.row.vars = predicate.Vars{Path: f.path()}
	b.vectors = make([]vector, len(s.item.nodes))
	return b
}

func (b *blocks) next() (arrow.RecordBatch, error) {
	for {
		if b.in.rows == nil || b.at == b.in.rows.Len() {
			if err := b.load(); err != nil {
				return nil, err
			}
		}
		b.pick()
		record := b.finish()
		if record.NumRows() > 0 {
			b.count.Emitted += record.NumRows()
			return record, nil
		}
		record.Release()
	}
}

func (b *blocks) load() error {
	if err := b.in.next(b.found[0]); err != nil {
		return err
	}
	b.at = 0
	if v := b.source.explode; v != nil {
		b.begin(b.in.vectors[v.field.id], b.source.item, b.found[1])
	}
	return nil
}

// pick decides on rows until the block is full or the record ends.
func (b *blocks) pick() {
	rows := b.in.rows.Len()
	for ; b.at < rows && len(b.picked) < b.options.BatchRows; b.at++ {
		switch {
		case b.source.explode == nil:
			b.take(pick{row: b.at})
		case b.list.null(b.at):
		case b.array == nil: // the list is none
			b.reject(b.ordinal(), b.at, rejectAt(b.source.explode.place, errNoList))
		default:
			b.explode()
		}
		if b.within {
			return
		}
	}
}

// explode takes the elements of a row's list. It stops within the list when the
// block is full.
func (b *blocks) explode() {
	from, to := b.array.ValueOffsets(b.at)
	if !b.within {
		b.element = int(from)
	}
	for ; b.element < int(to); b.element++ {
		if b.within = len(b.picked) == b.options.BatchRows; b.within {
			return
		}
		b.take(pick{row: b.at, item: b.element})
	}
	b.within = false
}

func (b *blocks) ordinal() int64 {
	b.count.Read++
	return b.count.Read - 1
}

// take adds the head and the computed columns of a row, unless `where` leaves it
// out or something rejects it.
func (b *blocks) take(p pick) {
	p.ordinal = b.ordinal()
	b.fill(p)
	in, err := b.builder.admits(&b.row)
	if err == nil && !in {
		return
	}
	var h head
	if err == nil {
		h, err = b.builder.head(&b.row)
	}
	if err != nil {
		b.reject(p.ordinal, p.row, err)
		return
	}
	p.deleted = h.deleted
	b.picked = append(b.picked, p)
	b.builder.addHead(h, p.ordinal)
	b.builder.rows++
	b.compute(h.deleted)
}

// fill fills the cells that are read row by row.
func (b *blocks) fill(p pick) {
	b.row.made.row, b.row.made.item = false, false
	if root := b.source.row.root; root.byRow {
		fillCells(root, b.in.vectors, p.row, b.row.fields)
	}
	if root := b.source.item.root; root.byRow {
		fillCells(root, b.vectors, p.item, b.row.item)
	}
}

// compute adds the values of the computed columns to the last picked row.
func (b *blocks) compute(deleted bool) {
	failed := deleted
	for i := range b.source.columns {
		switch {
		case b.source.columns[i].value.expr == nil:
			continue
		case !failed:
			if err := b.builder.addColumn(i, &b.row); err != nil {
				b.fail(len(b.picked)-1, i, err)
				failed = true
			}
		}
		if c := b.builder.columns[i]; c.Len() < b.builder.rows {
			c.AppendNull()
		}
	}
}

// fail keeps the failure at a row's first column.
func (b *blocks) fail(k, column int, err *rowError) {
	if f, ok := b.failed[k]; !ok || column < f.column {
		b.failed[k] = failure{column: column, err: err}
	}
}

func (b *blocks) reject(ordinal int64, row int, err *rowError) {
	b.rejects = append(b.rejects, Reject{
		File: b.file.Place(), Row: ordinal, Place: err.place, Reason: err.reason, Raw: excerpt(b.in.text(row)),
	})
}

// finish returns the batch of the block.
func (b *blocks) finish() arrow.RecordBatch {
	arrays := make([]arrow.Array, len(b.builder.builders))
	first := len(arrays) - len(b.source.columns)
	for i := range arrays {
		if c := i - first; c >= 0 && b.source.columns[c].value.expr == nil {
			arrays[i] = b.column(c)
			continue
		}
		arrays[i] = b.builder.builders[i].NewArray()
	}
	for _, k := range slices.Sorted(maps.Keys(b.failed)) {
		b.reject(b.picked[k].ordinal, b.picked[k].row, b.failed[k].err)
		b.builder.drop = append(b.builder.drop, k)
	}
	b.report()
	b.picked = b.picked[:0]
	clear(b.failed)
	return b.builder.assemble(arrays)
}

func (b *blocks) report() {
	slices.SortFunc(b.rejects, func(a, b Reject) int { return cmp.Compare(a.Row, b.Row) })
	for _, r := range b.rejects {
		b.options.Reject(r)
	}
	b.count.Rejected += int64(len(b.rejects))
	b.rejects = b.rejects[:0]
}

// column returns a column that is only selected, for the picked rows.
func (b *blocks) column(i int) arrow.Array {
	c := &b.source.columns[i]
	out, shared := b.share(c)
	if !shared {
		out = b.convert(i)
	}
	if c.required || c.in != nil {
		for k, p := range b.picked {
			if err := c.check(out, k); err != nil && !p.deleted {
				b.fail(k, i, err)
			}
		}
	}
	return out
}

// share returns a column whose values need no conversion.
func (b *blocks) share(c *column) (arrow.Array, bool) {
	v, item := b.vectorOf(c.value), c.value.inItem
	if v.values == nil || len(v.above) > 0 || c.value.instead != nil || len(b.picked) == 0 {
		return nil, false
	}
	from, to := b.picked[0].at(item), b.picked[len(b.picked)-1].at(item)+1
	values := array.NewSlice(v.values, int64(from), int64(to))
	defer values.Release()
	all, ok := share(b.options.Alloc, values, c.field.Type, c.zone)
	if !ok {
		return nil, false
	}
	deleted := b.deleted()
	switch {
	case !b.together(item):
		defer all.Release()
		return batch.Gather(b.options.Alloc, all.DataType(), []arrow.Array{all}, b.refs(item, from)), true
	case len(deleted) > 0:
		defer all.Release()
		return withNulls(b.options.Alloc, all, deleted), true
	}
	return all, true
}

// deleted returns the picked rows that are tombstones, whose values do not count.
func (b *blocks) deleted() []int {
	var out []int
	for k := range b.picked {
		if b.picked[k].deleted {
			out = append(out, k)
		}
	}
	return out
}

// refs names the picked rows or items in an array that begins with the first.
func (b *blocks) refs(item bool, first int) []batch.Ref {
	out := make([]batch.Ref, len(b.picked))
	for k := range b.picked {
		out[k] = batch.Ref{Row: int32(b.picked[k].at(item) - first)}
		if b.picked[k].deleted {
			out[k] = batch.Null
		}
	}
	return out
}

func (b *blocks) vectorOf(v *value) *vector {
	if v.inItem {
		return &b.vectors[v.field.id]
	}
	return &b.in.vectors[v.field.id]
}

func (p *pick) at(item bool) int {
	if item {
		return p.item
	}
	return p.row
}

// together reports whether the picked rows or items follow each other without a
// gap.
func (b *blocks) together(item bool) bool {
	for k := range b.picked {
		if b.picked[k].at(item) != b.picked[0].at(item)+k {
			return false
		}
	}
	return true
}

// convert converts a column value by value.
func (b *blocks) convert(i int) arrow.Array {
	c, out := &b.source.columns[i], b.builder.columns[i]
	v, from := c.value, newFeeder(b.vectorOf(c.value), c.appender, out)
	var instead feeder
	if v.instead != nil {
		instead = newFeeder(&b.in.vectors[v.instead.id], c.appender, out)
	}
	out.Reserve(len(b.picked))
	for k := range b.picked {
		p := &b.picked[k]
		var err error
		switch at := p.at(v.inItem); {
		case p.deleted:
			out.AppendNull()
		case v.instead != nil && from.absent(at):
			err = instead.append(p.row)
		default:
			err = from.append(at)
		}
		if err != nil {
			out.AppendNull()
			b.fail(k, i, rejectAt(v.place, err))
		}
	}
	return out.NewArray()
}

func (b *blocks) stats() Stats {
	out := b.count
	b.found[0].addTo(&out.Seen, b.source.row)
	b.found[1].addTo(&out.Seen, b.source.item)
	return out
}

func (b *blocks) close() error {
	b.builder.release()
	return b.in.close()
}

// lists is where a block stands in the lists of a record that is exploded.
type lists struct {
	list    *vector
	array   array.ListLike // of list; nil when it is no list
	vectors []vector       // of the elements, by node id
	at      int            // the next row of the record
	within  bool           // its list was begun
	element int            // and goes on here
}

func (e *lists) begin(list vector, t *tree, seen *sighting) {
	e.list, e.array = &list, nil
	clear(e.vectors)
	if _, isMap := list.values.(*array.Map); isMap {
		return
	}
	if values, ok := list.values.(array.ListLike); ok {
		e.array = values
		e.vectors[t.root.id] = newVector(values.ListValues(), nil)
		spread(t.root, e.vectors, seen)
	}
}
