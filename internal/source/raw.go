package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
)

// Raw reads the first rows of a file as they stand, before anything that a
// definition does with them: each is what expressions see as `row`. Of the
// definition only the format matters and how it is written. Rows that cannot be
// read are left out.
func Raw(ctx context.Context, store storage.Store, name string, def *Definition, limit int) ([]any, error) {
	var rows []any
	var err error
	if def.Format == Parquet {
		rows, err = rawParquet(ctx, store, name, limit)
	} else {
		rows, err = rawRecords(ctx, store, name, def, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return rows, nil
}

func rawRecords(ctx context.Context, store storage.Store, name string, def *Definition, limit int) (rows []any, err error) {
	object, err := store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, object.Close()) }()
	c, err := newContent(object, name)
	if err != nil {
		return nil, err
	}
	defer c.close()
	s := &Source{Def: def, row: newTree(rowVariable), item: newTree(itemVariable)}
	s.row.add(nil)
	s.row.number()
	w := &walker{tree: s.row, cells: make([]cell, len(s.row.nodes)), seen: newSighting(s.row)}
	records, err := s.records(c, w)
	if err != nil {
		return nil, err
	}
	return rawRows(ctx, records, &w.cells[s.row.root.id], limit)
}

func rawRows(ctx context.Context, records records, row *cell, limit int) ([]any, error) {
	var rows []any
	for len(rows) < limit {
		err := records.next()
		var bad *badRecord
		switch {
		case errors.As(err, &bad):
			continue
		case err == io.EOF:
			return rows, nil
		case err == nil:
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		v, err := row.plain()
		if err != nil {
			return nil, err
		}
		rows = append(rows, v)
	}
	return rows, nil
}

func rawParquet(ctx context.Context, store storage.Store, name string, limit int) (rows []any, err error) {
	reader, err := parquetio.Open(ctx, store, name, parquetio.ReadOptions{BatchRows: limit})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	scan := reader.Scan(ctx, nil)
	defer func() { err = errors.Join(err, scan.Close()) }()
	for len(rows) < limit {
		batch, err := scan.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		for i := 0; i < int(batch.NumRows()) && len(rows) < limit; i++ {
			row := map[string]any{}
			for k, column := range batch.Columns() {
				row[batch.ColumnName(k)] = plainAt(column, i)
			}
			rows = append(rows, row)
		}
		batch.Release()
	}
	return rows, nil
}

// Reads reports whether an expression of the source reads a field of the row, or
// the row as a whole.
func (s *Source) Reads(field string) bool {
	return s.row.root.whole || slices.ContainsFunc(s.row.root.children, func(n *node) bool { return n.name == field })
}
