package parquetio_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
)

// everything is a schema with each type, nested in each other.
func everything(t testing.TB) *arrow.Schema {
	t.Helper()
	var schema offer.Schema
	for _, f := range [][2]string{
		{"id", "string"}, {"brand", "string"}, {"title", "string"},
		{"ok", "bool"}, {"n", "int"}, {"rank", "int"}, {"x", "double"}, {"share", "double"},
		{"seen", "timestamp"}, {"day", "date"}, {"price", "decimal(12,2)"}, {"small", "decimal(5,0)"},
		{"tags", "list(string)"}, {"sizes", "list(int)"}, {"attr", "map(string)"}, {"rates", "map(decimal(9,4))"},
		{"shop", "struct{name: string, rating: double, open: bool}"},
		{"offers", "list(struct{price: decimal(12,2), tags: list(string), seen: timestamp})"},
		{"deep", "struct{a: struct{b: list(list(int)), c: string}, m: map(struct{x: int, y: list(double)})}"},
	} {
		parsed, err := offer.ParseType(f[1])
		if err != nil {
			t.Fatal(err)
		}
		schema = append(schema, offer.Field{Name: f[0], Type: parsed})
	}
	fields := schema.Arrow().Fields()
	fields = append(fields, arrow.Field{Name: "_order", Type: arrow.BinaryTypes.Binary, Nullable: true}, arrow.Field{Name: "_file", Type: arrow.PrimitiveTypes.Int32, Nullable: true})
	return arrow.NewSchema(fields, nil)
}

// A filler makes random values.
type filler struct {
	*rand.Rand
	nulls float64
	row   int
}

// randomBatch returns rows of random values from a seed.
func randomBatch(alloc memory.Allocator, schema *arrow.Schema, rows int, seed uint64) arrow.RecordBatch {
	f := &filler{Rand: newRand(seed), nulls: 0.2}
	b := array.NewRecordBuilder(alloc, schema)
	defer b.Release()
	for i, column := range b.Fields() {
		switch f.nulls = 0.2; i % 4 {
		case 0:
			f.nulls = 0
		case 1:
			f.nulls = 0.9
		}
		for f.row = range rows {
			f.append(column, schema.Field(i).Name == "id")
		}
	}
	return b.NewRecordBatch()
}

func (f *filler) append(b array.Builder, unique bool) {
	if f.Float64() < f.nulls {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		if unique {
			b.Append(fmt.Sprintf("id-%08d-%x", f.row, f.Uint32()))
			return
		}
		b.Append(f.text())
	case *array.BinaryBuilder:
		b.Append([]byte(f.text()))
	case *array.BooleanBuilder:
		b.Append(f.IntN(3) == 0)
	case *array.Int32Builder:
		b.Append(f.Int32())
	case *array.Int64Builder:
		b.Append(f.int())
	case *array.Float64Builder:
		b.Append(f.double())
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(f.Int64N(4e15) - 1e15))
	case *array.Date32Builder:
		b.Append(arrow.Date32(f.IntN(40000) - 10000))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(f.Int64N(199999) - 99999))
	case *array.ListBuilder:
		b.Append(true)
		for range f.length() {
			f.append(b.ValueBuilder(), false)
		}
	case *array.MapBuilder:
		b.Append(true)
		for k := range f.length() {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprintf("key%d", k))
			f.append(b.ItemBuilder(), false)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			f.append(b.FieldBuilder(i), false)
		}
	default:
		panic(fmt.Sprintf("no values for %T", b))
	}
}

func (f *filler) length() int {
	if f.IntN(4) == 0 {
		return 0
	}
	return f.IntN(5)
}

func (f *filler) text() string {
	switch f.IntN(8) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("Größe %d \U0001F370", f.Uint32())
	default:
		return fmt.Sprintf("value-%d", f.IntN(50))
	}
}

func (f *filler) int() int64 {
	switch f.IntN(10) {
	case 0:
		return math.MinInt64
	case 1:
		return math.MaxInt64
	default:
		return int64(f.IntN(1000) - 500)
	}
}

func (f *filler) double() float64 {
	switch f.IntN(12) {
	case 0:
		return math.NaN()
	case 1:
		return math.Inf(-1)
	case 2:
		return math.Copysign(0, -1)
	default:
		return f.NormFloat64()
	}
}

// writeAll writes batches as one object.
func writeAll(t testing.TB, store storage.Store, name string, schema *arrow.Schema, options parquetio.Options, batches ...arrow.RecordBatch) parquetio.Info {
	t.Helper()
	w, err := parquetio.NewWriter(context.Background(), store, name, storage.Replace, schema, options)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	info, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
