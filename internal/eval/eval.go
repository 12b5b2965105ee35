// Package eval decides a set of predicates for the rows of a batch.
//
// Its promise: a selection holds exactly the rows of which its predicate is
// true; every other row is false, undecided or failed, and counted as such.
package eval

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/predicate"
)

// MaxSamples is how many samples of one predicate a Result keeps.
const MaxSamples = 3

// A Program decides all predicates of a set. It is safe for concurrent use.
type Program struct {
	predicates []*predicate.Expr
}

// Compile makes the program of a set of predicates over offers.
func Compile(predicates []*predicate.Expr) *Program { return &Program{predicates: predicates} }

// A Result is what the predicates say about one batch; slices are in the order
// of the predicates.
type Result struct {
	Selected  []bitmap.Bitmap
	Undecided []int64    // rows, by predicate, left undecided by a null
	Errors    []int64    // rows, by predicate, that failed for another reason
	Samples   [][]Sample // of each predicate, at most MaxSamples
}

// A Sample is a row that a predicate could not decide.
type Sample struct {
	Row     int // in the batch
	Outcome predicate.Outcome
	Reason  string
}

// Run decides every predicate for every row of a batch, row by row.
func (p *Program) Run(batch arrow.RecordBatch, now time.Time) *Result {
	rows := int(batch.NumRows())
	r := p.result(rows)
	vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: now}
	for row := range rows {
		vars.Offer.Index = row
		for i, x := range p.predicates {
			outcome, err := x.Decide(&vars)
			r.add(i, row, outcome, err)
		}
	}
	return r
}

func (p *Program) result(rows int) *Result {
	n := len(p.predicates)
	r := &Result{Selected: make([]bitmap.Bitmap, n), Undecided: make([]int64, n), Errors: make([]int64, n), Samples: make([][]Sample, n)}
	for i := range r.Selected {
		r.Selected[i] = bitmap.New(rows)
	}
	return r
}

func (r *Result) add(i, row int, outcome predicate.Outcome, err error) {
	switch outcome {
	case predicate.True:
		r.Selected[i].Set(row)
		return
	case predicate.False:
		return
	case predicate.Undecided:
		r.Undecided[i]++
	case predicate.Failed:
		r.Errors[i]++
	}
	if s := r.room(i, outcome); s != nil {
		*s = Sample{Row: row, Outcome: outcome, Reason: err.Error()}
	}
}

// room returns where a sample of a predicate goes, or nil: the first few are
// kept, and a failed row takes the place of the last undecided one, as it says
// more.
func (r *Result) room(i int, outcome predicate.Outcome) *Sample {
	samples := r.Samples[i]
	if len(samples) < MaxSamples {
		r.Samples[i] = append(samples, Sample{})
		return &r.Samples[i][len(samples)]
	}
	for k := len(samples) - 1; k >= 0 && outcome == predicate.Failed; k-- {
		if samples[k].Outcome == predicate.Undecided {
			return &samples[k]
		}
	}
	return nil
}
