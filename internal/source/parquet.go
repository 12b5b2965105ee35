package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
)

// openParquet reads column by column what is only selected, and row by row what
// expressions compute; everything row by row where a column's path does not lead
// through structs alone, or where an expression says what to explode.
func (s *Source) openParquet(ctx context.Context, store storage.Store, name string, f File, options ScanOptions) (batches, error) {
	p, err := openParquetFile(ctx, store, name, f, s.row, options)
	if err != nil {
		return nil, err
	}
	if s.columnar(p.reader.Schema()) {
		return recovering{newBlocks(s, f, options, p)}, nil
	}
	r := s.newRows(f, options)
	r.records = &parquetRecords{file: p, walker: r.rowWalker()}
	r.release = p.close
	return recovering{r}, nil
}

// A parquetFile gives the records of a file, with the columns that a tree reads.
type parquetFile struct {
	reader  *parquetio.Reader
	scanner *parquetio.Scanner
	tree    *tree
	rows    *array.Struct // of the record; nil before the first
	vectors []vector      // of rows, by node id
}

// largeRows is the bytes of a row, compressed, from which on batches of fewer
// rows are read.
const largeRows = batchBytes / batchRows

func openParquetFile(ctx context.Context, store storage.Store, name string, f File, t *tree, options ScanOptions) (*parquetFile, error) {
	read := parquetio.ReadOptions{Alloc: options.Alloc, BatchRows: options.BatchRows}
	reader, err := parquetio.Open(ctx, store, name, read)
	if err != nil {
		return nil, err
	}
	if size := reader.Size() / max(1, reader.Rows()); size > largeRows {
		read.BatchRows = max(1, min(read.BatchRows, int(batchBytes/size)))
		if err := reader.Close(); err != nil {
			return nil, err
		}
		if reader, err = parquetio.Open(ctx, store, name, read); err != nil {
			return nil, err
		}
	}
	if err := sameSize(f, reader.Size()); err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	p := &parquetFile{reader: reader, tree: t, vectors: make([]vector, len(t.nodes))}
	p.scanner = reader.Scan(ctx, p.columns())
	return p, nil
}

// columns returns the names of the columns to read.
func (p *parquetFile) columns() []string {
	if p.tree.root.whole {
		return nil
	}
	names := []string{}
	for _, n := range p.tree.root.children {
		if p.reader.Schema().HasField(n.name) {
			names = append(names, n.name)
		}
	}
	return names
}

// next moves on to the next record, or returns io.EOF.
func (p *parquetFile) next(seen *sighting) error {
	p.drop()
	record, err := p.scanner.Next()
	if err != nil {
		return err
	}
	defer record.Release()
	p.rows = array.RecordToStructArray(record)
	if err := soundArray(p.rows); err != nil {
		return fmt.Errorf("the file is damaged: %w", err)
	}
	p.vectors[p.tree.root.id] = newVector(p.rows, nil)
	spread(p.tree.root, p.vectors, seen)
	return nil
}

// drop lets go of the record.
func (p *parquetFile) drop() {
	clear(p.vectors)
	if p.rows != nil {
		p.rows.Release()
		p.rows = nil
	}
}

func (p *parquetFile) close() error {
	p.drop()
	return errors.Join(p.scanner.Close(), p.reader.Close())
}

// columnar reports whether every field that is read directly is found through
// structs alone, so that it has one array for all rows.
func (s *Source) columnar(schema *arrow.Schema) bool {
	var row, item arrow.DataType = arrow.StructOf(schema.Fields()...), arrow.Null
	if s.explode != nil {
		if s.explode.field == nil || !alongStructs(s.explode.field, row) {
			return false
		}
		item = elementType(typeAt(s.explode.field, row))
	}
	for _, v := range s.values() {
		if v != nil && v.field != nil && !v.columnar(row, item) {
			return false
		}
	}
	return true
}

func (v *value) columnar(row, item arrow.DataType) bool {
	switch {
	case !v.inItem:
		return alongStructs(v.field, row)
	case v.instead == nil:
		return alongStructs(v.field, item)
	default:
		return item.ID() != arrow.MAP
	}
}

// values returns all values but what is exploded, also those that are nil.
func (s *Source) values() []*value {
	out := []*value{s.where, s.key, s.order, s.deleted}
	for _, c := range s.columns {
		out = append(out, c.value)
	}
	return out
}

// alongStructs reports whether a node's path leads from struct to struct, until
// it ends or there is no such field.
func alongStructs(n *node, root arrow.DataType) bool {
	if n.parent == nil {
		return true
	}
	if !alongStructs(n.parent, root) {
		return false
	}
	above := typeAt(n.parent, root)
	return above == nil || isStruct(above)
}

func isStruct(t arrow.DataType) bool { return t.ID() == arrow.STRUCT }

// typeAt returns the type of a node that is found along structs, or nil.
func typeAt(n *node, root arrow.DataType) arrow.DataType {
	if n.parent == nil {
		return root
	}
	s, ok := typeAt(n.parent, root).(*arrow.StructType)
	if !ok {
		return nil
	}
	if i, ok := s.FieldIdx(n.name); ok {
		return s.Field(i).Type
	}
	return nil
}

// elementType returns the type of a list's elements, null for anything else.
func elementType(t arrow.DataType) arrow.DataType {
	if list, ok := t.(arrow.ListLikeType); ok && t.ID() != arrow.MAP {
		return list.Elem()
	}
	return arrow.Null
}

// parquetRecords gives the rows of a file one by one.
type parquetRecords struct {
	file   *parquetFile
	walker *walker
	at     int // the next row of the record
}

func (r *parquetRecords) next() error {
	for r.file.rows == nil || r.at == r.file.rows.Len() {
		r.at = 0
		if err := r.file.next(r.walker.seen); err != nil {
			return err
		}
	}
	r.at++
	v, _ := plainFields(r.file.tree.root, r.file.vectors, r.at-1)
	r.walker.fill(v)
	return nil
}

// plainFields returns the plain value of a node, with those of its fields that
// anything reads. It is not ok where there is no such field.
func plainFields(n *node, vectors []vector, i int) (value any, ok bool) {
	v := &vectors[n.id]
	if v.values == nil || v.under(i) {
		return nil, false
	}
	if _, nested := v.values.(*array.Struct); n.whole || !nested || v.null(i) {
		return plainAt(v.values, i), true
	}
	members := map[string]any{}
	for _, c := range n.children {
		if member, ok := plainFields(c, vectors, i); ok {
			members[c.name] = member
		}
	}
	return members, true
}

func (r *parquetRecords) place() int64 { return 0 }

func (r *parquetRecords) text() []byte { return r.file.text(r.at - 1) }

// text returns what was read of a row, as JSON.
func (p *parquetFile) text(i int) []byte {
	v, _ := plainFields(p.tree.root, p.vectors, i)
	return appendJSON(nil, v)
}
