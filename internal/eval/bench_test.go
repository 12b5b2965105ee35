package eval_test

import (
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
// has them. It asserts that a sample of the rows is decided as cel-go decides it
// row by row, which it then compares the time with.
//
// The batches that are timed are not those that the program has seen before, so
// that texts which differ from offer to offer are as new as in a run.
func BenchmarkFeeds(b *testing.B) {
	batches, sampled := 8, 400
	if testing.Short() {
		batches, sampled = 1, 40
	}
	predicates, c := benchmarked(b, 200_000)
	warm := c.batch(b, 0, benchRows)
	defer warm.Release()
	var fresh []arrow.RecordBatch
	rows := int64(0)
	for i := range batches {
		fresh = append(fresh, c.batch(b, (i+1)*benchRows, benchRows))
		defer fresh[i].Release()
		rows += fresh[i].NumRows()
	}
	program := eval.Compile(predicates)
	if slow := program.Slow(); len(slow) > 0 {
		b.Fatalf("%d conditions are decided row by row; %s: %s", len(slow), slow[0].Text, slow[0].Reason)
	}
	rowWise := assertRows(b, program, predicates, fresh[0], sampled)

	var allocs, elapsed float64
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		program := eval.Compile(predicates)
		program.Run(warm, today)
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
	offers := float64(rows) * float64(b.N)
	b.ReportMetric(elapsed/offers, "ns/offer")
	b.ReportMetric(allocs/offers, "allocs/offer")
	b.ReportMetric(float64(rowWise), "cel-go-ns/offer")
	b.ReportMetric(float64(rowWise)/(elapsed/offers), "x-cel-go")
	b.ReportMetric(float64(eval.Leaves(program, today)), "leaves")
}

// assertRows compares what a program says about some rows of a batch with what
// cel-go says about each, and returns how long that takes for an offer.
func assertRows(b *testing.B, program *eval.Program, predicates []*predicate.Expr, batch arrow.RecordBatch, sampled int) time.Duration {
	b.Helper()
	step := int(batch.NumRows()) / sampled
	whole := program.Run(batch, today)
	slice := batch.NewSlice(0, int64(sampled))
	defer slice.Release()
	begun := program.Run(slice, today)
	outcomes, elapsed := make([]predicate.Outcome, len(predicates)), time.Duration(0)
	undecided, failed := make([]int64, len(predicates)), make([]int64, len(predicates))
	decide := func(row int) {
		vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch), Index: row}, Now: today}
		start := time.Now()
		for i, x := range predicates {
			outcomes[i], _ = x.Decide(&vars)
		}
		elapsed += time.Since(start)
	}
	for n := range sampled {
		decide(n * step)
		for i := range predicates {
			if whole.Selected[i].Has(n*step) != (outcomes[i] == predicate.True) {
				b.Fatalf("%s: row %d is %v", predicates[i].Text(), n*step, outcomes[i])
			}
		}
		decide(n)
		for i, said := range outcomes {
			switch said {
			case predicate.Undecided:
				undecided[i]++
			case predicate.Failed:
				failed[i]++
			}
			if begun.Selected[i].Has(n) != (said == predicate.True) {
				b.Fatalf("%s: row %d is %v", predicates[i].Text(), n, said)
			}
		}
	}
	for i, x := range predicates {
		if begun.Undecided[i] != undecided[i] || begun.Errors[i] != failed[i] {
			b.Fatalf("%s: %d undecided and %d errors, want %d and %d", x.Text(), begun.Undecided[i], begun.Errors[i], undecided[i], failed[i])
		}
	}
	return elapsed / time.Duration(2*sampled)
}
