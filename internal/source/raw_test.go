package source

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

func TestRaw(t *testing.T) {
	cases := []struct {
		name, text string
		def        Definition
		want       []any
	}{
		{"a.json", `[{"a": 1, "b": {"c": "x"}}, {"a": null}, {"a": 3}]`, Definition{Format: JSON},
			[]any{map[string]any{"a": int64(1), "b": map[string]any{"c": "x"}}, map[string]any{"a": nil}}},
		{"a.jsonl", "{\"a\": 1.5}\nnonsense\n[2]\n", Definition{Format: JSONL}, []any{map[string]any{"a": 1.5}, []any{int64(2)}}},
		{"a.csv", "a;b\n1;\n2;x\n3;y\n", Definition{Format: CSV, CSV: CSVOptions{Separator: ';'}},
			[]any{map[string]any{"a": "1", "b": ""}, map[string]any{"a": "2", "b": "x"}}},
		{"empty.csv", "a,b\n", Definition{Format: CSV}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			store := mem.New()
			if err := storage.WriteAll(t.Context(), store, c.name, storage.Replace, []byte(c.text)); err != nil {
				t.Fatal(err)
			}
			got, err := Raw(t.Context(), store, c.name, &c.def, 2)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRawParquet(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int32, Nullable: true}}, nil)
	builder := array.NewRecordBuilder(alloc, schema)
	defer builder.Release()
	builder.Field(0).(*array.Int32Builder).AppendValues([]int32{1, 0, 3}, []bool{true, false, true})
	batch := builder.NewRecordBatch()
	defer batch.Release()
	store := mem.New()
	w, err := parquetio.NewWriter(t.Context(), store, "a.parquet", storage.Replace, schema, parquetio.Options{Alloc: alloc})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(batch); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int][]any{
		2: {map[string]any{"a": int64(1)}, map[string]any{"a": nil}},
		9: {map[string]any{"a": int64(1)}, map[string]any{"a": nil}, map[string]any{"a": int64(3)}},
	} {
		got, err := Raw(t.Context(), store, "a.parquet", &Definition{Format: Parquet}, limit)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRawNamesWhatItCannotRead(t *testing.T) {
	store := mem.New()
	if err := storage.WriteAll(t.Context(), store, "a.json", storage.Replace, []byte(`[{"a": 1}, {"a"`)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.json", "none.json"} {
		if rows, err := Raw(t.Context(), store, name, &Definition{Format: JSON}, 5); err == nil || rows != nil {
			t.Errorf("%s: %v, %v", name, rows, err)
		}
	}
}
