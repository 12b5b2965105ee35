package generate

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// fields computes the columns that a template sees as .fields.
type fields struct {
	list      []feed.Field
	schema    offer.Schema
	appenders []*offer.Appender
}

func newFields(r *rendering) *fields {
	f := &fields{list: r.fields, schema: r.schema()}
	for _, column := range f.schema {
		f.appenders = append(f.appenders, offer.NewAppender(column.Type, offer.Conversion{}))
	}
	return f
}

// evaluate computes the fields of some rows of a batch; the others are null. A
// value that failed for another reason than null, or that its column cannot
// hold, is null and counted. The caller releases the result.
func (f *fields) evaluate(mem memory.Allocator, batch arrow.RecordBatch, rows []int, now time.Time, counts *renderingResult, ids *array.String) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, len(f.list))
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	vars := &predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: now}
	for i, field := range f.list {
		if column, ok := plainColumn(batch, field.Value); ok {
			column.Retain()
			columns[i] = column
			continue
		}
		columns[i] = f.column(mem, i, vars, int(batch.NumRows()), rows, func(row int, err error) {
			counts.fail(field.Name, ids.Value(row), err)
		})
	}
	return array.NewRecordBatch(f.schema.Arrow(), columns, batch.NumRows()), nil
}

// plainColumn returns the column that an expression only names.
func plainColumn(batch arrow.RecordBatch, x *predicate.Expr) (arrow.Array, bool) {
	path, ok := x.Path()
	if !ok || len(path) != 2 || path[0] != "offer" {
		return nil, false
	}
	at := batch.Schema().FieldIndices(path[1])
	if len(at) == 0 {
		return nil, false
	}
	return batch.Column(at[0]), true
}

func (f *fields) column(mem memory.Allocator, i int, vars *predicate.Vars, n int, rows []int, fail func(row int, err error)) arrow.Array {
	b := array.NewBuilder(mem, f.schema[i].Type.Arrow())
	defer b.Release()
	b.Reserve(n)
	at := 0
	for _, row := range rows {
		for ; at < row; at++ {
			b.AppendNull()
		}
		at++
		vars.Offer.Index = row
		v, err := f.list[i].Value.Eval(vars)
		if err == nil {
			err = f.appenders[i].Append(b, v)
		}
		if err != nil {
			b.AppendNull()
			fail(row, err)
		}
	}
	for ; at < n; at++ {
		b.AppendNull()
	}
	return b.NewArray()
}
