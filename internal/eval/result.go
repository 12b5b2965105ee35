package eval

import (
	"math/bits"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A Result is what the predicates say about one batch; slices are in the order
// of the predicates.
type Result struct {
	Selected  []bitmap.Bitmap
	Undecided []int64    // rows, by predicate, left undecided by a null
	Errors    []int64    // rows, by predicate, that failed for another reason
	Samples   [][]Sample // of each predicate, at most MaxSamples, and of each outcome at most so many from one program
	RowByRow  int64      // how often a condition was decided for a row alone, by all predicates
}

// A Sample is a row that a predicate could not decide.
type Sample struct {
	Row     int // in the batch
	Outcome predicate.Outcome
	Reason  string
}

func newResult(n, rows int) *Result {
	return &Result{Selected: bitmap.Several(n, rows), Undecided: make([]int64, n), Errors: make([]int64, n), Samples: make([][]Sample, n)}
}

// take adds what a predicate says about a block of rows.
func (r *Result) take(i, first int, said rails) {
	if said.nowhere {
		return
	}
	r.Selected[i].Put(first, said.t)
	undecided, failures := said.counts()
	if undecided+failures == 0 {
		return
	}
	r.Undecided[i] += undecided
	r.Errors[i] += failures
	if failures == 0 {
		said.e = nil // nothing to look for
	}
	r.sample(i, first, said)
}

// sample keeps rows of a block as add does, and looks no further than it must.
func (r *Result) sample(i, first int, said rails) {
	for w, open := range said.u {
		for ; open != 0; open &= open - 1 {
			row := w<<6 + bits.TrailingZeros64(open)
			outcome := predicate.Undecided
			if has(said.e, row) {
				outcome = predicate.Failed
			}
			if s := r.room(i, outcome); s != nil {
				*s = Sample{Row: first + row, Outcome: outcome}
			} else if said.e == nil || !r.hasUndecided(i) {
				return
			}
		}
	}
}

func (r *Result) hasUndecided(i int) bool {
	for _, s := range r.Samples[i] {
		if s.Outcome == predicate.Undecided {
			return true
		}
	}
	return false
}

// add adds what a predicate says about a row.
func (r *Result) add(i, row int, outcome predicate.Outcome) {
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
		*s = Sample{Row: row, Outcome: outcome}
	}
}

// room returns where a sample of a predicate goes, or nil: the first few are
// kept, and a failed row takes the place of the last undecided one, as it says
// more.
func (r *Result) room(i int, outcome predicate.Outcome) *Sample {
	samples := r.Samples[i]
	if samples == nil {
		samples = make([]Sample, 0, MaxSamples)
	}
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
