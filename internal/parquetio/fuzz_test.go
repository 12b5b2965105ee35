package parquetio_test

import (
	"context"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// FuzzOpen reads any bytes: they are an error or rows, never a panic.
func FuzzOpen(f *testing.F) {
	ctx := context.Background()
	store := mem.New()
	batch := randomBatch(memory.DefaultAllocator, everything(f), 50, 51)
	writeAll(f, store, "rows", batch.Schema(), parquetio.Options{RowGroupRows: 30}, batch)
	f.Add(read(f, store, "rows"))
	f.Add([]byte("PAR1\x00\x00\x00\x00PAR1"))
	f.Add([]byte("PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := storage.WriteAll(ctx, store, "any", storage.Replace, data); err != nil {
			t.Fatal(err)
		}
		r, err := parquetio.Open(ctx, store, "any", parquetio.ReadOptions{})
		if err != nil {
			return
		}
		defer r.Close()
		s := r.Scan(ctx, nil)
		defer s.Close()
		var rows int64
		for {
			batch, err := s.Next()
			if err == io.EOF && rows != r.Rows() {
				t.Errorf("%d rows of %d without an error", rows, r.Rows())
			}
			if err != nil {
				return
			}
			rows += batch.NumRows()
			batch.Release()
		}
	})
}
