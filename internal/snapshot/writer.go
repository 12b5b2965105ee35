package snapshot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
)

// A Writer writes one partition of a table.
type Writer struct {
	table     Table
	partition int
	file      *parquetio.Writer
	key       int // the key's column, or -1
	rows      int64
	last      place
	hashes    strings.Builder
	err       error
}

// A place is where a row stands in the order of a table.
type place struct {
	hash uint64
	key  string
}

func (p place) before(q place) bool {
	return p.hash < q.hash || p.hash == q.hash && p.key < q.key
}

// Create begins a partition, which nobody sees until Commit returns nil. The
// caller calls Commit or Abort. A nil alloc is the default allocator.
func Create(ctx context.Context, store storage.Store, table Table, partition int, alloc memory.Allocator) (*Writer, error) {
	name := table.Name(partition)
	if err := table.check(partition); err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	columns := table.Columns()
	w := &Writer{table: table, partition: partition, key: -1}
	options := parquetio.Options{Alloc: alloc, NoDictionary: table.NoDictionary, Metadata: table.entries(partition)}
	if table.Key != "" {
		w.key = columns.FieldIndices(table.Key)[0]
		options.NoDictionary = append([]string{table.Key}, table.NoDictionary...)
	}
	file, err := parquetio.NewWriter(ctx, store, name, storage.Replace, columns, options)
	if err != nil {
		return nil, err
	}
	w.file = file
	return w, nil
}

// Write appends rows, which must follow those before in the order of (hash, key)
// and belong to the partition. The batch stays the caller's.
func (w *Writer) Write(batch arrow.RecordBatch) error {
	if w.err == nil {
		w.err = w.write(batch)
	}
	return w.err
}

func (w *Writer) write(batch arrow.RecordBatch) error {
	if w.key >= 0 && w.key < int(batch.NumCols()) {
		if keys, ok := batch.Column(w.key).(*array.String); ok {
			if err := w.follow(keys); err != nil {
				return fmt.Errorf("write %s: %w", w.Name(), err)
			}
		}
	}
	w.rows += batch.NumRows()
	return w.file.Write(batch)
}

// follow checks the order of a batch's keys and notes where row groups begin.
func (w *Writer) follow(keys *array.String) error {
	for i := range keys.Len() {
		if keys.IsNull(i) {
			return fmt.Errorf("row %d has no key", w.rows+int64(i))
		}
		key := keys.Value(i)
		at := place{offer.Hash(key), key}
		if offer.Partition(at.hash, w.table.Partitions) != w.partition {
			return fmt.Errorf("key %q belongs to another partition", key)
		}
		if row := w.rows + int64(i); row > 0 && !w.last.before(at) {
			return fmt.Errorf("key %q does not follow %q", key, w.last.key)
		} else if row%parquetio.RowGroupRows == 0 {
			fmt.Fprintf(&w.hashes, "%016x", at.hash)
		}
		w.last = at
	}
	w.last.key = strings.Clone(w.last.key)
	return nil
}

// Name returns the name of the partition's object.
func (w *Writer) Name() string { return w.table.Name(w.partition) }

// Rows returns the number of rows written so far.
func (w *Writer) Rows() int64 { return w.rows }

// Commit makes the partition visible and returns its entry in the manifest. If it
// fails, it has given the partition up as Abort does.
func (w *Writer) Commit() (manifest.Object, error) {
	if w.err != nil {
		return manifest.Object{}, errors.Join(w.err, w.file.Abort())
	}
	w.file.SetMetadata(hashesEntry, w.hashes.String())
	info, err := w.file.Commit()
	if err != nil {
		return manifest.Object{}, err
	}
	w.err = errors.New("write after commit")
	return manifest.Object{Name: w.Name(), Size: info.Bytes, Digest: info.Digest}, nil
}

// Abort gives the partition up. After Commit it does nothing.
func (w *Writer) Abort() error { return w.file.Abort() }
