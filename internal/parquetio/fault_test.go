package parquetio_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/storage/storagetest"
)

func writeOnce(store storage.Store, batch arrow.RecordBatch, alloc memory.Allocator) error {
	w, err := parquetio.NewWriter(context.Background(), store, "x/rows", storage.Replace, batch.Schema(), parquetio.Options{Alloc: alloc, RowGroupRows: 1000})
	if err != nil {
		return err
	}
	if err := w.Write(batch); err != nil {
		return errors.Join(err, w.Abort())
	}
	_, err = w.Commit()
	return err
}

// TestFaults fails each operation of a write and of a read in turn.
func TestFaults(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	batch := randomBatch(alloc, everything(t), 6000, 41)
	defer batch.Release()
	for n := 0; ; n++ {
		inner := &storagetest.Watched{Store: mem.New()}
		store := fault.New(inner, fault.Plan{At: n})
		err := writeOnce(store, batch, alloc)
		if writers, _ := inner.LeftOpen(); writers > 0 {
			t.Errorf("operation %d failed, and %d writers are still open", n, writers)
		}
		if !store.Fired() {
			if err != nil || n < 3 {
				t.Errorf("after %d operations: %v", n, err)
			}
			break
		}
		if err == nil || !strings.Contains(err.Error(), "x/rows") {
			t.Errorf("operation %d failed: %v", n, err)
		}
		if _, err := inner.Open(context.Background(), "x/rows"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("operation %d failed, but the object is there: %v", n, err)
		}
	}
	inner := mem.New()
	if err := writeOnce(inner, batch, alloc); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		store := fault.New(inner, fault.Plan{At: n})
		err := readBack(store, "x/rows", parquetio.ReadOptions{Alloc: alloc, Protected: true}, batch)
		if !store.Fired() {
			if err != nil || n < 7 {
				t.Errorf("after %d operations: %v", n, err)
			}
			break
		}
		if err == nil || errors.Is(err, errDiffers) || !strings.Contains(err.Error(), "x/rows") {
			t.Errorf("operation %d failed: %v", n, err)
		}
	}
}
