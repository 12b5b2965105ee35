package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// An edition is the answer of preview without a feed.
type edition struct {
	Status   string    `json:"status"`
	Snapshot string    `json:"snapshot"`
	Now      time.Time `json:"now"`
	Run      string    `json:"run"` // of generate, whose conditions the feeds are compared with
	Same     int       `json:"same"`
	Feeds    []*edit   `json:"feeds"` // that would change

	all   []*edit
	exprs []*predicate.Expr
}

// An edit is what a feed's condition would change.
type edit struct {
	Feed    string      `json:"feed"`
	State   string      `json:"state"`  // edited, new, removed, unknown
	Before  int64       `json:"before"` // offers that the condition of before takes
	Now     int64       `json:"now"`
	Gained  int64       `json:"gained"`
	Lost    int64       `json:"lost"`
	GainedE []string    `json:"gained_for_example,omitempty"`
	LostE   []string    `json:"lost_for_example,omitempty"`
	Because []legEffect `json:"because,omitempty"`
	Reason  string      `json:"reason,omitempty"` // of unknown

	was, is         int // numbers of the predicates; -1: none
	wasLegs, isLegs []numberedLeg
}

// A legEffect is a condition that keeps out offers which the feed loses, or kept
// out those that it gains.
type legEffect struct {
	Condition string `json:"condition"`
	Effect    string `json:"effect"` // loses, kept out
	Offers    int64  `json:"offers"`
}

type numberedLeg struct {
	label  string
	number int
	count  int64
}

func previewEdits(ctx context.Context, a *app, w *workspace.Workspace, store storage.Store, run string, now time.Time) error {
	s, err := openSnapshot(ctx, store, run)
	if err != nil {
		return err
	}
	e := &edition{Status: "done", Snapshot: s.Table().Run, Now: now, Feeds: []*edit{}}
	detail, err := e.published(ctx, store)
	if err != nil {
		return err
	}
	e.compare(w, detail, w.Former(&detail.Wordings, a.env))
	if err := e.count(ctx, s, a.workers); err != nil {
		return err
	}
	return a.show(e, e.print)
}

// published reads what the feeds were made by that are current.
func (e *edition) published(ctx context.Context, store storage.Store) (*part.Detail, error) {
	current, err := manifest.Current(ctx, store, part.Kind)
	if err != nil || current.Run == "" {
		return &part.Detail{}, err
	}
	e.Run = current.Run
	m, err := manifest.Pointed(ctx, store, part.Kind, current)
	if err != nil {
		return nil, err
	}
	return part.DetailOf(m)
}

// compare pairs the feeds as they are with what they were.
func (e *edition) compare(w *workspace.Workspace, detail *part.Detail, former *workspace.Former) {
	known := map[string]bool{}
	for _, f := range w.Feeds {
		if !f.Enabled {
			continue
		}
		known[f.Name] = true
		one := &edit{Feed: f.Name, State: "edited", was: -1, is: -1}
		c, found := detail.Conditions[f.Name]
		_, isPublished := detail.Feeds[f.Name]
		switch {
		case found:
			e.before(one, c, former)
		case isPublished:
			one.State, one.Reason = "unknown", "it was published without its condition: run feedmill generate once"
		default:
			one.State = "new"
		}
		if one.State != "unknown" {
			one.is, one.isLegs = e.add(f.Where)
		}
		e.all = append(e.all, one)
	}
	for name, c := range detail.Conditions {
		if !known[name] {
			one := &edit{Feed: name, State: "removed", was: -1, is: -1}
			e.before(one, c, former)
			e.all = append(e.all, one)
		}
	}
	slices.SortFunc(e.all, func(a, b *edit) int { return strings.Compare(a.Feed, b.Feed) })
}

// before compiles the condition of before; one that does not fit the columns of
// today cannot be compared.
func (e *edition) before(one *edit, c feed.Wording, former *workspace.Former) {
	x, err := former.Where(c)
	if err != nil {
		one.State, one.Reason = "unknown", err.Error()
		return
	}
	one.was, one.wasLegs = e.add(x)
}

func (e *edition) add(x *predicate.Expr) (number int, legs []numberedLeg) {
	number = len(e.exprs)
	e.exprs = append(e.exprs, x)
	for _, l := range conjuncts(x.Legs()) {
		label := l.Text
		if l.Shared != "" {
			label = "shared." + l.Shared
		}
		legs = append(legs, numberedLeg{label: label, number: len(e.exprs)})
		e.exprs = append(e.exprs, l.Expr)
	}
	return number, legs
}

// conjuncts are the conditions that all have to be true, also those of shared
// expressions.
func conjuncts(l *predicate.Leg) []*predicate.Leg {
	if l.Join != predicate.AllOf {
		return []*predicate.Leg{l}
	}
	var out []*predicate.Leg
	for _, leg := range l.Legs {
		out = append(out, conjuncts(leg)...)
	}
	return out
}

func (e *edition) count(ctx context.Context, s *snapshot.Snapshot, workers int) error {
	var subjects []subject
	for _, x := range e.exprs {
		subjects = append(subjects, subject{name: "a feed", where: x})
	}
	columns, err := readBy(s, subjects)
	if err != nil {
		return err
	}
	program := eval.Compile(e.exprs)
	batches := make([][]edit, s.Partitions()) // what each partition adds, by feed
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(workers, 1))
	for i := range batches {
		group.Go(func() error {
			batches[i] = make([]edit, len(e.all))
			for k, one := range e.all {
				batches[i][k] = edit{was: one.was, is: one.is, wasLegs: slices.Clone(one.wasLegs), isLegs: slices.Clone(one.isLegs)}
			}
			return scanPartition(ctx, s, i, columns, func(batch arrow.RecordBatch) {
				r := program.Run(batch, e.Now)
				for k := range batches[i] {
					batches[i][k].count(batch, r)
				}
			})
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for k, one := range e.all {
		for i := range batches {
			one.take(&batches[i][k])
		}
		one.explain()
		if one.State == "edited" && one.Gained+one.Lost == 0 {
			e.Same++
		} else {
			e.Feeds = append(e.Feeds, one)
		}
	}
	return nil
}

func (o *edit) count(batch arrow.RecordBatch, r *eval.Result) {
	n := int(batch.NumRows())
	was, is := bitmap.New(n), bitmap.New(n)
	if o.was >= 0 {
		was = r.Selected[o.was]
	}
	if o.is >= 0 {
		is = r.Selected[o.is]
	}
	gained, lost := is.Clone(), was.Clone()
	gained.AndNot(was)
	lost.AndNot(is)
	o.Before, o.Now = o.Before+int64(was.Count()), o.Now+int64(is.Count())
	o.Gained, o.Lost = o.Gained+int64(gained.Count()), o.Lost+int64(lost.Count())
	ids := batch.Column(0).(*array.String)
	o.GainedE, o.LostE = some(o.GainedE, ids, gained), some(o.LostE, ids, lost)
	keptOut(o.isLegs, lost, r)
	keptOut(o.wasLegs, gained, r)
}

// keptOut counts for each leg the offers of which it is not true.
func keptOut(legs []numberedLeg, offers bitmap.Bitmap, r *eval.Result) {
	if offers.Empty() {
		return
	}
	for i := range legs {
		out := offers.Clone()
		out.AndNot(r.Selected[legs[i].number])
		legs[i].count += int64(out.Count())
	}
}

func some(dst []string, ids *array.String, rows bitmap.Bitmap) []string {
	for row := range rows.All() {
		if len(dst) == lostSamples {
			break
		}
		dst = append(dst, strings.Clone(ids.Value(row)))
	}
	return dst
}

func (o *edit) take(b *edit) {
	o.Before, o.Now, o.Gained, o.Lost = o.Before+b.Before, o.Now+b.Now, o.Gained+b.Gained, o.Lost+b.Lost
	o.GainedE = append(o.GainedE, b.GainedE[:min(len(b.GainedE), lostSamples-len(o.GainedE))]...)
	o.LostE = append(o.LostE, b.LostE[:min(len(b.LostE), lostSamples-len(o.LostE))]...)
	for i := range b.isLegs {
		o.isLegs[i].count += b.isLegs[i].count
	}
	for i := range b.wasLegs {
		o.wasLegs[i].count += b.wasLegs[i].count
	}
}

func (o *edit) explain() {
	for _, l := range o.isLegs {
		if l.count > 0 {
			o.Because = append(o.Because, legEffect{l.label, "loses", l.count})
		}
	}
	for _, l := range o.wasLegs {
		if l.count > 0 {
			o.Because = append(o.Because, legEffect{l.label, "kept out", l.count})
		}
	}
	slices.SortStableFunc(o.Because, func(a, b legEffect) int { return int(b.Offers - a.Offers) })
}

func (e *edition) print(w io.Writer) error {
	if e.Run == "" {
		fmt.Fprintln(w, "nothing is published yet: every feed is new")
	} else {
		fmt.Fprintf(w, "conditions as they are now beside those of run %s, over snapshot %s; now is %s\n", e.Run, e.Snapshot, e.Now.Format(time.RFC3339))
	}
	t := table{head: []string{"feed", "state", "before", "now", "gained", "lost", "because", "for example"}}
	for _, f := range e.Feeds {
		t.add(f.Feed, f.State, count(f.Before), count(f.Now), count(f.Gained), count(f.Lost), f.because(), strings.Join(append(f.LostE, f.GainedE...), ", "))
	}
	if len(t.rows) > 0 {
		if err := t.write(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s would hold the same offers\n", plural(int64(e.Same), "feed"))
	return err
}

func (o *edit) because() string {
	if o.Reason != "" {
		return o.Reason
	}
	var parts []string
	for _, b := range o.Because[:min(len(o.Because), 2)] {
		parts = append(parts, fmt.Sprintf("%s %s %s", shorten(b.Condition, 60), b.Effect, count(b.Offers)))
	}
	return strings.Join(parts, "; ")
}
