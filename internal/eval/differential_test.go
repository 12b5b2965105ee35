package eval

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/predicate"
)

// lengths are those at which words begin and end.
var lengths = []int{0, 1, 2, 3, 5, 8, 13, 20, 63, 64, 65, 127, 128, 129}

// TestAgainstRows runs programs of random predicates over random batches: what
// they say is what the row-wise evaluator says.
func TestAgainstRows(t *testing.T) {
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	base := uint64(time.Now().UnixNano())
	for i := range rounds {
		differ(t, base+uint64(i))
	}
}

// TestBlockEdges runs programs over batches of a block and of more than one.
func TestBlockEdges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	for i, rows := range []int{blockRows - 1, blockRows, blockRows + 1, 2*blockRows + 65} {
		differOver(t, seed+uint64(i), rows)
	}
}

// FuzzAgainstRows does the same for seeds that a fuzzer makes; it is meant for
// hours.
func FuzzAgainstRows(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(differ)
}

var noon = time.Date(2026, 2, 1, 12, 0, 0, 1, time.UTC)

// differ compares a program of a seed's predicates with the row-wise evaluator.
func differ(t *testing.T, seed uint64) {
	differOver(t, seed, lengths[rand.New(rand.NewPCG(seed, 1)).IntN(len(lengths))])
}

// differOver does so over batches of so many rows.
func differOver(t *testing.T, seed uint64, rows int) {
	d := dice{rand.New(rand.NewPCG(seed, 0))}
	env := predicate.OfferEnv(market(t), predicate.OfferOptions{Now: true})
	var predicates []*predicate.Expr
	for len(predicates) < 12 {
		if x, mistakes := env.Predicate(diag.Plain(d.of("bool", 1+d.IntN(4)))); mistakes == nil {
			predicates = append(predicates, x) // null has no place in some
		}
	}
	program := Compile(predicates)
	for range 2 {
		agree(t, fmt.Sprintf("seed %d", seed), predicates, program, d.batch(t, market(t), rows))
	}
}

// agree runs a program over a batch and compares with the row-wise evaluator,
// row by row.
func agree(t testing.TB, what string, predicates []*predicate.Expr, program *Program, batch arrow.RecordBatch) {
	t.Helper()
	got := program.Run(batch, noon)
	want := newResult(len(predicates), int(batch.NumRows()))
	vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: noon}
	for i, x := range predicates {
		for row := range int(batch.NumRows()) {
			vars.Offer.Index = row
			outcome, err := x.Decide(&vars)
			want.add(i, row, outcome)
			if got.Selected[i].Has(row) != (outcome == predicate.True) {
				t.Fatalf("%s: %s, row %d of %d: selected %v, want %v (%v)\nterm %s", what, x.Text(), row, batch.NumRows(), got.Selected[i].Has(row), outcome, err, format(program, i))
			}
		}
		if got.Undecided[i] != want.Undecided[i] || got.Errors[i] != want.Errors[i] {
			t.Fatalf("%s: %s: %d undecided and %d errors, want %d and %d\nterm %s", what, x.Text(), got.Undecided[i], got.Errors[i], want.Undecided[i], want.Errors[i], format(program, i))
		}
	}
	compareSamples(t, what, got, want)
}

func format(p *Program, i int) string { return p.plan.table.Format(p.plan.roots[i]) }

// compareSamples compares the samples, of which a program gives only so many.
func compareSamples(t testing.TB, what string, got, want *Result) {
	t.Helper()
	for i := range got.Samples {
		for _, s := range got.Samples[i] {
			if s.Reason == "" {
				t.Errorf("%s: a sample without a reason", what)
			}
			found := false
			for _, w := range want.Samples[i] {
				found = found || w.Row == s.Row && w.Outcome == s.Outcome
			}
			if !found {
				t.Errorf("%s: predicate %d has a sample of row %d, want one of %v", what, i, s.Row, want.Samples[i])
			}
		}
	}
}
