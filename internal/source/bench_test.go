package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/diag"
)

// BenchmarkRead reads the same offers in every format.
func BenchmarkRead(b *testing.B) {
	rows := 50_000
	if testing.Short() {
		rows = 500
	}
	for _, format := range []string{JSON, JSONL, CSV, Parquet} {
		b.Run(format, func(b *testing.B) {
			data := benchFile(b, format, rows)
			s := compile(b, Definition{Format: format, Key: diag.Plain("row.id"), Columns: columnsOf(b,
				"seller: string; title: string; price: decimal(12,2); stock: int; rating: double; seen: timestamp")})
			files := store(b, "x."+format, data)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				scanner, err := s.Open(b.Context(), files, "x."+format, File{URL: "mem://w/", Name: "x." + format},
					ScanOptions{Alloc: memory.DefaultAllocator, Reject: func(r Reject) { b.Fatal(r) }})
				if err != nil {
					b.Fatal(err)
				}
				if got := benchScan(b, scanner); got != int64(rows) {
					b.Fatalf("%d rows", got)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1000, "krows/s")
		})
	}
}

func benchScan(b *testing.B, scanner *Scanner) (rows int64) {
	b.Helper()
	for {
		record, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		rows += record.NumRows()
		record.Release()
	}
	if err := scanner.Close(); err != nil {
		b.Fatal(err)
	}
	return rows
}

// benchFile writes offers in a format.
func benchFile(b *testing.B, format string, rows int) []byte {
	b.Helper()
	lines := make([]string, rows)
	for i := range lines {
		if format == CSV {
			lines[i] = fmt.Sprintf(`o%d,s%d,"Pan, number %d",%d.95,%d,4.5,2026-01-02T03:04:05Z`, i, i%500, i, i%1000, i%7)
			continue
		}
		lines[i] = fmt.Sprintf(`{"id":"o%d","seller":"s%d","title":"Pan, number %d","price":"%d.95","stock":%d,"rating":4.5,"seen":"2026-01-02T03:04:05Z"}`,
			i, i%500, i, i%1000, i%7)
	}
	switch format {
	case CSV:
		return []byte("id,seller,title,price,stock,rating,seen\n" + strings.Join(lines, "\n"))
	case JSON:
		return []byte("[" + strings.Join(lines, ",\n") + "]")
	case Parquet:
		schema := arrow.NewSchema([]arrow.Field{
			{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "seller", Type: arrow.BinaryTypes.String}, {Name: "title", Type: arrow.BinaryTypes.String},
			{Name: "price", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}}, {Name: "stock", Type: arrow.PrimitiveTypes.Int64},
			{Name: "rating", Type: arrow.PrimitiveTypes.Float64}, {Name: "seen", Type: arrow.FixedWidthTypes.Timestamp_us},
		}, nil)
		return parquetOf(b, schema, strings.Join(lines, "\n"))
	default:
		return []byte(strings.Join(lines, "\n"))
	}
}
