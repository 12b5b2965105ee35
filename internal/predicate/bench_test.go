package predicate

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/diag"
)

// BenchmarkEval evaluates values of offers, as derived columns do, with cel-go's
// plain program for comparison.
func BenchmarkEval(b *testing.B) {
	env := OfferEnv(offers(b), OfferOptions{Now: true})
	batch := benchRows(b, 1024)
	for _, text := range []string{
		`offer.name`, `offer.shop.home.city`, `offer.price * 1.2`, `"https://example.org/p/" + offer.code`,
		`first(offer.prices.filter(p, p.currency == "EUR")).gross`, `avg(offer.prices.map(p, p.gross))`,
		`offer.price > 3 && offer.shop.name in ["new", "hot"] && offer.tags.exists(t, t == "hot")`,
	} {
		b.Run(text, func(b *testing.B) {
			x := mustValue(b, env, text)
			v := Vars{Offer: Row{Batch: batch}, Now: time.Unix(0, 0)}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				v.Offer.Index = i & 1023
				_, _ = x.Eval(&v)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run("cel-go/"+text, func(b *testing.B) {
			d := diag.Plain(text)
			tree, _ := env.parse(&d)
			checked, _ := env.check(tree)
			program, err := env.cel.PlanProgram(checked)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				vars := map[string]any{"offer": batch.view(env.structs["@offer"]).value(i & 1023), "now": time.Unix(0, 0)}
				_, _, _ = program.Eval(vars)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkEvalRow evaluates values of dynamic rows, as sources do.
func BenchmarkEvalRow(b *testing.B) {
	env := RowEnv(RowShape{Item: true})
	v := rowVars()
	for _, text := range []string{`row.code`, `row["name.en_US"]`, `row.code + "@" + item.price`, `item.price != ""`, `row.tags.map(t, t)`, `row.absent + "x"`} {
		b.Run(text, func(b *testing.B) {
			x := mustValue(b, env, text)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = x.Eval(v)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkCompile compiles a feed's condition.
func BenchmarkCompile(b *testing.B) {
	env := OfferEnv(offers(b), OfferOptions{Now: true, Shared: Shared{"sellable": diag.Plain("offer.price > 0 && has(offer.name)")}})
	for b.Loop() {
		mustPredicate(b, env, `shared.sellable && offer.shop.name == "WELLCOME" && offer.price < 50.0 && offer.tags.exists(t, t == "hot")`)
	}
}

func benchRows(b *testing.B, n int) *Batch {
	g := &generator{rand.New(rand.NewPCG(1, 1))}
	rows := make([]string, n)
	for i := range rows {
		rows[i] = g.object(offers(b), "x")
	}
	return NewBatch(batchOf(b, offers(b), "["+strings.Join(rows, ",")+"]"))
}
