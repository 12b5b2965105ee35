// Package eval decides a set of predicates for the rows of a batch.
//
// Its promise: a selection holds exactly the rows of which its predicate is
// true; every other row is false, undecided or failed, and counted as such, as
// package predicate says of the row alone.
//
// A program is compiled once for each value of `now`, which is a constant then.
// Package term makes of all predicates terms that stand once each; a machine
// computes each term once for a block of rows, when it is first asked for. The
// values of a term are a vec, what a condition says is rails: bits for "is true",
// for "is an error" and for "failed", of which the last two are left out where
// nothing is null and nothing fails. What is known to be false of a whole block is
// known of every && above it without a look at its other legs. So each block is
// simplified by what is in it: statistics of row groups would say less, since a
// snapshot is sorted by a hash and every row group has values of the whole range.
//
// Leaves that compare one value with constants are a group. Its values fall into
// classes that the leaves cannot tell apart: of numbers the stretches between the
// constants, of texts those that the constants are, or the text itself, each distinct
// one looked at once. A row then costs one look-up of a word with a bit for each
// leaf, and the words of eight or 64 rows are transposed into the leaves' bits; of
// many leaves of which few are true, only those get bits. Texts that come as
// dictionaries stay codes as long as groups ask. A loop's body is computed for all
// elements of all lists of the block at once.
//
// What costs much is asked last, and only about the rows that all other legs leave
// open (see term.Lateness): what texts contain or match, and what terms cannot say,
// which package predicate is asked row by row: see Program.Slow. What is asked of a
// text is asked once for all predicates: all contains are one search (see searcher),
// a pattern is an automaton that runs where the search has found what the pattern
// needs (see requiredBy), what texts begin and end with is found in sorted lists (see
// affixes), and the texts of a column that repeat are remembered with the answers.
// Where few leaves are asked about each text and texts do not repeat, each is looked
// for by itself (see machine.search). What is made for one predicate alone is not
// kept. A batch whose columns are not those of the schema is decided row by row
// altogether.
//
// 1,300 feeds of 857 distinct leaves (BenchmarkFeeds, 2026-11) took 1.08 to 1.15 us an
// offer on a core on which cel-go's own programs take 1,200 to 1,540 times as long, and
// 0.2 allocations an offer, which are made for a batch or a block. By a profile 40 % of
// it is reading columns, classes of their values and transposing them, 20 % searching
// titles and descriptions, which do not repeat, 20 % && and || and going through the
// terms, 12 % lists. It took 1.66 to 1.75 on the same core when texts were no
// dictionaries, every text was searched for all leaves, and blocks had half as many
// rows, of which all that predicates are made of was kept. What is left of the searches
// is waiting for texts that no cache has. To read a text by words in the search of all
// leaves was no faster, and && and || by four words at once (AVX2, Go's experiment simd)
// were not either, beyond the noise of the machine: they wait for the bits of leaves.
package eval

import (
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/predicate"
)

// MaxSamples is how many samples of one predicate a Result keeps.
const MaxSamples = 3

// blockRows is how many rows are decided at once: the bits of the terms that are kept
// fit into a core's cache. It is a multiple of 64.
const blockRows = 8192

// A Program decides all predicates of a set. It is safe for concurrent use.
type Program struct {
	predicates []*predicate.Expr
	given      [2][]atomic.Int32 // samples, by outcome and predicate
	*pool
}

// Compile makes the program of a set of predicates over offers.
func Compile(predicates []*predicate.Expr) *Program {
	p := Program{predicates: predicates, pool: &pool{usesNow: readsNow(predicates)}}
	p.build = func(now time.Time) *plan { return newPlan(predicates, now) }
	return p.Again()
}

// Again returns a program that has given no samples yet. It is the same in
// everything else, and costs nothing: they share what was compiled.
func (p *Program) Again() *Program {
	q := &Program{predicates: p.predicates, pool: p.pool}
	for i := range q.given {
		q.given[i] = make([]atomic.Int32, len(p.predicates))
	}
	return q
}

// A Slow is a condition in a predicate that is decided row by row, which costs a
// hundred times as much and more.
type Slow struct {
	Predicate int             // its number
	Expr      *predicate.Expr // the condition alone
	Reason    string
}

// Slow returns the conditions that are decided row by row.
func (p *Program) Slow() []Slow {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan := p.planFor(time.Unix(0, 0).UTC())
	out := make([]Slow, len(plan.parts))
	for i, part := range plan.parts {
		out[i] = Slow{Predicate: plan.owners[i], Expr: part.Expr, Reason: part.Reason}
	}
	return out
}

// Run decides every predicate for every row of a batch.
func (p *Program) Run(batch arrow.RecordBatch, now time.Time) *Result {
	m := p.machine(now)
	defer p.takeBack(m)
	r := newResult(len(p.predicates), int(batch.NumRows()))
	if !p.vectorised(m, batch, r) {
		r = newResult(len(p.predicates), int(batch.NumRows()))
		p.rowByRow(batch, now, r)
	}
	p.explain(r, batch, now)
	return r
}

// vectorised returns false for a batch whose columns are not those that the
// predicates were checked for.
func (p *Program) vectorised(m *machine, batch arrow.RecordBatch, r *Result) (ok bool) {
	defer func() {
		if e := recover(); e != nil {
			if _, isMisfit := e.(misfit); !isMisfit {
				panic(e)
			}
			ok = false
		}
	}()
	for first := int64(0); first < batch.NumRows(); first += blockRows {
		block := batch.NewSlice(first, min(first+blockRows, batch.NumRows()))
		defer block.Release()
		m.enter(block)
		for i, root := range m.roots {
			r.take(i, int(first), m.decidedOnce(root))
		}
		r.RowByRow += m.counted
	}
	return true
}

// rowByRow decides all predicates for each row alone.
func (p *Program) rowByRow(batch arrow.RecordBatch, now time.Time, r *Result) {
	vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: now}
	for row := range int(batch.NumRows()) {
		vars.Offer.Index = row
		for i, x := range p.predicates {
			outcome, _ := x.Decide(&vars)
			r.add(i, row, outcome)
			r.RowByRow++
		}
	}
}

// explain gives samples their reasons, as long as the program has not given
// enough of their kind.
func (p *Program) explain(r *Result, batch arrow.RecordBatch, now time.Time) {
	vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: now}
	for i := range r.Samples {
		kept := r.Samples[i][:0]
		for _, s := range r.Samples[i] {
			given := &p.given[s.Outcome-predicate.Undecided][i]
			if given.Load() >= MaxSamples {
				continue
			}
			given.Add(1)
			vars.Offer.Index = s.Row
			if _, err := p.predicates[i].Decide(&vars); err != nil {
				s.Reason = err.Error()
			}
			kept = append(kept, s)
		}
		r.Samples[i] = kept
	}
}
