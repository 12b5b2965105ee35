package generate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// BenchmarkRun makes 20 feeds of 2 renderings of 5,000 offers; its rate is offers
// read.
func BenchmarkRun(b *testing.B) {
	var feeds strings.Builder
	for i := range 20 {
		fmt.Fprintf(&feeds, "feed: f%d\ntemplate: shop\nwhere: offer.price > %d.0 && offer.stock >= %d\nfields: {title: offer.%s, price: offer.price}\n---\n",
			i, 4*i, i%3, []string{"title", "title_de"}[i%2])
	}
	m := newMarket(b, feeds.String())
	rows := randomRows(rand.New(rand.NewPCG(1, 1)), 5000)
	m.aggregate(rows)
	store := m.store
	b.ReportAllocs()
	for b.Loop() {
		o := m.options()
		o.Store = copied(b, store)
		if _, err := Run(context.Background(), o); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "offers/s")
}
