package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/predicate"
)

// TestValuesAgainstRows computes random expressions over random batches: their
// values are those of the row-wise evaluator.
func TestValuesAgainstRows(t *testing.T) {
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	base := uint64(time.Now().UnixNano())
	columns := 0
	for i := range rounds {
		columns += differInValues(t, base+uint64(i), lengths[i%len(lengths)])
	}
	for i, rows := range []int{blockRows - 1, blockRows + 1, 2*blockRows + 65} {
		columns += differInValues(t, base+uint64(rounds+i), rows)
	}
	if columns < 4*rounds {
		t.Errorf("only %d expressions were computed over columns", columns)
	}
}

// FuzzValues does the same for seeds that a fuzzer makes.
func FuzzValues(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { differInValues(t, seed, lengths[seed%uint64(len(lengths))]) })
}

// differInValues compares the values of a seed's expressions, and returns how many
// of them terms can say.
func differInValues(t *testing.T, seed uint64, n int) int {
	d := dice{rand.New(rand.NewPCG(seed, 2))}
	env := predicate.OfferEnv(market(t), predicate.OfferOptions{Now: true})
	var exprs []*predicate.Expr
	for len(exprs) < 10 {
		kind := d.pick("bool", "int", "double", "string", "time", "span", "list")
		if x, mistakes := env.Value(diag.Plain(d.of(kind, 1+d.IntN(4)))); mistakes == nil {
			exprs = append(exprs, x)
		}
	}
	values := CompileValues(exprs)
	for range 2 {
		batch := d.batch(t, market(t), n)
		var rows []int
		for row := range n {
			if d.IntN(3) > 0 {
				rows = append(rows, row)
			}
		}
		vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: noon}
		taken := make([]int, len(exprs))
		values.Each(batch, rows, noon, func(i, row int, got any, err error) {
			if rows[taken[i]] != row {
				t.Fatalf("seed %d: %s: row %d after %d others", seed, exprs[i].Text(), row, taken[i])
			}
			taken[i]++
			vars.Offer.Index = row
			want, wantErr := exprs[i].Eval(&vars)
			if fmt.Sprint(err) != fmt.Sprint(wantErr) || !equalValues(got, want) {
				t.Fatalf("seed %d, row %d of %d: %s\n%#v, %v\nwant %#v, %v", seed, row, n, exprs[i].Text(), got, err, want, wantErr)
			}
		})
		for i, n := range taken {
			if n != len(rows) {
				t.Fatalf("seed %d: %s: %d of %d rows", seed, exprs[i].Text(), n, len(rows))
			}
		}
		batch.Release()
	}
	return len(exprs) - len(values.Slow())
}

// equalValues compares plain values; NaN is NaN.
func equalValues(a, b any) bool {
	if x, ok := a.(float64); ok {
		y, ok := b.(float64)
		return ok && math.Float64bits(x) == math.Float64bits(y) || ok && math.IsNaN(x) && math.IsNaN(y)
	}
	if x, ok := a.(time.Time); ok {
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	return fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
}
