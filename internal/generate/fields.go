package generate

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

// fields computes the columns that templates see as .fields, for renderings that
// have them alike.
type fields struct {
	list      []feed.Field
	schema    offer.Schema
	appenders []*offer.Appender
	computed  []int // the fields that are more than a column
	values    *eval.Values
	presses   []*press
}

func newFields(r *rendering) *fields {
	f := &fields{list: r.fields, schema: r.schema(), values: r.values}
	for i, column := range f.schema {
		f.appenders = append(f.appenders, offer.NewAppender(column.Type, offer.Conversion{}))
		if _, plain := columnName(r.fields[i].Value); !plain {
			f.computed = append(f.computed, i)
		}
	}
	return f
}

// texts are the expressions of the fields, by name.
func (r *rendering) texts() map[string]string {
	out := map[string]string{}
	for _, f := range r.fields {
		out[f.Name] = f.Value.Text()
	}
	return out
}

// byFields divides presses by their fields.
func byFields(presses []*press) []*fields {
	var out []*fields
	known := map[string]*fields{}
	for _, p := range presses {
		key := fmt.Sprintf("%q", p.rendering.texts())
		if known[key] == nil {
			known[key] = newFields(p.rendering)
			out = append(out, known[key])
		}
		known[key].presses = append(known[key].presses, p)
	}
	return out
}

// compileFields makes the program of the fields that are more than a column.
func compileFields(list []feed.Field) *eval.Values {
	var exprs []*predicate.Expr
	for _, f := range list {
		if _, plain := columnName(f.Value); !plain {
			exprs = append(exprs, f.Value)
		}
	}
	return eval.CompileValues(exprs)
}

// columnName returns the column that an expression only names.
func columnName(x *predicate.Expr) (string, bool) {
	path, ok := x.Path()
	if !ok || len(path) != 2 || path[0] != "offer" {
		return "", false
	}
	return path[1], true
}

// evaluate computes the fields of the rows of a batch that the presses take; those
// of others are null. A value that failed for another reason than null, or that its
// column cannot hold, is null and counted. The caller releases the result.
func (f *fields) evaluate(mem memory.Allocator, batch arrow.RecordBatch, now time.Time, ids *array.String) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, len(f.list))
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, field := range f.list {
		name, plain := columnName(field.Value)
		if !plain {
			continue
		}
		at := batch.Schema().FieldIndices(name)
		if len(at) == 0 {
			return nil, fmt.Errorf("field %s: the snapshot has no column %s", field.Name, name)
		}
		columns[i] = batch.Column(at[0])
		columns[i].Retain()
	}
	f.compute(mem, columns, batch, f.rows(), now, func(field, row int, err error) {
		for _, p := range f.presses {
			if _, takes := slices.BinarySearch(p.rows, row); takes {
				p.counts.fail(f.list[field].Name, ids.Value(row), err)
			}
		}
	})
	return array.NewRecordBatch(f.schema.Arrow(), columns, batch.NumRows()), nil
}

// rows are those that any of the presses takes.
func (f *fields) rows() []int {
	if len(f.presses) == 1 || len(f.computed) == 0 {
		return f.presses[0].rows
	}
	var all []int
	for _, p := range f.presses {
		all = append(all, p.rows...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// compute makes the columns of the computed fields.
func (f *fields) compute(mem memory.Allocator, columns []arrow.Array, batch arrow.RecordBatch, rows []int, now time.Time, fail func(field, row int, err error)) {
	n := int(batch.NumRows())
	builders := make([]array.Builder, len(f.computed))
	for k, i := range f.computed {
		builders[k] = array.NewBuilder(mem, f.schema[i].Type.Arrow())
		defer builders[k].Release()
		builders[k].Reserve(n)
	}
	f.values.Each(batch, rows, now, func(k, row int, v any, err error) {
		b := builders[k]
		b.AppendNulls(row - b.Len())
		if err == nil {
			err = f.appenders[f.computed[k]].Append(b, v)
		}
		if err != nil {
			b.AppendNull()
			fail(f.computed[k], row, err)
		}
	})
	for k, i := range f.computed {
		builders[k].AppendNulls(n - builders[k].Len())
		columns[i] = builders[k].NewArray()
	}
}
