package source

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/storage"
)

// parquetFile writes records as a file, each in row groups of its own.
func parquetData(t testing.TB, schema *arrow.Schema, records ...arrow.RecordBatch) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &b, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(700)),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// recordOf reads rows from JSON lines.
func recordOf(t testing.TB, schema *arrow.Schema, lines string) arrow.RecordBatch {
	t.Helper()
	r := array.NewJSONReader(strings.NewReader(lines), schema, array.WithChunk(-1))
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	record := r.RecordBatch()
	record.Retain()
	return record
}

func parquetOf(t testing.TB, schema *arrow.Schema, lines string) []byte {
	t.Helper()
	record := recordOf(t, schema, lines)
	defer record.Release()
	return parquetData(t, schema, record)
}

func field(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

// parquetSchema has one field of every type that files have.
var parquetSchema = arrow.NewSchema([]arrow.Field{
	field("id", arrow.PrimitiveTypes.Int64),
	field("i8", arrow.PrimitiveTypes.Int8), field("i16", arrow.PrimitiveTypes.Int16), field("i32", arrow.PrimitiveTypes.Int32),
	field("u8", arrow.PrimitiveTypes.Uint8), field("u16", arrow.PrimitiveTypes.Uint16),
	field("u32", arrow.PrimitiveTypes.Uint32), field("u64", arrow.PrimitiveTypes.Uint64),
	field("f16", arrow.FixedWidthTypes.Float16), field("f32", arrow.PrimitiveTypes.Float32), field("f64", arrow.PrimitiveTypes.Float64),
	field("b", arrow.FixedWidthTypes.Boolean),
	field("s", arrow.BinaryTypes.String), field("ls", arrow.BinaryTypes.LargeString),
	field("bin", arrow.BinaryTypes.Binary), field("fix", &arrow.FixedSizeBinaryType{ByteWidth: 3}),
	field("dict", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}),
	field("d9", &arrow.Decimal128Type{Precision: 9, Scale: 2}), field("d15", &arrow.Decimal128Type{Precision: 15, Scale: 4}),
	field("d38", &arrow.Decimal128Type{Precision: 38, Scale: 6}), field("d60", &arrow.Decimal256Type{Precision: 60, Scale: 3}),
	field("day", arrow.FixedWidthTypes.Date32), field("day64", arrow.FixedWidthTypes.Date64),
	field("ts_s", &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}), field("ts_ms", &arrow.TimestampType{Unit: arrow.Millisecond}),
	field("ts_us", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}),
	field("ts_us_wall", &arrow.TimestampType{Unit: arrow.Microsecond}),
	field("ts_ns", &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}), field("ts_ns_wall", &arrow.TimestampType{Unit: arrow.Nanosecond}),
	field("t32", arrow.FixedWidthTypes.Time32ms), field("t64", arrow.FixedWidthTypes.Time64us),
	field("tags", arrow.ListOf(arrow.BinaryTypes.String)),
	field("shop", arrow.StructOf(field("name", arrow.BinaryTypes.String), field("at", arrow.StructOf(field("lat", arrow.PrimitiveTypes.Float64))))),
	field("prices", arrow.ListOf(arrow.StructOf(field("shop", arrow.BinaryTypes.String), field("amount", &arrow.Decimal128Type{Precision: 12, Scale: 2})))),
	field("m", arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64)),
	field("mi", arrow.MapOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String)),
	field("nested", arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int32))),
}, nil)

// randomRecord has nulls, empty texts, bytes that are not UTF-8, and extremes.
func randomRecord(r *rand.Rand, rows int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, parquetSchema)
	defer b.Release()
	for range rows {
		for _, f := range b.Fields() {
			randomValue(r, f)
		}
	}
	return b.NewRecordBatch()
}

var someTexts = []string{"", "a", "1", "12.5", "2008.0", "yes", "Käse", "2024-02-29", `[1,"2"]`, `{"name":"x"}`, "1700000000", " 7 "}

func randomText(r *rand.Rand) string {
	if r.IntN(60) == 0 {
		return "\xff\xfe"
	}
	return someTexts[r.IntN(len(someTexts))]
}

func randomInt(r *rand.Rand) int64 {
	switch r.IntN(4) {
	case 0:
		return int64(r.Uint64())
	case 1:
		return int64(r.IntN(2))
	default:
		return int64(r.IntN(1000)) - 500
	}
}

func randomValue(r *rand.Rand, b array.Builder) {
	if r.IntN(8) == 0 {
		b.AppendNull()
		return
	}
	n := randomInt(r)
	second := int64(r.IntN(4_000_000_000)) - 1_000_000_000
	switch b := b.(type) {
	case *array.Int64Builder:
		b.Append(n)
	case *array.Int8Builder:
		b.Append(int8(n))
	case *array.Int16Builder:
		b.Append(int16(n))
	case *array.Int32Builder:
		b.Append(int32(n))
	case *array.Uint8Builder:
		b.Append(uint8(n))
	case *array.Uint16Builder:
		b.Append(uint16(n))
	case *array.Uint32Builder:
		b.Append(uint32(n))
	case *array.Uint64Builder:
		b.Append(uint64(n))
	case *array.Float16Builder:
		b.Append(float16.New(float32(n)))
	case *array.Float32Builder:
		b.Append(float32(n) / 8)
	case *array.Float64Builder:
		b.Append([]float64{1.005, float64(n), math.NaN(), float64(n) / 100, 1e300}[r.IntN(5)])
	case *array.BooleanBuilder:
		b.Append(n%2 == 0)
	case *array.StringBuilder:
		b.Append(randomText(r))
	case *array.LargeStringBuilder:
		b.Append(randomText(r))
	case *array.BinaryBuilder:
		b.Append([]byte(randomText(r)))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte("123"))
	case *array.BinaryDictionaryBuilder:
		if err := b.AppendString(randomText(r)); err != nil {
			panic(err)
		}
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(n % 100_000_000))
	case *array.Decimal256Builder:
		b.Append(decimal256.FromI64(n))
	case *array.Date32Builder:
		b.Append(arrow.Date32(second / 86400))
	case *array.Date64Builder:
		b.Append(arrow.Date64(second / 86400 * 86400_000))
	case *array.TimestampBuilder:
		unit := int64(time.Second / b.Type().(*arrow.TimestampType).Unit.Multiplier())
		b.Append(arrow.Timestamp(second*unit + int64(r.IntN(int(unit)))))
	case *array.Time32Builder:
		b.Append(arrow.Time32(r.IntN(86_400_000)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(r.IntN(86_400_000_000)))
	case *array.MapBuilder:
		b.Append(true)
		for k := range r.IntN(3) {
			if keys, ok := b.KeyBuilder().(*array.StringBuilder); ok {
				keys.Append(fmt.Sprint("k", k))
			} else {
				b.KeyBuilder().(*array.Int32Builder).Append(int32(k))
			}
			randomValue(r, b.ItemBuilder())
		}
	case *array.ListBuilder:
		b.Append(true)
		for range r.IntN(4) {
			randomValue(r, b.ValueBuilder())
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			randomValue(r, b.FieldBuilder(i))
		}
	default:
		panic(fmt.Sprintf("%T", b))
	}
}

// randomColumns takes fields of the schema as columns of random types.
func randomColumns(r *rand.Rand, fields []string) []Column {
	types := []string{"string", "bool", "int", "double", "timestamp", "date", "decimal(9,2)", "decimal(15,4)", "list(string)", "list(int)",
		"map(int)", "map(string)", "struct{name: string, at: struct{lat: double}}", "struct{at: struct{lat: double}}",
		"list(struct{shop: string, amount: decimal(12,2)})", "list(struct{amount: string})", "list(list(int))", "struct{name: string}"}
	zone := time.FixedZone("", 3600)
	var out []Column
	for i := range 1 + r.IntN(5) {
		parsed, err := offer.ParseType(types[r.IntN(len(types))])
		if err != nil {
			panic(err)
		}
		c := Column{Name: diag.Plain(fmt.Sprint("c", i)), Type: parsed, Required: r.IntN(10) == 0}
		c.Value = diag.Plain(fields[r.IntN(len(fields))])
		if r.IntN(5) == 0 {
			c.Value.Value = "coalesce(" + c.Value.Value + ", row.id)"
		}
		if r.IntN(2) == 0 {
			c.Zone = zone
		}
		if r.IntN(3) == 0 {
			c.Format = []string{offer.Unix, offer.UnixMilli, time.DateOnly}[r.IntN(3)]
		}
		if parsed.Kind == offer.Int && r.IntN(2) == 0 {
			c.In = []diag.Text{diag.Plain("1"), diag.Plain("0")}
		}
		out = append(out, c)
	}
	return out
}

// natural are columns that need no conversion.
func natural(t testing.TB) []Column {
	columns := columnsOf(t, `id: int; f64: double; b: bool; s: string; d9: decimal(9,2); d15: decimal(15,4); day: date; ts_us: timestamp;
		ts_us_wall: timestamp; tags: list(string); shop: struct{name: string, at: struct{lat: double}};
		prices: list(struct{shop: string, amount: decimal(12,2)}); nested: list(list(int)); lat: double = row.shop.at.lat; none: int = row.nothing`)
	return columns
}

// rowWise reads a Parquet file row by row, whatever its columns are.
func rowWise(t testing.TB, s *Source, data []byte, options ScanOptions) batches {
	t.Helper()
	f := File{URL: "mem://", Name: "x.parquet", Path: map[string]string{"shop": "wellcome"}}
	p, err := openParquetFile(t.Context(), store(t, f.Name, data), f.Name, f, s.row, options)
	if err != nil {
		t.Fatal(err)
	}
	r := s.newRows(f, options)
	r.records = &parquetRecords{file: p, walker: r.rowWalker()}
	r.release = p.close
	return r
}

func drain(t testing.TB, s *Source, in batches) (out scanned) {
	t.Helper()
	defer in.close()
	for {
		record, err := in.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		out.Rows = append(out.Rows, rowsOf(t, s, record)...)
		record.Release()
	}
	out.Stats = in.stats()
	return out
}

// Column by column gives what row by row gives: rows, rejects, counts.
func TestParquetColumnsAreRows(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	var fields []string
	for _, f := range parquetSchema.Fields() {
		fields = append(fields, "row."+f.Name)
	}
	fields = append(fields, "row.shop.name", "row.shop.at.lat", "row.shop.nothing", "row.nothing", "path.shop")
	for round := range 120 {
		rows := []int{0, 1, 2, 7, 63, 64, 65, 129, 1025}[round%9]
		record := randomRecord(r, rows)
		data := parquetData(t, parquetSchema, record)
		record.Release()
		def := Definition{Format: Parquet, Key: diag.Plain([]string{"row.id", "row.s", "row.dict", "row.d38", "row.shop.name", `"k" + string(row.id)`}[r.IntN(6)])}
		def.Columns = randomColumns(r, fields)
		switch r.IntN(4) {
		case 0:
			def.Columns = natural(t)
		case 1:
			def.Explode = diag.Plain("row.prices")
			def.Columns = append(randomColumns(r, append(fields, "item.shop", "item.amount", "item")), columnsOf(t, "shop: string; amount: decimal(12,2); i8: int")...)
		}
		if r.IntN(2) == 0 {
			def.Where = diag.Plain("row.i8 > 10")
		}
		if r.IntN(3) == 0 {
			def.Keep, def.Order, def.Deleted = Log, diag.Plain([]string{"row.ts_ns", "row.i32", "row.s"}[r.IntN(3)]), diag.Plain("row.b")
		}
		s := compile(t, def)
		compareReaders(t, fmt.Sprintf("seed %d, round %d", seed, round), s, data, 1+r.IntN(300))
	}
}

func compareReaders(t *testing.T, what string, s *Source, data []byte, batchRows int) {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	var results [2]scanned
	for i := range results {
		var rejects []string
		options := ScanOptions{Alloc: alloc, BatchRows: batchRows, Reject: func(r Reject) {
			rejects = append(rejects, fmt.Sprintf("%d:%d %s: %s %s", r.Row, r.Line, r.Place, r.Reason, r.Raw))
		}}
		in := rowWise(t, s, data, options)
		if i == 1 {
			fast, err := s.openParquet(t.Context(), store(t, "x.parquet", data), "x.parquet", File{URL: "mem://", Name: "x.parquet", Path: map[string]string{"shop": "wellcome"}}, options)
			if err != nil {
				t.Fatal(err)
			}
			if err := in.close(); err != nil {
				t.Fatal(err)
			}
			in = fast
			if _, ok := in.(recovering).batches.(*blocks); !ok {
				t.Errorf("%s: read row by row", what)
			}
		}
		results[i] = drain(t, s, in)
		results[i].Rejects = append(rejects, s.Missing(results[i].Stats.Seen)...)
		results[i].Stats.Seen = Fields{}
	}
	if diff := cmp.Diff(results[0], results[1]); diff != "" {
		t.Fatalf("%s:\n%s", what, diff)
	}
}

var _ storage.Store = only{}

func TestParquetTypes(t *testing.T) {
	line := `{"id": 7, "i8": -1, "u64": 18446744073709551615, "f32": 0.5, "f16": 0.25, "s": "", "ls": "large", "bin": "Y2Fm", "fix": "MTIz",
		"dict": "d", "d9": "1.50", "d38": "12345678901234567890.123456", "d60": "-0.001", "day": "2024-02-29", "ts_s": "2024-02-29 12:00:00Z",
		"ts_ms": "2024-02-29 12:00:00.5", "ts_ns_wall": "2024-02-29 12:00:00.123456789", "t32": "12:30:00.500", "t64": "12:30:00.000001",
		"tags": ["a", "", null], "shop": {"name": "W", "at": {"lat": 1.5}}, "prices": [{"shop": "J", "amount": "9.99"}], "m": [{"key": "b", "value": 2}, {"key": "a", "value": null}],
		"mi": [{"key": 5, "value": "x"}], "nested": [[1], [2, 3]]}`
	data := parquetOf(t, parquetSchema, strings.ReplaceAll(line, "\n", " "))
	tests := []struct{ column, want string }{
		{"c: int = row.i8", "-1"}, {"c: string = row.u64", "18446744073709551615"}, {"c: double = row.f32", "0.5"}, {"c: double = row.f16", "0.25"},
		{"c: string = row.s", "(null)"}, {"c: string = row.ls", "large"}, {"c: string = row.bin", "caf"}, {"c: int = row.fix", "123"},
		{"c: string = row.dict", "d"}, {"c: decimal(5,1) = row.d9", "1.5"}, {"c: string = row.d38", "12345678901234567890.123456"},
		{"c: double = row.d60", "-0.001"}, {"c: string = row.d9 + 1.0", "2.5"}, {"c: date = row.day", "2024-02-29"}, {"c: string = row.day", "2024-02-29"},
		{"c: timestamp = row.ts_s", "2024-02-29T12:00:00Z"}, {"c: timestamp = row.ts_ms", "2024-02-29T11:00:00.5Z"},
		{"c: timestamp = row.ts_ns_wall", "2024-02-29T11:00:00.123456Z"}, {"c: timestamp = row.day", "2024-02-28T23:00:00Z"},
		{"c: string = row.ts_ms", "2024-02-29T12:00:00.5"},
		{"c: string = row.t32", "12:30:00.500"}, {"c: string = row.t64", "12:30:00.000001"}, {"c: list(string) = row.tags", `["a",null,null]`},
		{"c: string = row.shop.name", "W"}, {"c: double = row.shop.at.lat", "1.5"}, {"c: struct{at: struct{lat: string}} = row.shop", `{"at":{"lat":"1.5"}}`},
		{"c: list(struct{amount: double}) = row.prices", `[{"amount":9.99}]`}, {"c: map(int) = row.m", `[{"key":"a","value":null},{"key":"b","value":2}]`},
		{"c: int = row.m.b", "2"}, {"c: string = row.mi[\"5\"]", "x"}, {"c: list(list(string)) = row.nested", `[["1"],["2","3"]]`},
		{"c: int = size(row.nested)", "2"}, {"c: string = row.i16", "(null)"}, {"c: bool = row.shop.at.lat > 1.0", "true"},
		{"c: int = row.s.x", "c: row.s is a text and has no fields"}, {"c: timestamp = row.i8", "c: a number is a time only with the format unix or unixmilli"},
	}
	for _, test := range tests {
		columns := columnsOf(t, test.column)
		columns[0].Zone = time.FixedZone("", 3600)
		got := scan(t, compile(t, Definition{Format: Parquet, Columns: columns}), "x.parquet", data, 0)
		text := strings.Join(got.Rows, "") + strings.Join(got.Rejects, "") + got.Err
		if text != "(null)|0|"+test.want && text != "0:0 "+test.want {
			t.Errorf("%s: %s, want %s", test.column, text, test.want)
		}
	}
}

// A column of the type that has no values, which is how pandas writes one that is
// empty, is null, and a key that is null is rejected.
func TestParquetVoid(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{
		field("id", arrow.PrimitiveTypes.Int64), field("void", arrow.Null), field("tags", arrow.ListOf(arrow.Null)),
		field("shop", arrow.StructOf(field("name", arrow.BinaryTypes.String), field("none", arrow.Null))),
	}, nil)
	data := parquetOf(t, schema, `{"id": 7, "void": null, "tags": [null, null], "shop": {"name": "W", "none": null}}`)
	for column, want := range map[string]string{
		"c: string = row.void": "(null)", "c: int = row.void": "(null)", "c: date = row.void": "(null)", "c: list(string) = row.void": "(null)", "c: map(string) = row.void": "(null)",
		"c: bool = row.void == null": "true", "c: bool = has(row.void)": "false", `c: string = coalesce(row.void, "none")`: "none", "c: string = row.void.x": "(null)",
		"c: list(string) = row.tags": "[null,null]", "c: int = size(row.tags)": "2", "c: string = row.tags[0]": "(null)",
		"c: string = row.shop.none": "(null)", "c: struct{name: string, none: double} = row.shop": `{"name":"W","none":null}`, "c: bool = row.shop.none == null": "true",
	} {
		got := scan(t, compile(t, Definition{Format: Parquet, Columns: columnsOf(t, column)}), "x.parquet", data, 0)
		if text := strings.Join(got.Rows, "") + strings.Join(got.Rejects, "") + got.Err; text != "(null)|0|"+want {
			t.Errorf("%s: %s, want %s", column, text, want)
		}
	}
	got := scan(t, compile(t, Definition{Format: Parquet, Key: diag.Plain("row.void"), Columns: columnsOf(t, "c: int = row.id")}), "x.parquet", data, 0)
	if len(got.Rows) > 0 || len(got.Rejects) != 1 {
		t.Errorf("by a key that is null: %+v", got)
	}
}

// A column of the declared type is the file's own array.
func TestParquetShares(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all := randomRecord(r, 50)
	defer all.Release()
	shared := map[string]bool{}
	for _, c := range natural(t) {
		for i, f := range parquetSchema.Fields() {
			if f.Name != c.Name.Value {
				continue
			}
			if out, ok := share(memory.DefaultAllocator, all.Column(i), c.Type, time.UTC); ok {
				shared[f.Name] = true
				if !arrow.TypeEqual(out.DataType(), c.Type.Arrow()) {
					t.Errorf("%s is %s", f.Name, out.DataType())
				}
				out.Release()
			}
		}
	}
	want := map[string]bool{"id": true, "f64": true, "b": true, "d9": true, "d15": true, "day": true, "nested": true, "ts_us": true, "ts_us_wall": true}
	if diff := cmp.Diff(want, shared); diff != "" {
		t.Error(diff)
	}
	clean := recordOf(t, parquetSchema, `{"s": "Käse", "tags": ["a", null], "shop": {"name": "W"}, "prices": [{"shop": "J"}], "nested": null}`)
	defer clean.Release()
	for _, c := range columnsOf(t, `s: string; tags: list(string); shop: struct{name: string, at: struct{lat: double}}; prices: list(struct{shop: string, amount: decimal(12,2)})`) {
		at := parquetSchema.FieldIndices(c.Name.Value)[0]
		out, ok := share(memory.DefaultAllocator, clean.Column(at), c.Type, time.UTC)
		if !ok {
			t.Errorf("%s is copied", c.Name.Value)
			continue
		}
		if !array.Equal(out, clean.Column(at)) {
			t.Errorf("%s: %v is not %v", c.Name.Value, out, clean.Column(at))
		}
		out.Release()
	}
}

// Maps are put in order, narrow numbers and times are widened, all at once.
func TestParquetWidens(t *testing.T) {
	tests := []struct {
		column, row string
		shared      bool
	}{
		{"m: map(int)", `{"m": [{"key": "a", "value": 1}, {"key": "b", "value": null}]}`, true},
		{"m: map(int)", `{"m": [{"key": "b", "value": 1}, {"key": "a", "value": 2}]}`, true},
		{"m: map(int)", `{"m": [{"key": "a", "value": 1}, {"key": "", "value": 2}]}`, false},
		{"m: map(int)", `{"m": null}`, true},
		{"i32: int", `{"i32": -5}`, true},
		{"ts_ms: timestamp", `{"ts_ms": "2024-02-29 12:00:00.5"}`, true},
		{"ts_s: timestamp", `{"ts_s": null}`, true},
	}
	for _, test := range tests {
		column := columnsOf(t, test.column)[0]
		record := recordOf(t, parquetSchema, test.row)
		values := record.Column(parquetSchema.FieldIndices(column.Name.Value)[0])
		out, ok := share(memory.DefaultAllocator, values, column.Type, time.UTC)
		if ok != test.shared {
			t.Errorf("%s of %s: shared is %v", test.column, test.row, ok)
		}
		if ok {
			out.Release()
		}
		record.Release()
	}
}
