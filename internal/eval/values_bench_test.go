package eval

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/predicate"
)

// BenchmarkValues computes derived columns over columns, and the same row by row.
func BenchmarkValues(b *testing.B) {
	const rows = 16 << 10
	env := predicate.OfferEnv(market(b), predicate.OfferOptions{})
	d := dice{rand.New(rand.NewPCG(1, 2))}
	batch := d.batch(b, market(b), rows)
	var all []int
	for i := range rows {
		all = append(all, i)
	}
	for name, text := range map[string]string{
		"text":   `"https://example.org/p/" + offer.code`,
		"choice": `offer.stock > 0 ? "in stock" : "out of stock"`,
		"sum":    "coalesce(offer.price, 0.0) * 1.19 + coalesce(offer.msrp, 0.0)",
		"list":   `first(offer.prices.filter(p, p.currency == "EUR")).gross`,
	} {
		x, mistakes := env.Value(diag.Plain(text))
		if mistakes != nil {
			b.Fatal(mistakes)
		}
		b.Run(name+"/columns", func(b *testing.B) {
			values := CompileValues([]*predicate.Expr{x})
			if slow := values.Slow(); len(slow) > 0 {
				b.Fatalf("%+v", slow)
			}
			for b.Loop() {
				values.Each(batch, all, time.Time{}, func(int, int, any, error) {})
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run(name+"/rows", func(b *testing.B) {
			vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}}
			for b.Loop() {
				for _, row := range all {
					vars.Offer.Index = row
					_, _ = x.Eval(&vars) // some fail
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
