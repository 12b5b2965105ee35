package parquetio_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// rowsEqual compares the batches of a scan with a slice of what was written.
func rowsEqual(t testing.TB, s *parquetio.Scanner, want arrow.RecordBatch) {
	t.Helper()
	if err := compare(s, want); err != nil {
		t.Fatal(err)
	}
}

// errDiffers says that a scan gave rows that were not written.
var errDiffers = errors.New("rows differ")

func compare(s *parquetio.Scanner, want arrow.RecordBatch) error {
	var at int64
	for {
		got, err := s.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		err = compareBatch(got, want, at)
		at += got.NumRows()
		got.Release()
		if err != nil {
			return err
		}
	}
	if at != want.NumRows() {
		return fmt.Errorf("%w: %d instead of %d", errDiffers, at, want.NumRows())
	}
	return nil
}

func compareBatch(got, want arrow.RecordBatch, at int64) error {
	if at+got.NumRows() > want.NumRows() {
		return fmt.Errorf("%w: more than %d", errDiffers, want.NumRows())
	}
	part := want.NewSlice(at, at+got.NumRows())
	defer part.Release()
	for i, f := range got.Schema().Fields() {
		column := part.Column(part.Schema().FieldIndices(f.Name)[0])
		if !array.ApproxEqual(got.Column(i), column, array.WithNaNsEqual(true), array.WithAbsTolerance(0)) {
			return fmt.Errorf("%w: column %s from row %d:\n got %v\nwant %v", errDiffers, f.Name, at, got.Column(i), column)
		}
	}
	return nil
}

func open(t testing.TB, store storage.Store, name string, options parquetio.ReadOptions) *parquetio.Reader {
	t.Helper()
	r, err := parquetio.Open(context.Background(), store, name, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestRoundTrip(t *testing.T) {
	schema := everything(t)
	for _, rows := range []int{0, 1, 2, 19, 63, 64, 65, 127, 128, 129, 999, 1000, 1001, 1023, 1024, 1025, 5000} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer alloc.AssertSize(t, 0)
			store := mem.New()
			batch := randomBatch(alloc, schema, rows, uint64(rows))
			defer batch.Release()
			options := parquetio.Options{Alloc: alloc, RowGroupRows: 1000, NoDictionary: []string{"id", "tags"}, Metadata: map[string]string{"a": "1", "b": "2"}}
			info := writeAll(t, store, "x/rows.parquet", schema, options, batch)
			if info.Rows != int64(rows) {
				t.Errorf("%d rows written, Commit says %d", rows, info.Rows)
			}
			r := open(t, store, "x/rows.parquet", parquetio.ReadOptions{Alloc: alloc, BatchRows: 300})
			if r.Rows() != int64(rows) || r.Groups() != (rows+999)/1000 {
				t.Errorf("%d rows in %d groups", r.Rows(), r.Groups())
			}
			if !r.Schema().Equal(schema) {
				t.Errorf("schema %v", r.Schema())
			}
			if m := r.Metadata(); m["a"] != "1" || m["b"] != "2" {
				t.Errorf("metadata %v", m)
			}
			s := r.Scan(context.Background(), nil)
			defer s.Close()
			rowsEqual(t, s, batch)
		})
	}
}

func TestProjection(t *testing.T) {
	schema := everything(t)
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	store := mem.New()
	batch := randomBatch(alloc, schema, 2500, 7)
	defer batch.Release()
	writeAll(t, store, "rows", schema, parquetio.Options{Alloc: alloc, RowGroupRows: 1000}, batch)
	r := open(t, store, "rows", parquetio.ReadOptions{Alloc: alloc})
	for _, columns := range [][]string{{"id"}, {"price", "id"}, {"deep", "shop", "ok"}, {"offers"}, {"x", "x"}, {}} {
		s := r.Scan(context.Background(), columns)
		var names []string
		for _, f := range s.Schema().Fields() {
			names = append(names, f.Name)
		}
		if diff := cmp.Diff(strings.Join(columns, " "), strings.Join(names, " ")); diff != "" {
			t.Error(diff)
		}
		rowsEqual(t, s, batch)
		s.Close()
	}
	part := batch.NewSlice(1000, 2000)
	defer part.Release()
	s := r.ScanGroups(context.Background(), []string{"n"}, 1, 2)
	rowsEqual(t, s, part)
	s.Close()
}

// TestCuts writes the same rows in differently cut batches.
func TestCuts(t *testing.T) {
	schema := everything(t)
	store := mem.New()
	batch := randomBatch(memory.DefaultAllocator, schema, 7000, 11)
	defer batch.Release()
	options := parquetio.Options{RowGroupRows: 3000, Metadata: map[string]string{"z": "1", "a": "2", "m": "3"}}
	want := writeAll(t, store, "whole", schema, options, batch)
	data := read(t, store, "whole")
	if sum := xxh3.Hash128(data).Bytes(); want.Digest != hex.EncodeToString(sum[:]) || want.Bytes != int64(len(data)) {
		t.Errorf("Commit says %+v", want)
	}
	for seed := range uint64(5) {
		got := writeAll(t, store, "cut", schema, options, randomCuts(batch, seed)...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seed %d: %s", seed, diff)
		}
	}
}

func randomCuts(batch arrow.RecordBatch, seed uint64) []arrow.RecordBatch {
	random := rand.New(rand.NewPCG(seed, 3))
	var cuts []arrow.RecordBatch
	for at := int64(0); at < batch.NumRows(); {
		end := min(at+random.Int64N(2000), batch.NumRows())
		cuts = append(cuts, batch.NewSlice(at, end))
		at = end
	}
	return cuts
}

func read(t testing.TB, store storage.Store, name string) []byte {
	t.Helper()
	data, err := storage.ReadAll(context.Background(), store, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestErrors(t *testing.T) {
	ctx := context.Background()
	schema := everything(t)
	store := mem.New()
	if _, err := parquetio.Open(ctx, store, "absent", parquetio.ReadOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open of an absent object: %v", err)
	}
	w, err := parquetio.NewWriter(ctx, store, "given-up", storage.Replace, schema, parquetio.Options{})
	if err != nil {
		t.Fatal(err)
	}
	other := randomBatch(memory.DefaultAllocator, arrow.NewSchema(schema.Fields()[1:], nil), 3, 1)
	if err := w.Write(other); err == nil || !strings.Contains(err.Error(), "given-up") {
		t.Errorf("write of other columns: %v", err)
	}
	if _, err := w.Commit(); err == nil {
		t.Error("commit after an error")
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if _, err := store.Open(ctx, "given-up"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an aborted object: %v", err)
	}
	writeAll(t, store, "rows", schema, parquetio.Options{})
	r := open(t, store, "rows", parquetio.ReadOptions{})
	if _, err := r.Scan(ctx, []string{"nope"}).Next(); err == nil || !strings.Contains(err.Error(), "nope") || !strings.Contains(err.Error(), "rows") {
		t.Errorf("scan of an absent column: %v", err)
	}
	if _, err := parquetio.NewWriter(ctx, store, "rows", storage.Exclusive, schema, parquetio.Options{}); err == nil {
		t.Log("exclusive is refused at Commit")
	}
}
