package parquetio

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/feedmill/feedmill/internal/parquetio/encode"
	"github.com/feedmill/feedmill/internal/storage"
)

// BatchRows is the number of rows of a batch that a Scanner gives, but for the
// last one of a row group, unless ReadOptions say otherwise.
const BatchRows = 16 << 10

// HeldBytes is the size of the columns of a row group, compressed, above which
// they are streamed rather than held, unless ReadOptions say otherwise. Columns
// with digests are always held.
const HeldBytes = 64 << 20

// ReadOptions say how an object is read. The zero ReadOptions are good.
type ReadOptions struct {
	Alloc     memory.Allocator // nil: the default allocator
	BatchRows int              // zero: BatchRows
	Held      int64            // bytes; zero: HeldBytes
	Encoded   bool             // texts stay the dictionaries and codes that they are in the object, where that is all that a row group has of them
	Protected bool             // an object without digests, which no Writer wrote, is an error
}

// A Reader is an open object. It is safe for concurrent use.
type Reader struct {
	name    string
	object  storage.Object
	options ReadOptions
	meta    *metadata.FileMetaData
	digests []uint64 // of the column chunks, row group by row group; nil when the object is not protected
	schema  *arrow.Schema
	leaves  [][]int // per column of schema: its leaf columns
}

// Open reads the footer of an object. The caller closes the Reader, after its
// Scanners. The object need not be one that a Writer wrote.
func Open(ctx context.Context, store storage.Store, name string, options ReadOptions) (*Reader, error) {
	if options.Alloc == nil {
		options.Alloc = memory.DefaultAllocator
	}
	if options.BatchRows <= 0 {
		options.BatchRows = BatchRows
	}
	if options.Held <= 0 {
		options.Held = HeldBytes
	}
	object, err := store.Open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	options.Alloc = forgiving{options.Alloc}
	r := &Reader{name: name, object: object, options: options}
	if err := r.open(); err != nil {
		_ = object.Close() // the first error says more
		return nil, err
	}
	return r, nil
}

func (r *Reader) open() (err error) {
	defer recovered(&err, "open", r.name)
	tail := &cache{object: r.object}
	protected, err := tail.loadFooter()
	if err != nil {
		return fmt.Errorf("open %s: %w", r.name, err)
	}
	f, err := r.file(tail, false)
	if err != nil {
		return fmt.Errorf("open %s: %w", r.name, err)
	}
	r.meta = f.MetaData()
	if err := r.loadDigests(protected); err != nil {
		return fmt.Errorf("open %s: %w", r.name, err)
	}
	p, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, r.options.Alloc)
	if err != nil {
		return fmt.Errorf("open %s: %w", r.name, err)
	}
	r.describe(p.Manifest)
	return r.checkRows()
}

func (r *Reader) loadDigests(protected bool) (err error) {
	switch {
	case !protected && r.options.Protected:
		return errors.New("the object has no digests")
	case !protected:
		return nil
	}
	if r.digests, err = encode.ParseDigests(r.entries()[encode.ChunksEntry]); err != nil {
		return err
	}
	if want := r.Groups() * r.meta.Schema.NumColumns(); len(r.digests) != want {
		return fmt.Errorf("%d digests of %d column chunks", len(r.digests), want)
	}
	return nil
}

// groupDigests returns the digests of a row group's column chunks, or nil.
func (r *Reader) groupDigests(group int) []uint64 {
	if r.digests == nil {
		return nil
	}
	n := r.meta.Schema.NumColumns()
	return r.digests[group*n : (group+1)*n]
}

// file opens the object anew, with a position and caches of its own.
func (r *Reader) file(cache *cache, streamed bool) (*file.Reader, error) {
	properties := parquet.NewReaderProperties(r.options.Alloc)
	properties.BufferedStreamEnabled = streamed
	properties.BufferSize = coalesce
	options := []file.ReadOption{file.WithReadProps(properties)}
	if r.meta != nil {
		options = append(options, file.WithMetadata(r.meta))
	}
	return file.NewParquetReader(io.NewSectionReader(cache, 0, r.object.Size()), options...)
}

func (r *Reader) describe(manifest *pqarrow.SchemaManifest) {
	fields := make([]arrow.Field, len(manifest.Fields))
	for i := range manifest.Fields {
		fields[i] = plainField(*manifest.Fields[i].Field)
		r.leaves = append(r.leaves, leavesOf(nil, &manifest.Fields[i]))
	}
	r.schema = arrow.NewSchema(fields, nil)
}

func leavesOf(leaves []int, field *pqarrow.SchemaField) []int {
	if field.IsLeaf() {
		return append(leaves, field.ColIndex)
	}
	for i := range field.Children {
		leaves = leavesOf(leaves, &field.Children[i])
	}
	return leaves
}

func (r *Reader) checkRows() error {
	var sum int64
	for i := range r.Groups() {
		sum += r.meta.RowGroup(i).NumRows()
	}
	if sum != r.Rows() {
		return fmt.Errorf("open %s: the row groups have %d rows, the footer says %d", r.name, sum, r.Rows())
	}
	return nil
}

// Schema returns the columns of the object, without metadata.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// Rows returns the number of rows of the object.
func (r *Reader) Rows() int64 { return r.meta.NumRows }

// Size returns the number of bytes of the object.
func (r *Reader) Size() int64 { return r.object.Size() }

// Groups returns the number of row groups.
func (r *Reader) Groups() int { return len(r.meta.RowGroups) }

// GroupRows returns the number of rows of a row group.
func (r *Reader) GroupRows(group int) int64 { return r.meta.RowGroup(group).NumRows() }

// Metadata returns the entries of the footer but for the digests.
func (r *Reader) Metadata() map[string]string {
	entries := r.entries()
	delete(entries, encode.ChunksEntry)
	delete(entries, encode.FooterEntry)
	return entries
}

func (r *Reader) entries() map[string]string {
	entries := map[string]string{}
	for _, e := range r.meta.KeyValueMetadata() {
		entries[e.Key] = e.GetValue()
	}
	return entries
}

// Close closes the object.
func (r *Reader) Close() error { return r.object.Close() }
