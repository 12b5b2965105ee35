package eval_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/workspace"
)

const (
	benchFeeds = 1300
	benchRows  = 16 << 10 // of a batch
)

// benchmarked is the predicates of many feeds and what they are about.
func benchmarked(b *testing.B, offers int) ([]*predicate.Expr, *catalogue) {
	b.Helper()
	ws, err := workspace.Load("../../deploy/local/feedmill.yaml", func(string) (string, bool) { return "", false })
	if err != nil {
		b.Fatal(err)
	}
	c := newCatalogue(b, ws.Schema, offers)
	env := predicate.OfferEnv(ws.Schema, predicate.OfferOptions{Now: true, Shared: ws.Shared})
	m := newMarketer(c)
	predicates := make([]*predicate.Expr, benchFeeds)
	for i := range predicates {
		x, mistakes := env.Predicate(diag.Plain(m.feed()))
		if mistakes != nil {
			b.Fatal(mistakes)
		}
		predicates[i] = x
	}
	return predicates, c
}

// BenchmarkFeeds decides the predicates of 1,300 feeds over batches as a snapshot
// has them. Before, it asserts that a sample of the rows is decided as cel-go's own
// programs decide them, row by row, and that what is true, undecided and failed is
// what our row-wise evaluator says; it compares the time with that of both.
//
// The batches that are timed are not those that the program has seen before, so
// that texts which differ from offer to offer are as new as in a run.
func BenchmarkFeeds(b *testing.B) {
	batches, sampled := 8, 400
	if testing.Short() {
		batches, sampled = 1, 20
	}
	predicates, c := benchmarked(b, 200_000)
	all := c.snapshot(b, 1+batches)
	warm, fresh, rows := all[0], all[1:], int64(0)
	for _, batch := range fresh {
		rows += batch.NumRows()
	}
	program := eval.Compile(predicates)
	if slow := program.Slow(); len(slow) > 0 {
		b.Fatalf("%d conditions are decided row by row; %s: %s", len(slow), slow[0].Expr.Text(), slow[0].Reason)
	}
	celGo := assertReference(b, program, predicates, fresh[0], sampled)
	rowWise := assertRowWise(b, program, predicates, fresh[0], sampled)

	var allocs, elapsed float64
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		program := eval.Compile(predicates)
		program.Run(warm, today)
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		b.StartTimer()
		for _, batch := range fresh {
			program.Run(batch, today)
		}
		b.StopTimer()
		elapsed += float64(time.Since(start))
		runtime.ReadMemStats(&after)
		allocs += float64(after.Mallocs - before.Mallocs)
		b.StartTimer()
	}
	each := elapsed / (float64(rows) * float64(b.N))
	b.ReportMetric(each, "ns/offer")
	b.ReportMetric(allocs/(float64(rows)*float64(b.N)), "allocs/offer")
	b.ReportMetric(float64(celGo)/each, "x-cel-go")
	b.ReportMetric(float64(rowWise)/each, "x-row-wise")
	b.ReportMetric(float64(eval.Leaves(program, today)), "leaves")
}

// assertReference compares what a program says about some rows of a batch with what
// cel-go says about each, and returns how long cel-go takes for an offer.
func assertReference(b *testing.B, program *eval.Program, predicates []*predicate.Expr, batch arrow.RecordBatch, sampled int) time.Duration {
	b.Helper()
	references := make([]*predicate.Reference, len(predicates))
	for i, x := range predicates {
		var err error
		if references[i], err = x.Reference(); err != nil {
			b.Fatal(err)
		}
	}
	slice := batch.NewSlice(0, int64(sampled))
	defer slice.Release()
	said := program.Run(slice, today)
	rows, errors := predicate.NewBatch(slice), make([]int64, len(predicates))
	outcomes, elapsed := make([]bool, len(predicates)), time.Duration(0)
	runtime.GC()
	for n := range sampled {
		start := time.Now()
		for i, x := range references {
			var err error
			if outcomes[i], err = x.Decide(predicate.Row{Batch: rows, Index: n}, today); err != nil {
				errors[i]++
			}
		}
		elapsed += time.Since(start)
		for i, x := range predicates {
			if said.Selected[i].Has(n) != outcomes[i] {
				b.Fatalf("%s: row %d: cel-go says %v", x.Text(), n, outcomes[i])
			}
		}
	}
	for i, x := range predicates {
		if said.Undecided[i]+said.Errors[i] != errors[i] {
			b.Fatalf("%s: %d undecided and %d failed, cel-go has %d errors", x.Text(), said.Undecided[i], said.Errors[i], errors[i])
		}
	}
	return elapsed / time.Duration(sampled)
}

// assertRowWise compares what a program says about some rows of a batch with what
// the row-wise evaluator says about each, and returns how long that takes for an
// offer.
func assertRowWise(b *testing.B, program *eval.Program, predicates []*predicate.Expr, batch arrow.RecordBatch, sampled int) time.Duration {
	b.Helper()
	slice := batch.NewSlice(batch.NumRows()-int64(sampled), batch.NumRows())
	defer slice.Release()
	said := program.Run(slice, today)
	vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(slice)}, Now: today}
	outcomes, elapsed := make([]predicate.Outcome, len(predicates)), time.Duration(0)
	undecided, failed := make([]int64, len(predicates)), make([]int64, len(predicates))
	for n := range sampled {
		vars.Offer.Index = n
		start := time.Now()
		for i, x := range predicates {
			outcomes[i], _ = x.Decide(&vars)
		}
		elapsed += time.Since(start)
		for i, outcome := range outcomes {
			undecided[i] += count(outcome == predicate.Undecided)
			failed[i] += count(outcome == predicate.Failed)
			if said.Selected[i].Has(n) != (outcome == predicate.True) {
				b.Fatalf("%s: row %d is %v", predicates[i].Text(), n, outcome)
			}
		}
	}
	for i, x := range predicates {
		if said.Undecided[i] != undecided[i] || said.Errors[i] != failed[i] {
			b.Fatalf("%s: %d undecided and %d errors, want %d and %d", x.Text(), said.Undecided[i], said.Errors[i], undecided[i], failed[i])
		}
	}
	return elapsed / time.Duration(sampled)
}

func count(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// BenchmarkNarrowFeeds decides 5,000 feeds each of which takes one value of a column
// that has many, as feeds of one seller each do: a block has offers of few of them.
func BenchmarkNarrowFeeds(b *testing.B) {
	_, c := benchmarked(b, 200_000)
	env := predicate.OfferEnv(c.schema, predicate.OfferOptions{})
	batch := c.snapshot(b, 1)[0]
	var predicates []*predicate.Expr
	for i := range 5000 {
		id := c.offer(i * 20)["id"]
		if id == nil {
			continue
		}
		x, mistakes := env.Predicate(diag.Plain(fmt.Sprintf("offer.id == %q && offer.price > 5.0 && offer.stock > 0", id)))
		if mistakes != nil {
			b.Fatal(mistakes)
		}
		predicates = append(predicates, x)
	}
	program := eval.Compile(predicates)
	b.ReportAllocs()
	for b.Loop() {
		program.Run(batch, today)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(batch.NumRows()*int64(b.N)), "ns/offer")
}
