// Package field computes the fields of feeds: named expressions over an offer, as
// typed columns.
//
// Its promise: a column holds for every row that was asked for the value of its
// expression, as package predicate says of the row alone, or null with a reason.
package field

import (
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A Program computes some fields. It is safe for concurrent use.
type Program struct {
	list     []feed.Field
	schema   offer.Schema
	computed []int // the fields that are more than a column
	values   *eval.Values
}

// Compile makes the program of some fields.
func Compile(list []feed.Field) *Program {
	p := &Program{list: list}
	var exprs []*predicate.Expr
	for i, f := range list {
		p.schema = append(p.schema, offer.Field{Name: f.Name, Type: typeOf(f)})
		if _, plain := columnName(f.Value); !plain {
			p.computed = append(p.computed, i)
			exprs = append(exprs, f.Value)
		}
	}
	p.values = eval.CompileValues(exprs)
	return p
}

// Schema is the columns of the fields.
func (p *Program) Schema() offer.Schema { return p.schema }

// Slow returns the fields that are computed row by row, by their places.
func (p *Program) Slow() []eval.Slow {
	out := slices.Clone(p.values.Slow())
	for i := range out {
		out[i].Predicate = p.computed[out[i].Predicate]
	}
	return out
}

// typeOf is the type of a field's value; what no column can hold is taken for
// text.
func typeOf(f feed.Field) offer.Type {
	if t, known := f.Value.Type(); known {
		return t
	}
	return offer.Type{Kind: offer.String}
}

// columnName returns the column that an expression only names.
func columnName(x *predicate.Expr) (string, bool) {
	path, ok := x.Path()
	if !ok || len(path) != 2 || path[0] != "offer" {
		return "", false
	}
	return path[1], true
}

// A Fail is told of a value that failed for another reason than null, or that its
// column cannot hold: it is null.
type Fail func(field string, row int, err error)

// Columns computes the fields of some rows of a batch, which ascend; those of
// others are null, or their column's. The caller releases the result.
func (p *Program) Columns(mem memory.Allocator, batch arrow.RecordBatch, rows []int, now time.Time, fail Fail) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, len(p.list))
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, f := range p.list {
		name, plain := columnName(f.Value)
		if !plain {
			continue
		}
		at := batch.Schema().FieldIndices(name)
		if len(at) == 0 {
			return nil, fmt.Errorf("field %s: the snapshot has no column %s", f.Name, name)
		}
		columns[i] = batch.Column(at[0])
		columns[i].Retain()
	}
	p.compute(mem, columns, batch, rows, now, fail)
	fields := p.schema.Arrow().Fields()
	for i, c := range columns {
		fields[i].Type = c.DataType() // a batch may have dictionaries
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, batch.NumRows()), nil
}

// compute makes the columns of the computed fields.
func (p *Program) compute(mem memory.Allocator, columns []arrow.Array, batch arrow.RecordBatch, rows []int, now time.Time, fail Fail) {
	n := int(batch.NumRows())
	builders, appenders := make([]array.Builder, len(p.computed)), make([]*offer.Appender, len(p.computed))
	for k, i := range p.computed {
		appenders[k] = offer.NewAppender(p.schema[i].Type, offer.Conversion{})
		builders[k] = array.NewBuilder(mem, p.schema[i].Type.Arrow())
		defer builders[k].Release()
		builders[k].Reserve(n)
	}
	p.values.Each(batch, rows, now, func(k, row int, v any, err error) {
		b := builders[k]
		b.AppendNulls(row - b.Len())
		if err == nil {
			err = appenders[k].Append(b, v)
		}
		if err != nil {
			b.AppendNull()
			fail(p.list[p.computed[k]].Name, row, err)
		}
	})
	for k, i := range p.computed {
		builders[k].AppendNulls(n - builders[k].Len())
		columns[i] = builders[k].NewArray()
	}
}
