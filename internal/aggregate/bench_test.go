package aggregate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// benchRows is how many offers the benchmarks have.
func benchRows() int {
	if testing.Short() {
		return 2_000
	}
	return 100_000
}

const benchLog = `
warehouse: ./warehouse
partitions: 4
sources:
  changes:
    path: data/log/{version}/*.jsonl
    format: jsonl
    keep: log
    key: row.id
    order: row.at
    deleted: row.op == "D"
    columns: {seller: string, title: string, price: "decimal(12,2)", tags: list(string)}
offer: {from: changes}
`

// logDelivery writes a delivery of n changes of keys below keys.
func logDelivery(s *shop, r *rand.Rand, version string, n, keys int) {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"id":"k%d","at":%d,"op":%q,"seller":"s%d","title":"An offer that is number %d","price":"%d.95","tags":["a","b%d"]}`+"\n",
			r.IntN(keys), i, "DUUUUUUUUU"[r.IntN(10):][:1], r.IntN(500), i, r.IntN(1000), r.IntN(9))
	}
	s.put("log/"+version+"/0.jsonl", text.String())
}

// phases reports how many rows a second a phase took on average.
func phases(b *testing.B, seconds map[string]float64, rows int) {
	for phase, sum := range seconds {
		b.ReportMetric(float64(rows)*float64(b.N)/sum/1000, phase+"-krows/s")
	}
}

// BenchmarkCompact merges a log of three changes a key into a state, and then a
// delivery with 15 % of the keys.
func BenchmarkCompact(b *testing.B) {
	n := benchRows()
	s := newShop(b, benchLog)
	r := rand.New(rand.NewPCG(1, 1))
	logDelivery(s, r, "1", 3*n, n)
	full, increment := map[string]float64{}, map[string]float64{}
	for b.Loop() {
		fresh := s.afresh()
		add(full, benchRun(b, fresh, asOf("1")))
		logDelivery(s, r, "2", n*15/100, n)
		add(increment, benchRun(b, fresh))
		s.remove("log/2/0.jsonl")
	}
	phases(b, map[string]float64{"full": full[compactPhase], "increment": increment[compactPhase]}, n)
}

const benchJoins = `
warehouse: ./warehouse
partitions: 4
sources:
  offers: {path: data/offers.jsonl, format: jsonl, key: row.id, columns: {seller: string, title: string}}
  stats: {path: data/stats.jsonl, format: jsonl, key: row.id, columns: {clicks: int, sales: int}}
  sellers: {path: data/sellers.jsonl, format: jsonl, key: row.id, columns: {name: string, rating: double}}
  labels: {path: data/labels.jsonl, format: jsonl, columns: {seller: string, label: string, weight: int}}
offer:
  from: offers
`

// BenchmarkJoin writes snapshots with one kind of join each.
func BenchmarkJoin(b *testing.B) {
	n := benchRows()
	lines := func(n int, line string) string {
		var text strings.Builder
		for i := range n {
			text.WriteString(strings.NewReplacer("$i", fmt.Sprint(i), "$s", fmt.Sprint(i%500)).Replace(line) + "\n")
		}
		return text.String()
	}
	for _, c := range []struct{ name, join string }{
		{"none", ""},
		{"key", "stat: {source: stats, on: offer.id}"},
		{"one", "shop: {source: sellers, on: offer.seller}"},
		{"many", "labels: {source: labels, on: offer.seller, by: seller, many: true, where: it.weight > 1, order: [it.weight desc], limit: 100}"},
	} {
		b.Run(c.name, func(b *testing.B) {
			yaml := benchJoins
			if c.join != "" {
				yaml += "  join:\n    " + c.join + "\n"
			}
			s := newShop(b, yaml)
			s.put("offers.jsonl", lines(n, `{"id":"k$i","seller":"s$s","title":"Offer $i"}`))
			s.put("stats.jsonl", lines(n, `{"id":"k$i","clicks":$i,"sales":$s}`))
			s.put("sellers.jsonl", lines(500, `{"id":"s$i","name":"Seller $i","rating":4.5}`))
			s.put("labels.jsonl", lines(2000, `{"seller":"s$s","label":"L$i","weight":$s}`))
			sum := map[string]float64{}
			for b.Loop() {
				add(sum, benchRun(b, s.afresh()))
			}
			phases(b, map[string]float64{"write": sum[writePhase]}, n)
		})
	}
}

// benchRun runs the stage as users do, without a checked allocator.
func benchRun(b *testing.B, s *shop, change ...func(*Options)) map[string]float64 {
	b.Helper()
	o := s.options()
	for _, c := range change {
		c(&o)
	}
	report, err := Run(context.Background(), o)
	if err != nil {
		b.Fatal(err)
	}
	return report.Phases
}

func add(sum, seconds map[string]float64) {
	for phase, s := range seconds {
		sum[phase] += s
	}
}
