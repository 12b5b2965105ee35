package parquetio_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage/local"
)

// python runs testdata/interop.py with the Python that FEEDMILL_PYTHON names,
// which has pyarrow and duckdb.
func python(t *testing.T, args ...string) []byte {
	t.Helper()
	name := os.Getenv("FEEDMILL_PYTHON")
	if name == "" && os.Getenv("CI") == "true" {
		t.Fatal("FEEDMILL_PYTHON is not set: it names a Python with pyarrow and duckdb")
	}
	if name == "" {
		t.Skip("FEEDMILL_PYTHON is not set: it names a Python with pyarrow and duckdb")
	}
	var out, mistakes bytes.Buffer
	c := exec.Command(name, append([]string{filepath.Join("testdata", "interop.py")}, args...)...)
	c.Stdout, c.Stderr = &out, &mistakes
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %s", err, mistakes.String())
	}
	return out.Bytes()
}

// plain is a value in the form that interop.py describes.
func plain(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.String:
		return a.Value(i)
	case *array.Binary:
		return hex.EncodeToString(a.Value(i))
	case *array.Boolean:
		return a.Value(i)
	case *array.Int32:
		return fmt.Sprint(a.Value(i))
	case *array.Int64:
		return fmt.Sprint(a.Value(i))
	case *array.Float64:
		if math.IsNaN(a.Value(i)) {
			return "NaN"
		}
		return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, math.Float64bits(a.Value(i))))
	case *array.Timestamp:
		return fmt.Sprint(int64(a.Value(i)))
	case *array.Date32:
		return fmt.Sprint(int32(a.Value(i)))
	case *array.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Struct:
		out := []any{}
		for f := range a.NumField() {
			out = append(out, plain(a.Field(f), i))
		}
		return out
	case *array.Map:
		return plainRange(a, i, func(k int) any { return []any{plain(a.Keys(), k), plain(a.Items(), k)} })
	case *array.List:
		return plainRange(a, i, func(k int) any { return plain(a.ListValues(), k) })
	default:
		panic(fmt.Sprintf("%T", a))
	}
}

func plainRange(list array.ListLike, i int, at func(int) any) any {
	out := []any{}
	start, end := list.ValueOffsets(i)
	for k := start; k < end; k++ {
		out = append(out, at(int(k)))
	}
	return out
}

// pages is a batch of columns that take several pages in a row group.
func pages(t *testing.T, rows int) arrow.RecordBatch {
	t.Helper()
	schema := offer.Schema{{Name: "id"}, {Name: "body"}, {Name: "numbers", Type: offer.ListOf(offer.Type{Kind: offer.Int})}, {Name: "words", Type: offer.MapOf(offer.Type{})}, {Name: "gone"}}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema.Arrow())
	defer b.Release()
	f := &filler{Rand: newRand(9)}
	for f.row = range rows {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprint(f.row))
		b.Field(1).(*array.StringBuilder).Append(strings.Repeat(f.text(), 300) + fmt.Sprint(f.row))
		b.Field(2).(*array.ListBuilder).Append(true)
		for k := range 150 {
			b.Field(2).(*array.ListBuilder).ValueBuilder().(*array.Int64Builder).Append(int64(k * f.IntN(1000) * f.row))
		}
		f.append(b.Field(3), false)
		b.Field(4).AppendNull()
	}
	return b.NewRecordBatch()
}

func TestOthersReadOurs(t *testing.T) {
	schema := everything(t)
	for name, batch := range map[string]arrow.RecordBatch{
		"everything": randomBatch(memory.DefaultAllocator, schema, 3000, 21),
		"few":        randomBatch(memory.DefaultAllocator, schema, 1, 22),
		"none":       randomBatch(memory.DefaultAllocator, schema, 0, 23),
		"pages":      pages(t, 2500),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeAll(t, local.New(dir), "rows.parquet", batch.Schema(), parquetio.Options{RowGroupRows: 2000, NoDictionary: []string{"title"}}, batch)
			seen := map[string]int{}
			lines := json.NewDecoder(bytes.NewReader(python(t, "read", filepath.Join(dir, "rows.parquet"))))
			for {
				var line struct {
					Reader string
					Row    []any
				}
				if err := lines.Decode(&line); err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				row := seen[line.Reader]
				seen[line.Reader]++
				var want []any
				for _, column := range batch.Columns() {
					want = append(want, plain(column, row))
				}
				if diff := cmp.Diff(want, line.Row); diff != "" {
					t.Fatalf("row %d by %s: %s", row, line.Reader, diff)
				}
			}
			rows := int(batch.NumRows())
			if seen["pyarrow"] != rows || seen["duckdb"] != rows {
				t.Errorf("%v rows instead of %d", seen, rows)
			}
		})
	}
}

func TestWeReadOthers(t *testing.T) {
	dir := t.TempDir()
	store := local.New(dir)
	batch := randomBatch(memory.DefaultAllocator, everything(t), 5000, 24)
	writeAll(t, store, "rows", batch.Schema(), parquetio.Options{}, batch)
	others := filepath.Join(dir, "others")
	if err := os.Mkdir(others, 0o755); err != nil {
		t.Fatal(err)
	}
	python(t, "write", filepath.Join(dir, "rows"), others)
	found := 0
	for info, err := range store.List(context.Background(), "others/") {
		if err != nil {
			t.Fatal(err)
		}
		found++
		t.Run(strings.TrimPrefix(info.Name, "others/"), func(t *testing.T) {
			r := open(t, store, info.Name, parquetio.ReadOptions{})
			s := r.Scan(context.Background(), nil)
			defer s.Close()
			rowsEqual(t, s, batch)
		})
	}
	if found != 18 {
		t.Errorf("%d files", found)
	}
}
