package snapshot_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

var ctx = context.Background()

func schema(t testing.TB, columns ...string) offer.Schema {
	t.Helper()
	var s offer.Schema
	for _, c := range columns {
		name, text, _ := strings.Cut(c, ":")
		parsed, err := offer.ParseType(text)
		if err != nil {
			t.Fatal(err)
		}
		s = append(s, offer.Field{Name: name, Type: parsed})
	}
	return s
}

// sortedKeys returns distinct keys in the order of a table.
func sortedKeys(rows int, seed uint64) []string {
	random := rand.New(rand.NewPCG(seed, 5))
	keys := make([]string, rows)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%d-%d", random.IntN(1000), i)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(offer.Hash(a), offer.Hash(b)), cmp.Compare(a, b))
	})
	return keys
}

// rows makes a batch of a key, and that key's length as a column n.
func rows(alloc memory.Allocator, columns *arrow.Schema, keys []string) arrow.RecordBatch {
	b := array.NewRecordBuilder(alloc, columns)
	defer b.Release()
	for _, k := range keys {
		for i, f := range b.Fields() {
			switch f := f.(type) {
			case *array.StringBuilder:
				f.Append(k)
			case *array.Int64Builder:
				f.Append(int64(len(k)))
			case *array.BinaryBuilder:
				f.Append([]byte{byte(len(k))})
			default:
				panic(fmt.Sprintf("column %d is %T", i, f))
			}
		}
	}
	return b.NewRecordBatch()
}

// write writes keys as a table and returns the manifest's objects.
func write(t testing.TB, store storage.Store, table snapshot.Table, alloc memory.Allocator, keys []string) []manifest.Object {
	t.Helper()
	var objects []manifest.Object
	for p := range table.Partitions {
		w, err := snapshot.Create(ctx, store, table, p, alloc)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		var mine []string
		for _, k := range keys {
			if offer.Partition(offer.Hash(k), table.Partitions) == p {
				mine = append(mine, k)
			}
		}
		for part := range slices.Chunk(mine, 777) {
			batch := rows(alloc, table.Columns(), part)
			if err := w.Write(batch); err != nil {
				t.Fatal(err)
			}
			batch.Release()
		}
		object, err := w.Commit()
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}

// keysOf returns the keys that a scan gives and checks the column n.
func keysOf(t testing.TB, s *snapshot.Scanner, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var keys []string
	for {
		batch, err := s.Next()
		if err == io.EOF {
			return keys
		}
		if err != nil {
			t.Fatal(err)
		}
		key, n := batch.Column(1).(*array.String), batch.Column(0).(*array.Int64)
		for i := range key.Len() {
			keys = append(keys, strings.Clone(key.Value(i)))
			if n.Value(i) != int64(len(key.Value(i))) {
				t.Fatalf("%s has n %d", key.Value(i), n.Value(i))
			}
		}
		batch.Release()
	}
}

func TestReslice(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	keys := sortedKeys(3*parquetio.RowGroupRows+100, 1)
	for _, from := range []int{1, 2, 8} {
		store := mem.New()
		write(t, store, snapshot.Offers("r1", from, schema(t, "id:string", "n:int")), alloc, keys)
		s, err := snapshot.OpenRun(ctx, store, snapshot.Prefix, "r1", from, alloc)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []int{1, 2, 4, 8, 64} {
			var got []string
			for i := range to {
				scan, err := s.Slice(ctx, i, to, []string{"n", "id"})
				part := keysOf(t, scan, err)
				for _, k := range part {
					if p := offer.Partition(offer.Hash(k), to); p != i {
						t.Fatalf("%d as %d: %s of partition %d is in %d", from, to, k, p, i)
					}
				}
				got = append(got, part...)
			}
			if !slices.Equal(got, keys) {
				t.Errorf("%d as %d: %d keys instead of %d, or others", from, to, len(got), len(keys))
			}
		}
	}
}

// Batches are as small as somebody wants them.
func TestBatches(t *testing.T) {
	store, keys := mem.New(), sortedKeys(2500, 1)
	write(t, store, snapshot.Offers("r1", 1, schema(t, "id:string", "n:int")), memory.DefaultAllocator, keys)
	s, err := snapshot.OpenRun(ctx, store, snapshot.Prefix, "r1", 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	err = s.Batches(1000).Each(ctx, 0, nil, func(batch arrow.RecordBatch, _ int64) error {
		got = append(got, batch.NumRows())
		return nil
	})
	if err != nil || !slices.Equal(got, []int64{1000, 1000, 500}) {
		t.Errorf("batches of %d rows, %v", got, err)
	}
}

func TestEmpty(t *testing.T) {
	store := mem.New()
	write(t, store, snapshot.Offers("r1", 2, schema(t, "id:string", "n:int")), memory.DefaultAllocator, nil)
	s, err := snapshot.OpenRun(ctx, store, snapshot.Prefix, "r1", 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []int{1, 2, 16} {
		scan, err := s.Slice(ctx, 0, m, []string{"n", "id"})
		if got := keysOf(t, scan, err); len(got) > 0 {
			t.Errorf("%v of an empty table", got)
		}
	}
}

func TestDescription(t *testing.T) {
	store := mem.New()
	table := snapshot.Table{
		Prefix: "sources/price", Run: "r7", Partitions: 4, Key: "_key",
		Hidden: []arrow.Field{
			{Name: "_key", Type: arrow.BinaryTypes.String, Nullable: true},
			{Name: "_order", Type: arrow.BinaryTypes.Binary, Nullable: true},
			{Name: "_row", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		},
		Schema:   schema(t, "n:int", "title:string"),
		Metadata: map[string]string{"source": "price"},
	}
	write(t, store, table, memory.DefaultAllocator, sortedKeys(50, 2))
	s, err := snapshot.OpenRun(ctx, store, table.Prefix, table.Run, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	compare := gocmp.Comparer(func(a, b arrow.Field) bool { return a.Equal(b) })
	if diff := gocmp.Diff(table, s.Table(), compare); diff != "" {
		t.Error(diff)
	}
}

func TestSchemaRoundTrip(t *testing.T) {
	columns := schema(t, "id:string", "ok:bool", "n:int", "x:double", "seen:timestamp", "day:date", "price:decimal(12,2)",
		"tags:list(string)", "attr:map(decimal(5,1))", "shop:struct{name: string, at: timestamp}",
		"prices:list(struct{gross: decimal(12,2), tags: map(list(int))})")
	store := mem.New()
	w, err := snapshot.Create(ctx, store, snapshot.Offers("r1", 1, columns), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.OpenRun(ctx, store, snapshot.Prefix, "r1", 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(columns, s.Schema()); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedRows(t *testing.T) {
	keys := sortedKeys(20, 3)
	table := snapshot.Offers("r1", 1, schema(t, "id:string", "n:int"))
	half := snapshot.Offers("r1", 2, schema(t, "id:string", "n:int"))
	for name, c := range map[string]struct {
		table snapshot.Table
		keys  []string
		want  string
	}{
		"out of order":      {table, []string{keys[1], keys[0]}, "does not follow"},
		"twice":             {table, []string{keys[1], keys[1]}, "does not follow"},
		"of another":        {half, []string{keys[19]}, "belongs to another partition"},
		"after other batch": {table, append(slices.Clone(keys), keys[0]), "does not follow"},
	} {
		w, err := snapshot.Create(ctx, mem.New(), c.table, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		for part := range slices.Chunk(c.keys, 20) {
			if err = w.Write(rows(memory.DefaultAllocator, c.table.Columns(), part)); err != nil {
				break
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), w.Name()) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.Commit(); err == nil {
			t.Errorf("%s: committed", name)
		}
		w.Abort()
	}
}

func TestRefusedTables(t *testing.T) {
	good := schema(t, "id:string", "n:int")
	for name, table := range map[string]snapshot.Table{
		"three partitions": snapshot.Offers("r1", 3, good),
		"none":             snapshot.Offers("r1", 0, good),
		"no key":           snapshot.Offers("r1", 1, good[1:]),
		"a key of ints":    snapshot.Offers("r1", 1, schema(t, "id:int")),
		"a name":           snapshot.Offers("r1", 1, offer.Schema{{Name: "id"}, {Name: "a b"}}),
	} {
		if _, err := snapshot.Create(ctx, mem.New(), table, 0, nil); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}

// TestMistaken opens objects that are not the partition they should be.
func TestMistaken(t *testing.T) {
	store := mem.New()
	columns := schema(t, "id:string", "n:int")
	write(t, store, snapshot.Offers("r1", 2, columns), memory.DefaultAllocator, sortedKeys(50, 4))
	write(t, store, snapshot.Offers("r2", 2, schema(t, "id:string", "n:string")), memory.DefaultAllocator, sortedKeys(50, 4))
	for name, c := range map[string]struct{ from, to, want string }{
		"another partition": {"snapshots/r1/00000.parquet", "snapshots/r1/00001.parquet", "partition 0 of 2 instead of 1 of 2"},
		"other columns":     {"snapshots/r2/00001.parquet", "snapshots/r1/00001.parquet", "columns"},
	} {
		data, err := storage.ReadAll(ctx, store, c.from)
		if err != nil {
			t.Fatal(err)
		}
		if err := storage.WriteAll(ctx, store, c.to, storage.Replace, data); err != nil {
			t.Fatal(err)
		}
		s, err := snapshot.OpenRun(ctx, store, snapshot.Prefix, "r1", 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		scan, err := s.Partition(ctx, 1, nil)
		if err == nil {
			_, err = scan.Next()
			scan.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.to) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := snapshot.OpenRun(ctx, store, snapshot.Prefix, "r1", 4, nil); err == nil {
		t.Error("two partitions opened as the first of four")
	}
}
