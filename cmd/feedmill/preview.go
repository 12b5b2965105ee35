package main

import (
	"context"
	"errors"
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
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/snapshot"
)

const previewText = `
Preview counts how a feed narrows down, as it is defined now: condition by
condition how many offers of the snapshot remain, how many a condition takes
alone, of how many it could not be decided, and a few of those that it loses.
Without FEED it compares the conditions of all feeds, shared expressions with
them, with those that generate made the published feeds by: how many offers of
the snapshot each feed would gain and lose, and which conditions do it. Nothing is
written.

Where the feed chooses, the choice comes after this; nor are the rules of the
template looked at.`

type previewOptions struct{ snapshot, now string }

func (o *previewOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.snapshot, "snapshot", "", "the `RUN` of aggregate whose snapshot is read; default: the current one")
	flags.StringVar(&o.now, "now", "", "what now is in predicates, an RFC 3339 `TIME`; default: the present")
}

func newPreviewCommand(a *app) *cobra.Command {
	var opts previewOptions
	cmd := &cobra.Command{
		Use:     "preview [FEED]",
		Short:   "Count how a feed narrows down, or what edited conditions change",
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
	Published *int64    `json:"published,omitempty"` // items; nil: not published yet
	Steps     []*sieve  `json:"steps"`               // the conditions that all have to be true

	sieves []*sieve // all of them, in the order of the program's predicates
	exprs  []*predicate.Expr
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
	now, err := parseNow(opts.now)
	if err != nil {
		return err
	}
	if now.IsZero() {
		now = a.now().UTC()
	}
	w, store, err := a.openWorkspace()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return previewEdits(ctx, a, w, store, opts.snapshot, now)
	}
	subjects, err := chosenSubjects(w, args)
	if err != nil {
		return err
	}
	s, err := openSnapshot(ctx, store, opts.snapshot)
	if err != nil {
		return err
	}
	catalog, err := part.Published(ctx, store)
	if err != nil {
		return err
	}
	f := newFunnel(subjects[0])
	f.Snapshot, f.Now = s.Table().Run, now
	if e, found := catalog.Feeds[f.Feed]; found {
		f.Published = &e.Items
	}
	if err := f.count(ctx, s, subjects, a.workers); err != nil {
		return err
	}
	return a.show(f, f.print)
}

func newFunnel(s subject) *funnel {
	f := &funnel{Status: "done", Feed: s.name, Kind: s.kind, Chooses: s.chooses}
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
	return f
}

func (f *funnel) add(l *predicate.Leg) *sieve {
	s := &sieve{Text: l.Text, Shared: l.Shared, Join: string(l.Join), number: len(f.exprs)}
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
}

// lostSamples is how many lost offers are named.
const lostSamples = 3

func (f *funnel) count(ctx context.Context, s *snapshot.Snapshot, subjects []subject, workers int) error {
	columns, err := readBy(s, subjects)
	if err != nil {
		return err
	}
	program := eval.Compile(f.exprs)
	tallies := make([]tally, s.Partitions())
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(workers, 1))
	for i := range tallies {
		group.Go(func() error { return f.countPartition(ctx, s, i, columns, program, &tallies[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range tallies {
		f.take(&tallies[i])
	}
	return nil
}

func (f *funnel) countPartition(ctx context.Context, s *snapshot.Snapshot, partition int, columns []string, program *eval.Program, t *tally) error {
	n := len(f.exprs)
	*t = tally{alone: make([]int64, n), undecided: make([]int64, n), failed: make([]int64, n), remaining: make([]int64, len(f.Steps)), lost: make([][]string, len(f.Steps))}
	return scanPartition(ctx, s, partition, columns, func(batch arrow.RecordBatch) { f.countBatch(batch, program.Run(batch, f.Now), t) })
}

// scanPartition hands on the batches of a partition.
func scanPartition(ctx context.Context, s *snapshot.Snapshot, partition int, columns []string, do func(arrow.RecordBatch)) (err error) {
	scan, err := s.Partition(ctx, partition, columns)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scan.Close()) }()
	for ctx.Err() == nil {
		batch, err := scan.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		do(batch)
		batch.Release()
	}
	return ctx.Err()
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
}

// readBy returns the id and the columns that the subjects read, which the
// snapshot must have.
func readBy(s *snapshot.Snapshot, subjects []subject) ([]string, error) {
	columns := map[string]bool{}
	for _, subject := range subjects {
		for _, name := range columnsOf(subject.where) {
			if s.Schema().Index(name) < 0 {
				return nil, fmt.Errorf("snapshot %s has no column %s, which %s reads: run feedmill aggregate", s.Table().Run, name, subject.name)
			}
			columns[name] = true
		}
	}
	delete(columns, offer.Key)
	return append([]string{offer.Key}, slices.Sorted(maps.Keys(columns))...), nil
}

func (f *funnel) print(w io.Writer) error {
	fmt.Fprintf(w, "%s %s over snapshot %s, %s; now is %s\n", f.Kind, f.Feed, f.Snapshot, plural(f.Offers, "offer"), f.Now.Format(time.RFC3339))
	t := table{head: []string{"remaining", "alone", "undecided", "failed", "condition", "lost, for example"}}
	for _, s := range f.Steps {
		s.rows(&t, "")
	}
	if err := t.write(w); err != nil {
		return err
	}
	text := "taken: " + count(f.Taken)
	if f.Chooses {
		text += ", of which the feed chooses"
	}
	if f.Published != nil {
		text += "; published: " + count(*f.Published)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

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
