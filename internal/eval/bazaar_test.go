package eval

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/parquetio/encodedtest"
)

// bazaar is the market with lists of structs with lists, and lists of everything.
func bazaar(t testing.TB) offer.Schema {
	t.Helper()
	schema := market(t)
	for _, c := range []string{
		"big int", "ratio double", "end timestamp", "times list(timestamp)", "days list(date)", "amounts list(decimal(12,2))", "notes map(string)",
		"stalls list(struct{name: string, open: bool, rent: double, floor: int, since: timestamp, tags: list(string), goods: list(struct{code: string, net: double, stock: int, marks: list(string)}), attrs: map(string), home: struct{city: string, zip: int}})",
		"depot struct{name: string, inner: struct{open: bool, day: date, stalls: list(struct{code: string, net: double, marks: list(string)})}, levels: list(int)}",
		"lines list(list(string))", "sheets list(list(list(double)))",
	} {
		name, text, _ := strings.Cut(c, " ")
		typ, err := offer.ParseType(text)
		if err != nil {
			t.Fatal(err)
		}
		schema = append(schema, offer.Field{Name: name, Type: typ})
	}
	return schema
}

// layout is an Arrow type that may hold values of a type: of other widths, units
// and offsets than ours.
func (d dice) layout(typ offer.Type) arrow.DataType {
	if d.IntN(3) > 0 && typ.Kind < offer.List {
		return typ.Arrow()
	}
	switch typ.Kind {
	case offer.String:
		return arrow.BinaryTypes.LargeString
	case offer.Int:
		return []arrow.DataType{arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int8,
			arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint8}[d.IntN(6)]
	case offer.Double:
		return arrow.PrimitiveTypes.Float32
	case offer.Decimal:
		return &arrow.Decimal128Type{Precision: 38, Scale: []int32{0, 2, 9, 25}[d.IntN(4)]}
	case offer.Timestamp:
		return &arrow.TimestampType{Unit: []arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Nanosecond}[d.IntN(3)], TimeZone: "UTC"}
	case offer.List:
		if d.IntN(4) == 0 {
			return arrow.LargeListOf(d.layout(*typ.Elem))
		}
		return arrow.ListOf(d.layout(*typ.Elem))
	case offer.Map:
		return arrow.MapOf(arrow.BinaryTypes.String, d.layout(*typ.Elem))
	case offer.Struct:
		fields := make([]arrow.Field, len(typ.Fields))
		for i, at := range d.Perm(len(fields)) {
			fields[i] = arrow.Field{Name: typ.Fields[at].Name, Type: d.layout(typ.Fields[at].Type), Nullable: true}
		}
		return arrow.StructOf(fields...)
	default:
		return typ.Arrow()
	}
}

// rows makes a slice of random rows, in layouts that may differ from ours, and
// sometimes with values behind its nulls.
func (d dice) rows(t testing.TB, schema offer.Schema, n int) arrow.RecordBatch {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	fields, columns := make([]arrow.Field, len(schema)), make([]arrow.Array, len(schema))
	before, after, nulls, odd, hide := d.IntN(70), d.IntN(3), d.IntN(5), d.IntN(2) == 0, d.IntN(3) == 0
	for i, at := range d.Perm(len(schema)) {
		f := schema[at]
		fields[i] = arrow.Field{Name: f.Name, Type: f.Type.Arrow(), Nullable: true}
		if odd {
			fields[i].Type = d.layout(f.Type)
		}
		b := array.NewBuilder(mem, fields[i].Type)
		for range before + n + after {
			d.put(b, nulls)
		}
		columns[i] = b.NewArray()
		b.Release()
		if hide {
			columns[i] = d.hidden(mem, columns[i])
		}
	}
	whole := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(before+n+after))
	for _, c := range columns {
		c.Release()
	}
	slice := whole.NewSlice(int64(before), int64(before+n))
	whole.Release()
	t.Cleanup(func() { slice.Release(); mem.AssertSize(t, 0) })
	return slice
}

// hidden returns an array with nulls of its own at every level, in place of
// itself: what stood there still does, behind them.
func (d dice) hidden(mem memory.Allocator, a arrow.Array) arrow.Array {
	data := d.hide(mem, a.Data(), true)
	defer data.Release()
	a.Release()
	return array.MakeFromData(data)
}

func (d dice) hide(mem memory.Allocator, from arrow.ArrayData, nullable bool) arrow.ArrayData {
	buffers := append([]*memory.Buffer(nil), from.Buffers()...)
	isMap := from.DataType().ID() == arrow.MAP
	var children []arrow.ArrayData
	for _, c := range from.Children() {
		child := d.hide(mem, c, !isMap)
		if isMap { // neither entries nor keys are null
			child.Release()
			items := d.hide(mem, c.Children()[1], true)
			child = array.NewData(c.DataType(), c.Len(), c.Buffers(), []arrow.ArrayData{c.Children()[0], items}, c.NullN(), c.Offset())
			items.Release()
		}
		children = append(children, child)
		defer child.Release()
	}
	if nullable && d.IntN(2) == 0 {
		validity := memory.NewResizableBuffer(mem)
		defer validity.Release()
		validity.Resize((from.Offset() + from.Len() + 7) / 8)
		for i := range validity.Bytes() {
			validity.Bytes()[i] = byte(d.Uint32())
		}
		buffers[0] = validity
		return array.NewData(from.DataType(), from.Len(), buffers, children, array.UnknownNullCount, from.Offset())
	}
	return array.NewData(from.DataType(), from.Len(), buffers, children, from.NullN(), from.Offset())
}

// randomTimes are times in microseconds: the ends of what CEL and Arrow know, and those
// at which clocks change.
var randomTimes = []int64{
	0, -1, 1769853600000000, 1768435200000000, 1769853600000001, -62135596800000000, -62135596800000001, 253402300799999999, 253402300800000000,
	math.MaxInt64, math.MinInt64, utc("2026-03-29T00:59:59Z"), utc("2026-03-29T01:00:00Z"), utc("2026-10-25T00:30:00Z"), utc("2026-10-25T01:00:00Z"),
	utc("2024-02-29T23:59:59.999999Z"), utc("1883-11-18T12:00:00Z"), utc("2026-01-31T10:00:00Z"), utc("1969-12-31T23:59:59.999999Z"), utc("2026-02-01T12:00:00Z"),
}

func utc(text string) int64 {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}

var (
	randomInts = []int64{0, 1, 2, 3, 5, -1, -7, 12, 127, -128, 255, 65535, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1,
		1 << 53, 1<<53 + 1, 1<<53 - 1, -1<<53 - 1, 1 << 62, 3037000500, 86400}
	randomDoubles = []float64{0, math.Copysign(0, -1), 1, 1.5, 12, -2.25, 0.1, 3, -7, 1e300, -1e300, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64,
		1 << 53, 1<<53 + 2, -(1 << 53), 1 << 63, -(1 << 63), 1 << 62, 9.3e18, 2.5, -2.5, 0.5, float64(float32(0.1))}
	randomTexts = []string{"new", "hot", "Käse", "", "P1", "7", "2.5", "EUR", "e", "\xff\xfeew", "été", "e\u0301te\u0301", "NEW", "x new hot", "true", "日本語", "👩\u200d👩\u200d👧 ew", "\u00a0 trim\t\u3000",
		"a\x00b", "ΑΘΗΝΑ ς", "İı", "\xe2\x82", "%s", "(", "2026-01-31T10:00:00Z", "2026-10-25T02:30:00+02:00", "1h", "-9223372036854775808", "9223372036854775808", "1e400", "NaN", " 7", "0x1F", "no", "Käse,Käse,new", strings.Repeat("ew é ", 60)}
	randomKeys = []string{"color", "size", "net", "é", ""}
)

// put appends a random value; one of some is null, none if nulls is 0.
func (d dice) put(b array.Builder, nulls int) {
	if nulls > 0 && d.IntN(7) < nulls-1 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(d.pick(randomTexts...))
	case *array.LargeStringBuilder:
		b.Append(d.pick(randomTexts...))
	case *array.BooleanBuilder:
		b.Append(d.IntN(2) == 0)
	case *array.Float64Builder:
		b.Append(randomDoubles[d.IntN(len(randomDoubles))])
	case *array.Float32Builder:
		b.Append(float32(randomDoubles[d.IntN(len(randomDoubles))]))
	case *array.Decimal128Builder:
		d.putDecimal(b)
	case *array.TimestampBuilder:
		d.putTime(b)
	case *array.Date32Builder:
		b.Append([]arrow.Date32{0, 20484, 20485, -1, 19782, -719162, 2932896, 2932897, math.MaxInt32, math.MinInt32}[d.IntN(8)])
	case *array.MapBuilder:
		b.Append(true)
		for range d.IntN(4) {
			b.KeyBuilder().(*array.StringBuilder).Append(d.pick(randomKeys...))
			d.put(b.ItemBuilder(), nulls)
		}
	case array.ListLikeBuilder:
		b.Append(true)
		for range d.IntN(4) * d.longer(b) {
			d.put(b.ValueBuilder(), nulls)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			d.put(b.FieldBuilder(i), nulls)
		}
	default:
		d.putInt(b)
	}
}

// longer makes a few lists of scalars long; others would have too much in them.
func (d dice) longer(b array.ListLikeBuilder) int {
	switch b.ValueBuilder().(type) {
	case array.ListLikeBuilder, *array.StructBuilder:
		return 1
	}
	return 1 + d.IntN(8)/7*20
}

func (d dice) putInt(b array.Builder) {
	v := randomInts[d.IntN(len(randomInts))]
	switch b := b.(type) {
	case *array.Int64Builder:
		b.Append(v)
	case *array.Int32Builder:
		b.Append(int32(v))
	case *array.Int16Builder:
		b.Append(int16(v))
	case *array.Int8Builder:
		b.Append(int8(v))
	case *array.Uint32Builder:
		b.Append(uint32(v))
	case *array.Uint16Builder:
		b.Append(uint16(v))
	case *array.Uint8Builder:
		b.Append(uint8(v))
	}
}

func (d dice) putDecimal(b *array.Decimal128Builder) {
	v := decimal128.FromI64([]int64{0, 10, 1200, -305, 150, 99999, 1<<53 + 1, math.MaxInt64}[d.IntN(8)])
	if d.IntN(8) == 0 {
		v = decimal128.New(int64(d.Uint32()), d.Uint64())
	}
	b.Append(v)
}

// putTime puts a tick; times beyond what microseconds hold only rarely, since a
// batch with one is decided row by row.
func (d dice) putTime(b *array.TimestampBuilder) {
	us := randomTimes[d.IntN(len(randomTimes))]
	switch b.Type().(*arrow.TimestampType).Unit {
	case arrow.Second:
		us /= 1_000_000
		if d.IntN(3000) == 0 {
			us = math.MaxInt64
		}
	case arrow.Millisecond:
		us /= 1000
	case arrow.Nanosecond:
		us = us*1000 + int64(d.IntN(2))
	}
	b.Append(arrow.Timestamp(us))
}

// encoded returns a batch of which some texts are dictionaries.
func (d dice) encoded(t testing.TB, from arrow.RecordBatch) arrow.RecordBatch {
	t.Helper()
	return encodedtest.Batch(t, from, func() bool { return d.IntN(3) > 0 })
}

// A tape is a source of randomness that a fuzzer writes; when it ends, a seed
// goes on.
type tape struct {
	bytes []byte
	rest  rand.Source
}

func (s *tape) Uint64() uint64 {
	if len(s.bytes) == 0 {
		return s.rest.Uint64()
	}
	b := uint64(s.bytes[0])
	s.bytes = s.bytes[1:]
	return b * 0x0101010101010101
}
