package synth

import (
	"context"
	"io"
	"testing"
)

func BenchmarkLog(b *testing.B) {
	m, err := New(Options{Offers: 100_000, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	rows, bytes := int64(0), int64(0)
	for b.Loop() {
		rows, bytes = 0, 0
		for slot := range slotsPerDay {
			out := counter{w: io.Discard}
			n, err := m.writeLog(context.Background(), &out, slice{slot, 0, 100_000})
			if err != nil {
				b.Fatal(err)
			}
			rows += n
			bytes += out.n
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(rows)/100_000, "rows/offer")
	b.ReportMetric(float64(bytes)/float64(rows), "bytes/row")
}
