package aggregate

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/source"
)

// stateTable is the table of the state that a run makes of a source.
func (w *worker) stateTable(src *source.Source, run string) snapshot.Table {
	return snapshot.Table{
		Prefix: kindOf(src.Def.Name), Run: run, Partitions: w.ws.Partitions,
		Key: keyColumn, Hidden: hiddenColumns(src.Def.IsLog()), Schema: src.Columns(),
		NoDictionary: []string{orderColumn, rowColumn},
	}
}

// hiddenColumns are the columns of a state that are about a row.
func hiddenColumns(log bool) []arrow.Field {
	key := arrow.Field{Name: keyColumn, Type: arrow.BinaryTypes.String, Nullable: true}
	place := []arrow.Field{
		{Name: fileColumn, Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: rowColumn, Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}
	if !log {
		return append([]arrow.Field{key}, place...)
	}
	return append([]arrow.Field{
		key,
		{Name: orderColumn, Type: arrow.BinaryTypes.Binary, Nullable: true},
		{Name: deletedColumn, Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	}, place...)
}

// hiddenNames are the names of the columns of a state that are about a row.
func hiddenNames(log bool) []string {
	var names []string
	for _, f := range hiddenColumns(log) {
		names = append(names, f.Name)
	}
	return names
}

func stateSchema(src *source.Source) *arrow.Schema {
	fields := append(hiddenColumns(src.Def.IsLog()), src.Columns().Arrow().Fields()...)
	return arrow.NewSchema(fields, nil)
}

// stateRows gives the rows of a source's state that are not tombstones and for
// which `where` is true, in the columns of the state but for those that only a
// log has.
type stateRows struct {
	rowStream
	w       *worker
	where   *predicate.Expr
	deleted int // the column, or -1
	columns []int
}

// rowsOf opens a partition of a source's state. where may be nil.
func (w *worker) rowsOf(ctx context.Context, src *source.Source, state stateRef, partition int, where *predicate.Expr) (*stateRows, error) {
	stream, err := w.openState(ctx, src, state, partition)
	if err != nil {
		return nil, err
	}
	schema := stateSchema(src)
	rows := &stateRows{rowStream: stream, w: w, where: where, deleted: index(schema, deletedColumn)}
	for i, f := range schema.Fields() {
		if f.Name != orderColumn && f.Name != deletedColumn {
			rows.columns = append(rows.columns, i)
		}
	}
	return rows, nil
}

func (r *stateRows) Next() (arrow.RecordBatch, error) {
	record, err := r.rowStream.Next()
	if err != nil {
		return nil, err
	}
	defer record.Release()
	refs, all, err := r.kept(record)
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, len(r.columns))
	columns := make([]arrow.Array, len(r.columns))
	for i, c := range r.columns {
		fields[i], columns[i] = record.Schema().Field(c), record.Column(c)
		if !all {
			columns[i] = batch.Gather(r.w.mem, columns[i].DataType(), []arrow.Array{columns[i]}, refs)
			defer columns[i].Release()
		}
	}
	n := record.NumRows()
	if !all {
		n = int64(len(refs))
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, n), nil
}

// kept returns the rows that stay; all says that every row does.
func (r *stateRows) kept(record arrow.RecordBatch) (refs []batch.Ref, all bool, err error) {
	if r.where == nil && r.deleted < 0 {
		return nil, true, nil
	}
	it := predicate.Vars{It: predicate.Row{Batch: predicate.NewBatch(record)}}
	for i := range int(record.NumRows()) {
		if r.deleted >= 0 && record.Column(r.deleted).(*array.Boolean).Value(i) {
			continue
		}
		if r.where != nil {
			it.It.Index = i
			outcome, reason := r.where.Decide(&it)
			if outcome == predicate.Failed {
				return nil, false, fmt.Errorf("where %s: %s", r.where.Text(), reason)
			}
			if outcome != predicate.True {
				continue
			}
		}
		refs = append(refs, batch.Ref{Row: int32(i)})
	}
	return refs, len(refs) == int(record.NumRows()), nil
}
