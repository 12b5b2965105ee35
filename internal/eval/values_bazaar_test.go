package eval

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/predicate"
)

// TestBazaarValues compares the values of random expressions over random batches
// with the row-wise evaluator's: nested loops and lists, other layouts, extreme
// values.
func TestBazaarValues(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 20
	}
	seed, expressions, compared := uint64(time.Now().UnixNano()), 0, 0
	for i := range rounds {
		d := dice{rand.New(rand.NewPCG(seed+uint64(i), 8))}
		e, n := visitBazaarValues(t, fmt.Sprintf("seed %d", seed+uint64(i)), d, lengths[d.IntN(len(lengths))])
		expressions, compared = expressions+e, compared+n
	}
	t.Logf("%d expressions, %d of their values compared", expressions, compared)
	if expressions < 5*rounds {
		t.Errorf("only %d expressions", expressions)
	}
}

// FuzzBazaarValues lets a fuzzer choose the expressions and the rows.
func FuzzBazaarValues(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("offers and more offers"))
	f.Fuzz(func(t *testing.T, bytes []byte) {
		h := fnv.New64a()
		h.Write(bytes)
		d := dice{rand.New(&tape{bytes, rand.NewPCG(h.Sum64(), 9)})}
		visitBazaarValues(t, fmt.Sprintf("tape %q", bytes), d, lengths[d.IntN(len(lengths))])
	})
}

// visitBazaarValues returns how many expressions it has made and how many values it
// has compared.
func visitBazaarValues(t *testing.T, what string, d dice, n int) (expressions, compared int) {
	t.Helper()
	env := predicate.OfferEnv(bazaar(t), predicate.OfferOptions{Now: true})
	var exprs []*predicate.Expr
	for tries := 0; len(exprs) < 10 && tries < 2000; tries++ {
		g := grammar{dice: d, named: new(int)}
		kind := d.pick("bool", "int", "double", "string", "time", "span", "list", "doubles", "ints", "prices", "stalls")
		if x, mistakes := env.Value(diag.Plain(g.of(kind, 1+d.IntN(4)))); mistakes == nil {
			exprs = append(exprs, x)
		}
	}
	values := CompileValues(exprs)
	for range 2 {
		batch := d.rows(t, bazaar(t), n)
		if d.IntN(3) == 0 {
			batch = d.encoded(t, batch)
		}
		var rows []int
		for row := range n {
			if d.IntN(3) > 0 {
				rows = append(rows, row)
			}
		}
		vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: noon}
		taken := make([]int, len(exprs))
		values.Each(batch, rows, noon, func(i, at int, got any, err error) {
			if taken[i] >= len(rows) || rows[taken[i]] != at {
				t.Fatalf("%s: %s: row %d after %d others", what, exprs[i].Text(), at, taken[i])
			}
			taken[i]++
			vars.Offer.Index = at
			want, wantErr := exprs[i].Eval(&vars)
			if fmt.Sprint(err) != fmt.Sprint(wantErr) || !equalValues(got, want) {
				t.Fatalf("%s, row %d of %d: %s\n%#v, %v\nwant %#v, %v\nrow %s", what, at, n, exprs[i].Text(), got, err, want, wantErr, row(batch, at))
			}
			compared++
		})
		for i, k := range taken {
			if k != len(rows) {
				t.Fatalf("%s: %s: %d of %d rows", what, exprs[i].Text(), k, len(rows))
			}
		}
	}
	return len(exprs), compared
}
