package parquetio_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// offers returns a batch of 25 columns that looks like a marketplace: some are
// unique, some repeat, some are nested.
func offers(t testing.TB, rows int) arrow.RecordBatch {
	t.Helper()
	var schema offer.Schema
	for _, c := range strings.Fields("id:string title:string description:string url:string image:string code:string brand:string seller:string category:string " +
		"state:string currency:string price:decimal(12,2) before:decimal(12,2) cost:decimal(12,2) stock:int sold:int views:int rating:double weight:double " +
		"sale:bool adult:bool seen:timestamp day:date tags:list(string) shop:struct{name:string,rating:double,open:bool}") {
		name, text, _ := strings.Cut(c, ":")
		parsed, err := offer.ParseType(text)
		if err != nil {
			t.Fatal(err)
		}
		schema = append(schema, offer.Field{Name: name, Type: parsed})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema.Arrow())
	defer b.Release()
	m := &market{Rand: rand.New(rand.NewPCG(1, 2))}
	for m.row = range rows {
		for i, f := range b.Fields() {
			m.append(f, schema[i].Name)
		}
	}
	return b.NewRecordBatch()
}

type market struct {
	*rand.Rand
	row int
}

var words = strings.Fields("fine small large red green blue cotton wool steel glass organic fresh classic modern compact wireless portable kitchen garden outdoor " +
	"summer winter premium basic soft strong light heavy round square coffee tea bread cake shirt shoe lamp chair table cable phone case watch ring")

func (m *market) text(n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(words[m.IntN(len(words))])
		b.WriteByte(' ')
	}
	fmt.Fprint(&b, m.row)
	return b.String()
}

func (m *market) append(b array.Builder, name string) {
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(m.string(name))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(int64(m.IntN(2000))*100 + 99))
	case *array.Int64Builder:
		b.Append(int64(m.ExpFloat64() * 50))
	case *array.Float64Builder:
		b.Append(float64(m.IntN(50)) / 10)
	case *array.BooleanBuilder:
		b.Append(m.IntN(10) == 0)
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(1.78e15 + m.Int64N(86400e6)))
	case *array.Date32Builder:
		b.Append(arrow.Date32(20000 + m.IntN(300)))
	case *array.ListBuilder:
		b.Append(true)
		for range m.IntN(4) {
			m.append(b.ValueBuilder(), "tag")
		}
	case *array.StructBuilder:
		b.Append(m.IntN(20) > 0)
		for i := range b.NumField() {
			m.append(b.FieldBuilder(i), "seller")
		}
	default:
		panic(fmt.Sprintf("no values for %T", b))
	}
}

func (m *market) string(name string) string {
	switch name {
	case "id":
		return fmt.Sprintf("P%09d@S%d", m.Uint32()%1e9, m.row)
	case "title":
		return m.text(6)
	case "description":
		return m.text(25)
	case "url", "image":
		return fmt.Sprintf("https://shop.example.org/%s/%s-%d", words[m.IntN(len(words))], words[m.IntN(len(words))], m.row)
	case "code":
		return fmt.Sprintf("P%06d", m.IntN(1e6))
	case "category":
		return words[m.IntN(12)] + " > " + words[m.IntN(20)] + " > " + words[m.IntN(len(words))]
	case "brand":
		return fmt.Sprintf("Brand %d", int(m.ExpFloat64()*100))
	case "state":
		return []string{"new", "used", "refurbished"}[m.IntN(3)]
	case "currency":
		return []string{"EUR", "HKD"}[m.IntN(2)]
	default:
		return words[m.IntN(len(words))]
	}
}

// BenchmarkWrite compares this package with Arrow's writer.
func BenchmarkWrite(b *testing.B) {
	const rows = 128 << 10
	batch := offers(b, rows)
	var cuts []arrow.RecordBatch
	for at := int64(0); at < rows; at += 16 << 10 {
		cuts = append(cuts, batch.NewSlice(at, at+16<<10))
	}
	unique := []string{"id", "title", "description", "url", "image"}
	run := func(name string, write func() int64) {
		b.Run(name, func(b *testing.B) {
			var size int64
			b.ReportAllocs()
			for b.Loop() {
				size = write()
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1000, "krows/s")
			b.ReportMetric(float64(size)/rows, "B/row")
		})
	}
	run("ours", func() int64 {
		return writeAll(b, mem.New(), "rows", batch.Schema(), parquetio.Options{NoDictionary: unique}, cuts...).Bytes
	})
	run("arrow", func() int64 { return writeArrow(b, batch, unique) })
}

func writeArrow(b *testing.B, batch arrow.RecordBatch, unique []string) int64 {
	properties := []parquet.WriterProperty{parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1), parquet.WithMaxRowGroupLength(parquetio.RowGroupRows), parquet.WithStoreDecimalAsInteger(true)}
	for _, name := range unique {
		properties = append(properties, parquet.WithDictionaryFor(name, false))
	}
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(batch.Schema(), &out, parquet.NewWriterProperties(properties...), pqarrow.DefaultWriterProps())
	if err == nil {
		err = w.Write(batch)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	return int64(out.Len())
}

func BenchmarkRead(b *testing.B) {
	const rows = 128 << 10
	batch := offers(b, rows)
	store := mem.New()
	writeAll(b, store, "rows", batch.Schema(), parquetio.Options{}, batch)
	for name, columns := range map[string][]string{"all": nil, "six": {"price", "stock", "brand", "seller", "sale", "rating"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				scan(b, store, columns)
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1000, "krows/s")
		})
	}
}

func scan(b *testing.B, store *mem.Store, columns []string) {
	r, err := parquetio.Open(context.Background(), store, "rows", parquetio.ReadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	s := r.Scan(context.Background(), columns)
	defer s.Close()
	for {
		batch, err := s.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			b.Fatal(err)
		}
		batch.Release()
	}
}
