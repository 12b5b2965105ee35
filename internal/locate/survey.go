package locate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/snapshot"
)

// A survey counts feeds over one snapshot, in one pass: the offers that each
// takes, those of which each of its conditions is true, and the values of columns
// among those taken.
type survey struct {
	from    *snapshot.Snapshot
	offers  int64
	rows    map[string]sourceRows // by source
	feeds   []*feedSurvey
	exprs   []*predicate.Expr
	columns []string
	coarse  []string
	mu      sync.Mutex
}

type sourceRows struct {
	Rows    int64        `json:"rows"`
	Verdict guard.Action `json:"verdict"`
}

type feedSurvey struct {
	where   int // number of the predicate
	taken   int64
	legs    []legCount
	values  map[string]*valueCounts // by column
	subject Subject
	updated *feedSurvey // of the offers that are updated; nil: not asked

	was      int   // number of the predicate that it had before
	formerly int64 // what that takes
	edits    []edit
}

// An edit is a condition that only one of two predicates has.
type edit struct {
	text    string
	number  int // of the condition
	dropped bool
	both    int64 // offers that the predicate without it takes, and of which it is true
}

type legCount struct {
	text   string
	number int // of the predicate
	count  int64
}

type valueCounts struct {
	counts map[string]int64
	many   bool // there are more than a few, and counts is empty
}

func newSurvey(from *snapshot.Snapshot, subjects []Subject, updated bool) *survey {
	s := &survey{from: from}
	read := map[string]bool{offer.Key: true}
	for _, f := range from.Schema() {
		if coarse(f) {
			s.coarse = append(s.coarse, f.Name)
			read[f.Name] = true
		}
	}
	for _, f := range subjects {
		one := &feedSurvey{where: s.add(f.Where), values: map[string]*valueCounts{}, subject: f}
		if updated && f.Updated != nil {
			one.updated = &feedSurvey{values: map[string]*valueCounts{}}
		}
		if f.Was != nil {
			s.compare(one)
		}
		for _, l := range leaves(f.Where.Legs()) {
			one.legs = append(one.legs, legCount{text: labelOf(l), number: s.add(l.Expr)})
		}
		s.feeds = append(s.feeds, one)
	}
	predicate.AddColumns(read, from.Schema(), s.exprs...)
	for _, f := range from.Schema() {
		if read[f.Name] {
			s.columns = append(s.columns, f.Name)
			delete(read, f.Name)
		}
	}
	for name := range read { // the snapshot lacks it: reading it says so
		s.columns = append(s.columns, name)
	}
	return s
}

// compare adds what of a feed's predicate was edited.
func (s *survey) compare(f *feedSurvey) {
	was, is := f.subject.Was.Legs().Conjuncts(), f.subject.Where.Legs().Conjuncts()
	f.was = s.add(f.subject.Was)
	for _, l := range without(is, was) {
		f.edits = append(f.edits, edit{text: l.Text(), number: s.add(l.Expr)})
	}
	for _, l := range without(was, is) {
		f.edits = append(f.edits, edit{text: l.Text(), number: s.add(l.Expr), dropped: true})
	}
}

// without returns the conditions that others do not have.
func without(legs, others []*predicate.Leg) []*predicate.Leg {
	known := map[string]bool{}
	for _, l := range others {
		known[l.Text()] = true
	}
	return slices.DeleteFunc(slices.Clone(legs), func(l *predicate.Leg) bool { return known[l.Text()] })
}

func (s *survey) add(x *predicate.Expr) int {
	s.exprs = append(s.exprs, x)
	return len(s.exprs) - 1
}

// sources reads the report of the run of aggregate, if it has one.
func (s *survey) sources(report []byte) error {
	if len(report) == 0 {
		return nil
	}
	var r struct {
		Sources map[string]sourceRows `json:"sources"`
	}
	err := json.Unmarshal(report, &r)
	s.rows = r.Sources
	return err
}

func (s *survey) run(ctx context.Context, now time.Time, workers int) error {
	for _, name := range s.columns {
		if s.from.Schema().Index(name) < 0 {
			return fmt.Errorf("snapshot %s has no column %s", s.from.Table().Run, name)
		}
	}
	program := eval.Compile(s.exprs)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(workers, 1))
	for i := range s.from.Partitions() {
		group.Go(func() error { return s.partition(ctx, i, program, now) })
	}
	return group.Wait()
}

func (s *survey) partition(ctx context.Context, i int, program *eval.Program, now time.Time) (err error) {
	updated := make([]map[string]bool, len(s.feeds))
	for k, f := range s.feeds {
		if f.updated == nil {
			continue
		}
		if updated[k], err = f.subject.Updated(ctx, i); err != nil {
			return err
		}
	}
	return s.from.Each(ctx, i, s.columns, func(batch arrow.RecordBatch, _ int64) error {
		r := program.Run(batch, now)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.count(batch, r, updated)
		return nil
	})
}

// count counts a batch; updated is by feed.
func (s *survey) count(batch arrow.RecordBatch, r *eval.Result, updated []map[string]bool) {
	s.offers += batch.NumRows()
	for k, f := range s.feeds {
		for i := range f.legs {
			f.legs[i].count += int64(r.Selected[f.legs[i].number].Count())
		}
		taken := r.Selected[f.where]
		f.countEdits(r, taken)
		f.count(batch, s.coarse, taken)
		if f.updated != nil {
			f.updated.count(batch, s.coarse, among(batch, taken, updated[k]))
		}
	}
}

// countEdits counts what edited conditions leave of the offers that are taken without
// them.
func (f *feedSurvey) countEdits(r *eval.Result, taken bitmap.Bitmap) {
	if len(f.edits) == 0 {
		return
	}
	former := r.Selected[f.was]
	f.formerly += int64(former.Count())
	for i, e := range f.edits {
		both := r.Selected[e.number].Clone()
		if e.dropped {
			both.And(taken)
		} else {
			both.And(former)
		}
		f.edits[i].both += int64(both.Count())
	}
}

// among returns those of some rows whose ids are in a set.
func among(batch arrow.RecordBatch, rows bitmap.Bitmap, ids map[string]bool) bitmap.Bitmap {
	keys := batch.Column(batch.Schema().FieldIndices(offer.Key)[0]).(*array.String)
	out := bitmap.New(int(batch.NumRows()))
	for row := range rows.All() {
		if ids[keys.Value(row)] {
			out.Set(row)
		}
	}
	return out
}

// count counts offers and the values of columns among them.
func (f *feedSurvey) count(batch arrow.RecordBatch, columns []string, rows bitmap.Bitmap) {
	f.taken += int64(rows.Count())
	for _, name := range columns {
		if f.values[name] == nil {
			f.values[name] = &valueCounts{counts: map[string]int64{}}
		}
		f.values[name].add(batch.Column(batch.Schema().FieldIndices(name)[0]), rows)
	}
}

// add counts the values of a column among some rows.
func (v *valueCounts) add(column arrow.Array, rows bitmap.Bitmap) {
	if v.many {
		return
	}
	for row := range rows.All() {
		value := "null"
		switch c := column.(type) {
		case *array.String:
			if c.IsValid(row) {
				value = c.Value(row)
			}
		case *array.Boolean:
			if c.IsValid(row) {
				value = strconv.FormatBool(c.Value(row))
			}
		}
		if _, known := v.counts[value]; known {
			v.counts[value]++
			continue
		}
		if len(v.counts) == fewValues {
			v.counts, v.many = nil, true
			return
		}
		v.counts[strings.Clone(value)] = 1
	}
}
