package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/preview"
	"github.com/feedmill/feedmill/internal/storage"
)

const previewText = `
Preview counts how a feed narrows down, as it is defined now: condition by
condition how many offers of the snapshot remain, how many a condition takes
alone, of how many it could not be decided, and a few of those that it loses. Then
come the offers that the feed chooses of these, and those that the template leaves
out by a rule or as their item is empty. Nothing is written.

Without FEED it compares what the published feeds and event feeds were made by with
how they are defined now: conditions, shared expressions, fields, params, choice,
and the template. It says how many offers of the snapshot each feed would gain and
lose, how many stay and would look otherwise, and what does it:

    loses       the condition, choice or rule takes offers out
    kept out    it did so before, and does not any more
    changes     the field, param or part of the template makes offers that stay look
                otherwise
    leaves out  the rule keeps out offers that the feed would gain

Limits, guards, times and destinations are not looked at.

Before and now count what condition and choice take, without those that a rule is
seen to leave out; an item that is the same on both sides is not rendered for it, and
of feeds that are new or removed nothing is. Definitions of before are read with the
environment of now. What a run of an earlier program published without all of it is
unknown in that respect, until generate or diff ran once more.

With FEED and --json, chosen and left_out (by rule) have text, remaining, out and
lost, and items is what the feed holds at last. Without FEED each of feeds has: feed, kind (feed, events), state (edited, new,
removed, unknown), edited (where, shared.NAME, field NAME, param NAME, template,
template header, item, footer or rules, choose), before, now, gained, lost, changed,
blocks (header, footer: those that look otherwise), the three _for_example, because
(condition, effect, offers), reason of what is unknown, and held, the run that holds
something newer. no_effect has those that were edited and stay as they are.`

type previewOptions struct{ snapshot, now string }

func (o *previewOptions) addFlags(flags *pflag.FlagSet) {
	addSnapshotFlag(flags, &o.snapshot)
	flags.StringVar(&o.now, "now", "", "what now is in predicates, an RFC 3339 `TIME`; default: the present")
}

func newPreviewCommand(a *app) *cobra.Command {
	var opts previewOptions
	cmd := &cobra.Command{
		Use:     "preview [FEED]",
		Short:   "Count how a feed narrows down, or what edited definitions change",
		Long:    exits(previewText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill preview google-de",
		Args:    arguments("[FEED]"),
		RunE:    runner(a, &opts, runPreview),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

// A funnel is the answer of preview.
type funnel struct {
	Status    string    `json:"status"`
	Feed      string    `json:"feed"`
	Kind      string    `json:"kind"` // feed, events
	Snapshot  string    `json:"snapshot"`
	Now       time.Time `json:"now"`
	Offers    int64     `json:"offers"` // of the snapshot
	Taken     int64     `json:"taken"`
	Undecided int64     `json:"undecided"`
	Failed    int64     `json:"failed"`
	Chooses   bool      `json:"chooses"`             // among those taken
	Chosen    *exit     `json:"chosen,omitempty"`    // nil: it takes all
	LeftOut   []*exit   `json:"left_out,omitempty"`  // by the template, by rule
	Items     int64     `json:"items"`               // what is left at last
	Published *int64    `json:"published,omitempty"` // items; nil: not published yet
	Steps     []*sieve  `json:"steps"`               // the conditions that all have to be true

	sieves []*sieve // all of them, in the order of the program's predicates
	exprs  []*predicate.Expr
}

// An exit is where offers get lost that satisfy all conditions.
type exit struct {
	Text      string   `json:"text"` // the choice, or the rule
	Remaining int64    `json:"remaining"`
	Out       int64    `json:"out"` // offers that it takes out
	Lost      []string `json:"lost,omitempty"`
}

// A sieve is a condition over all offers.
type sieve struct {
	Text      string   `json:"text"`
	Shared    string   `json:"shared,omitempty"`
	Join      string   `json:"join,omitempty"`
	Remaining *int64   `json:"remaining,omitempty"` // of a step: with those before it
	Alone     int64    `json:"alone"`               // of which it is true
	Undecided int64    `json:"undecided"`
	Failed    int64    `json:"failed"`
	Lost      []string `json:"lost,omitempty"` // of a step, for example
	Legs      []*sieve `json:"legs,omitempty"`

	number int
}

func runPreview(ctx context.Context, a *app, opts *previewOptions, args []string) error {
	return a.search(opts.now, func(q preview.Search, store storage.Store) error {
		subjects, err := chosenSubjects(q.Workspace, args)
		if err != nil {
			return err
		}
		plain, err := openSnapshot(ctx, store, opts.snapshot)
		if err != nil {
			return err
		}
		q.Snapshot = plain.Encoded()
		if len(args) == 0 {
			return previewEdits(ctx, a, q, store)
		}
		return previewFeed(ctx, a, q, store, subjects[0])
	})
}

func previewFeed(ctx context.Context, a *app, q preview.Search, store storage.Store, s subject) error {
	catalog, err := part.Published(ctx, store)
	if err != nil {
		return err
	}
	f := newFunnel(s)
	f.Snapshot, f.Now = q.Snapshot.Table().Run, q.At
	if e, found := catalog.Feeds[f.Feed]; found {
		f.Published = &e.Items
	}
	if err := f.count(ctx, q, s); err != nil {
		return err
	}
	return a.show(f, f.print)
}

func newFunnel(s subject) *funnel {
	f := &funnel{Status: "done", Feed: s.name, Kind: s.kind, Chooses: s.chooses()}
	root := s.where.Legs()
	steps := []*predicate.Leg{root}
	if root.Join == predicate.AllOf && root.Shared == "" {
		steps = root.Legs
	}
	for _, l := range steps {
		step := f.add(l)
		step.Remaining = new(int64)
		f.Steps = append(f.Steps, step)
	}
	f.exprs = append(f.exprs, s.where) // the last is the whole
	if s.chooses() {
		f.Chosen = &exit{Text: "choose " + choiceText(s)}
	}
	return f
}

func (f *funnel) add(l *predicate.Leg) *sieve {
	s := &sieve{Text: l.Text(), Shared: l.Shared, Join: string(l.Join), number: len(f.exprs)}
	f.sieves, f.exprs = append(f.sieves, s), append(f.exprs, l.Expr)
	for _, leg := range l.Legs {
		s.Legs = append(s.Legs, f.add(leg))
	}
	return s
}

// A tally is what one partition adds.
type tally struct {
	offers                   int64
	alone, undecided, failed []int64 // by predicate
	remaining                []int64 // by step
	lost                     [][]string
	chosen                   int64
	passed                   []string         // not chosen, for example
	left                     map[string]*exit // by rule
}

// lostSamples is how many lost offers are named.
const lostSamples = 3

func (f *funnel) count(ctx context.Context, q preview.Search, s subject) error {
	finale := preview.NewFinale(q, s.feed, s.where, s.template)
	columns, err := preview.Columns(q.Snapshot, q.Workspace.Schema, preview.Reading{Feed: s.name, Exprs: []*predicate.Expr{s.where}}, finale.Reading())
	if err != nil {
		return err
	}
	if err := finale.Choose(ctx); err != nil {
		return err
	}
	program := eval.Compile(f.exprs)
	tallies := make([]*tally, q.Snapshot.Partitions())
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(q.Workers, 1))
	for i := range tallies {
		group.Go(func() error {
			tallies[i] = f.newTally()
			course, err := finale.Course(ctx, i)
			if err != nil {
				return err
			}
			return q.Snapshot.Each(ctx, i, columns, func(batch arrow.RecordBatch, first int64) error {
				r := program.Run(batch, f.Now)
				f.countBatch(batch, r, tallies[i])
				return tallies[i].finish(course, batch, r.Selected[len(f.exprs)-1], first)
			})
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, t := range tallies {
		f.take(t)
	}
	f.conclude()
	return nil
}

func (f *funnel) newTally() *tally {
	n := len(f.exprs)
	return &tally{
		alone: make([]int64, n), undecided: make([]int64, n), failed: make([]int64, n),
		remaining: make([]int64, len(f.Steps)), lost: make([][]string, len(f.Steps)), left: map[string]*exit{},
	}
}

// finish counts what happens to offers that satisfy all conditions.
func (t *tally) finish(course *preview.Course, batch arrow.RecordBatch, taken bitmap.Bitmap, first int64) error {
	chosen := course.Chosen(taken, first)
	ids := batch.Column(0).(*array.String)
	t.chosen += int64(chosen.Count())
	for row := range taken.All() {
		if len(t.passed) == lostSamples {
			break
		}
		if !chosen.Has(row) {
			t.passed = append(t.passed, strings.Clone(ids.Value(row)))
		}
	}
	left, err := course.Left(batch, chosen)
	for _, l := range left {
		if t.left[l.Rule] == nil {
			t.left[l.Rule] = &exit{Text: l.Rule}
		}
		t.left[l.Rule].add(1, []string{strings.Clone(ids.Value(l.Row))})
	}
	return err
}

// add counts offers that are lost at an exit.
func (x *exit) add(offers int64, ids []string) {
	x.Out += offers
	x.Lost = append(x.Lost, ids[:min(len(ids), lostSamples-len(x.Lost))]...)
}

func (f *funnel) countBatch(batch arrow.RecordBatch, r *eval.Result, t *tally) {
	t.offers += batch.NumRows()
	for i := range f.exprs {
		t.alone[i] += int64(r.Selected[i].Count())
		t.undecided[i] += r.Undecided[i]
		t.failed[i] += r.Errors[i]
	}
	var before *bitmap.Bitmap
	for k, step := range f.Steps {
		remaining := r.Selected[step.number].Clone()
		if before != nil {
			remaining.And(*before)
		}
		t.remaining[k] += int64(remaining.Count())
		t.lose(k, batch, before, remaining)
		before = &remaining
	}
}

// lose keeps the first offers that a step loses.
func (t *tally) lose(step int, batch arrow.RecordBatch, before *bitmap.Bitmap, remaining bitmap.Bitmap) {
	ids := batch.Column(0).(*array.String)
	for row := 0; row < ids.Len() && len(t.lost[step]) < lostSamples; row++ {
		if (before == nil || before.Has(row)) && !remaining.Has(row) {
			t.lost[step] = append(t.lost[step], strings.Clone(ids.Value(row)))
		}
	}
}

func (f *funnel) take(t *tally) {
	f.Offers += t.offers
	for i, s := range f.sieves {
		s.Alone += t.alone[i]
		s.Undecided += t.undecided[i]
		s.Failed += t.failed[i]
	}
	whole := len(f.exprs) - 1
	f.Taken += t.alone[whole]
	f.Undecided += t.undecided[whole]
	f.Failed += t.failed[whole]
	for k, s := range f.Steps {
		*s.Remaining += t.remaining[k]
		s.Lost = append(s.Lost, t.lost[k][:min(len(t.lost[k]), lostSamples-len(s.Lost))]...)
	}
	f.Items += t.chosen
	if f.Chosen != nil {
		f.Chosen.Remaining += t.chosen
		f.Chosen.add(t.alone[whole]-t.chosen, t.passed)
	}
	for _, rule := range slices.Sorted(maps.Keys(t.left)) {
		at := slices.IndexFunc(f.LeftOut, func(x *exit) bool { return x.Text == rule })
		if at < 0 {
			at = len(f.LeftOut)
			f.LeftOut = append(f.LeftOut, &exit{Text: rule})
		}
		f.LeftOut[at].add(t.left[rule].Out, t.left[rule].Lost)
	}
}

// conclude puts the rules in order, and counts what is left after each.
func (f *funnel) conclude() {
	slices.SortFunc(f.LeftOut, func(a, b *exit) int { return cmp.Or(cmp.Compare(b.Out, a.Out), strings.Compare(a.Text, b.Text)) })
	for _, x := range f.LeftOut {
		f.Items -= x.Out
		x.Remaining = f.Items
	}
}

func (f *funnel) print(w io.Writer) error {
	fmt.Fprintf(w, "%s %s over snapshot %s, %s; now is %s\n", f.Kind, f.Feed, f.Snapshot, plural(f.Offers, "offer"), f.Now.Format(time.RFC3339))
	t := table{head: []string{"remaining", "alone", "undecided", "failed", "condition", "lost, for example"}}
	for _, s := range f.Steps {
		s.rows(&t, "")
	}
	if f.Chosen != nil {
		t.add(count(f.Chosen.Remaining), "", "", "", f.Chosen.Text, strings.Join(f.Chosen.Lost, ", "))
	}
	for _, x := range f.LeftOut {
		t.add(count(x.Remaining), "", "", "", "the template leaves out "+count(x.Out)+": "+x.Text, strings.Join(x.Lost, ", "))
	}
	if err := t.write(w); err != nil {
		return err
	}
	text := "taken: " + count(f.Taken)
	if f.Chosen != nil {
		text += ", chosen: " + count(f.Chosen.Remaining)
	}
	if f.Chosen != nil || f.LeftOut != nil {
		text += ", in the feed: " + count(f.Items)
	}
	if f.Published != nil {
		text += "; published: " + count(*f.Published)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// choiceText is the choice of a feed as it was written.
func choiceText(s subject) string { return s.feed.Wording().Choose.String() }

func (s *sieve) rows(t *table, indent string) {
	remaining := ""
	if s.Remaining != nil {
		remaining = count(*s.Remaining)
	}
	text := s.Text
	if s.Join != "" {
		text = s.Join
	}
	if s.Shared != "" {
		text = "shared." + s.Shared + ": " + text
	}
	t.add(remaining, count(s.Alone), count(s.Undecided), count(s.Failed), indent+shorten(text, 80), strings.Join(s.Lost, ", "))
	for _, leg := range s.Legs {
		leg.rows(t, indent+"  ")
	}
}
