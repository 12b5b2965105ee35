package main

import (
	"context"
	"encoding/json"
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

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/preview"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/template"
	"github.com/feedmill/feedmill/internal/workspace"
)

const explainText = `
Explain says why an offer is in feeds, or is not: for one feed every condition of
its predicate, with what it says of the offer, and the values that it reads; without
FEED for each feed whether it takes the offer, and the condition that decides.

Conditions are those of the workspace as it is now, the offer is that of the
current snapshot or of --snapshot. Where a feed chooses, an offer that satisfies its
conditions may be beaten by others of its group, which are named; and one that is
taken may be left out by a rule of the template, or as its item is empty.
--json says so in beaten_by and left_out.`

type explainOptions struct{ snapshot, now string }

func (o *explainOptions) addFlags(flags *pflag.FlagSet) {
	addSnapshotFlag(flags, &o.snapshot)
	flags.StringVar(&o.now, "now", "", "what now is in predicates, an RFC 3339 `TIME`; default: the present")
}

func newExplainCommand(a *app) *cobra.Command {
	var opts explainOptions
	cmd := &cobra.Command{
		Use:     "explain OFFER [FEED]",
		Short:   "Say why an offer is in feeds, or is not",
		Long:    exits(explainText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill explain 4711 google-de",
		Args:    arguments("OFFER", "[FEED]"),
		RunE:    runner(a, &opts, runExplain),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

// An explanation is the answer of explain.
type explanation struct {
	Status   string    `json:"status"`
	Offer    string    `json:"offer"`
	Snapshot string    `json:"snapshot"`
	Now      time.Time `json:"now"`
	Feeds    []verdict `json:"feeds"`

	one bool // feed was asked for
}

// A verdict is what the conditions of one feed say of the offer.
type verdict struct {
	Feed      string                     `json:"feed"`
	Kind      string                     `json:"kind"` // feed, events
	In        bool                       `json:"in"`
	Because   string                     `json:"because"` // the condition that decides, or what else
	Enabled   bool                       `json:"enabled"`
	Chooses   bool                       `json:"chooses"`
	Beaten    []string                   `json:"beaten_by,omitempty"` // the offers that are chosen in its place, the best first
	LeftOut   string                     `json:"left_out,omitempty"`  // why the template leaves it out
	Published string                     `json:"published,omitempty"` // the run whose bytes are served
	Held      []string                   `json:"held,omitempty"`      // why its guard holds what is newer
	Condition *ruling                    `json:"condition"`
	Values    map[string]json.RawMessage `json:"values"` // of the columns that condition and choice read
}

// A ruling is a leg of a predicate, with what it says.
type ruling struct {
	Text    string    `json:"text"`
	Shared  string    `json:"shared,omitempty"`
	Join    string    `json:"join,omitempty"` // of the legs: all of, any of
	Outcome string    `json:"outcome"`        // true, false, undecided, failed
	Reason  string    `json:"reason,omitempty"`
	Legs    []*ruling `json:"legs,omitempty"`
}

// A subject is a feed or event feed.
type subject struct {
	name, kind string
	where      *predicate.Expr
	enabled    bool
	feed       *feed.Feed         // of an event feed what it has of one
	template   *template.Template // nil: of an event feed
}

func (s *subject) chooses() bool { return s.feed.Choose != nil }

func runExplain(ctx context.Context, a *app, opts *explainOptions, args []string) error {
	return a.search(opts.now, func(q preview.Search, store storage.Store) error {
		subjects, err := chosenSubjects(q.Workspace, args[1:])
		if err != nil {
			return err
		}
		if q.Snapshot, err = openSnapshot(ctx, store, opts.snapshot); err != nil {
			return err
		}
		e := &explanation{Status: "done", Offer: args[0], Snapshot: q.Snapshot.Table().Run, Now: q.At, one: len(args) > 1}
		if err := e.explain(ctx, q, store, subjects); err != nil {
			return err
		}
		return a.show(e, e.print)
	})
}

// chosenSubjects returns the feed of a name, or without one all of them.
func chosenSubjects(w *workspace.Workspace, names []string) ([]subject, error) {
	var all []subject
	for _, f := range w.Feeds {
		all = append(all, subject{f.Name, "feed", f.Where, f.Enabled, f, w.Templates[f.Template]})
	}
	for _, f := range w.Events {
		all = append(all, subject{f.Name, "events", f.Where, f.Enabled, &feed.Feed{Name: f.Name, Fields: f.Fields, Choose: f.Choose}, nil})
	}
	slices.SortFunc(all, func(a, b subject) int { return strings.Compare(a.name, b.name) })
	if len(names) == 0 {
		return all, nil
	}
	known := make([]string, len(all))
	for i, s := range all {
		if known[i] = s.name; s.name == names[0] {
			return all[i : i+1], nil
		}
	}
	return nil, usagef(diag.DidYouMean(names[0], known), "there is no feed %s", names[0])
}

func (e *explanation) explain(ctx context.Context, q preview.Search, store storage.Store, subjects []subject) error {
	row, err := findOffer(ctx, q, e.Offer, subjects)
	if err != nil {
		return err
	}
	defer row.Release()
	catalog, err := part.Published(ctx, store)
	if err != nil {
		return err
	}
	if err := catalog.FindHolds(ctx, store); err != nil {
		return err
	}
	for _, subject := range subjects {
		v := e.judge(subject, q.Workspace.Schema, row)
		v.Published = catalog.Feeds[v.Feed].Run
		for _, reason := range catalog.Holds[v.Feed].Reasons {
			v.Held = append(v.Held, reason.Text)
		}
		e.Feeds = append(e.Feeds, v)
	}
	if err := e.choose(ctx, q, subjects, row); err != nil {
		return err
	}
	return e.obey(ctx, q, subjects, row)
}

// choose finds in which feeds others are chosen in place of the offer.
func (e *explanation) choose(ctx context.Context, q preview.Search, subjects []subject, row arrow.RecordBatch) error {
	rivals := preview.NewRivals(q)
	choices := make([]*choose.Choice, len(subjects))
	for i, s := range subjects {
		if !e.Feeds[i].In || !s.chooses() {
			continue
		}
		var err error
		if choices[i], err = rivals.Add(s.feed, s.where, row); err != nil {
			return fmt.Errorf("feed %s: %w", s.name, err)
		}
	}
	if err := rivals.Run(ctx); err != nil {
		return err
	}
	for i, c := range choices {
		if c == nil {
			continue
		}
		v := &e.Feeds[i]
		if by, beaten := rivals.Beaten(c, e.Offer); beaten {
			v.In, v.Beaten = false, by
			v.Because += ", but " + chosenText(by)
		}
	}
	return nil
}

func chosenText(by []string) string {
	if len(by) == 1 {
		return by[0] + " of its group is chosen instead"
	}
	return strings.Join(by, ", ") + " of its group are chosen instead"
}

// obey finds which templates leave the offer out.
func (e *explanation) obey(ctx context.Context, q preview.Search, subjects []subject, row arrow.RecordBatch) error {
	for i, s := range subjects {
		v := &e.Feeds[i]
		if !v.In || s.template == nil {
			continue
		}
		left, err := preview.NewFinale(q, s.feed, s.where, s.template).Left(row, bitmap.Full(1))
		if err != nil {
			return fmt.Errorf("render feed %s: %w", s.name, err)
		}
		if len(left) > 0 {
			v.In, v.LeftOut = false, left[0].Reason
			v.Because += ", but its template leaves it out: " + left[0].Reason
		}
	}
	return nil
}

// findOffer returns the row of an offer, of the columns that are read for the
// subjects. The caller releases it.
func findOffer(ctx context.Context, q preview.Search, id string, subjects []subject) (row arrow.RecordBatch, err error) {
	var readings []preview.Reading
	for _, s := range subjects {
		readings = append(readings, s.readings(q)...)
	}
	names, err := preview.Columns(q.Snapshot, q.Workspace.Schema, readings...)
	if err != nil {
		return nil, err
	}
	partition := offer.Partition(offer.Hash(id), q.Snapshot.Partitions())
	err = q.Snapshot.Each(ctx, partition, names, func(batch arrow.RecordBatch, _ int64) error {
		if row == nil {
			row = rowOf(batch, id)
		}
		return nil
	})
	if err == nil && row == nil {
		err = fmt.Errorf("there is no offer %s in snapshot %s", id, q.Snapshot.Table().Run)
	}
	if err != nil && row != nil {
		row.Release()
	}
	return row, err
}

// readings is what is read to explain a subject.
func (s *subject) readings(q preview.Search) []preview.Reading {
	exprs := append([]*predicate.Expr{s.where}, s.feed.Choose.Expressions()...)
	return []preview.Reading{{Feed: s.name, Exprs: exprs}, preview.NewFinale(q, s.feed, s.where, s.template).Reading()}
}

// rowOf returns the row of an offer in a batch, or nil. The caller releases it.
func rowOf(batch arrow.RecordBatch, id string) arrow.RecordBatch {
	keys := batch.Column(0).(*array.String)
	for i := range keys.Len() {
		if keys.Value(i) == id {
			return batch.NewSlice(int64(i), int64(i+1))
		}
	}
	return nil
}

// columns are those that the condition and the choice read.
func (s *subject) columns(schema offer.Schema) []string {
	read := map[string]bool{}
	predicate.AddColumns(read, schema, append(s.feed.Choose.Expressions(), s.where)...)
	return slices.Sorted(maps.Keys(read))
}

func (e *explanation) judge(s subject, schema offer.Schema, row arrow.RecordBatch) verdict {
	vars := &predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(row)}, Now: e.Now}
	v := verdict{Feed: s.name, Kind: s.kind, Enabled: s.enabled, Chooses: s.chooses(), Values: map[string]json.RawMessage{}}
	v.Condition = rulingOf(s.where.Legs(), vars)
	v.In = v.Condition.Outcome == predicate.True.String()
	v.Because = v.Condition.deciding()
	for _, name := range s.columns(schema) {
		v.Values[name] = appendValue(nil, row.Column(row.Schema().FieldIndices(name)[0]), 0)
	}
	return v
}

func rulingOf(l *predicate.Leg, vars *predicate.Vars) *ruling {
	outcome, err := l.Expr.Decide(vars)
	c := &ruling{Text: l.Text(), Shared: l.Shared, Join: string(l.Join), Outcome: outcome.String()}
	if err != nil && l.Join == "" {
		c.Reason = err.Error()
	}
	for _, leg := range l.Legs {
		c.Legs = append(c.Legs, rulingOf(leg, vars))
	}
	return c
}

// deciding names the first condition that settles the outcome.
func (c *ruling) deciding() string {
	if c.Join == "" {
		return c.label()
	}
	for _, leg := range c.Legs {
		if leg.Outcome == c.Outcome {
			if c.Join == string(predicate.AllOf) && c.Outcome == predicate.True.String() {
				return "all of its conditions are true"
			}
			if c.Join == string(predicate.AnyOf) && c.Outcome == predicate.False.String() {
				return "none of: " + c.label()
			}
			return leg.deciding()
		}
	}
	return c.label()
}

// label is the condition as people know it.
func (c *ruling) label() string {
	text := c.Text
	if c.Shared != "" {
		text = "shared." + c.Shared
		if c.Join == "" {
			text += ": " + c.Text
		}
	}
	if c.Reason != "" {
		text += " (" + c.Reason + ")"
	}
	return text
}

func (e *explanation) print(w io.Writer) error {
	fmt.Fprintf(w, "offer %s of snapshot %s; now is %s\n", e.Offer, e.Snapshot, e.Now.Format(time.RFC3339))
	if e.one {
		return e.Feeds[0].print(w)
	}
	t := table{head: []string{"feed", "in", "because"}}
	for _, v := range e.Feeds {
		t.add(v.Feed, v.word(), shorten(v.Because, 100))
	}
	return t.write(w)
}

func (v *verdict) word() string {
	switch {
	case !v.Enabled:
		return "disabled"
	case len(v.Beaten) > 0:
		return "beaten"
	case v.In:
		return "yes"
	default:
		return "no"
	}
}

func (v *verdict) print(w io.Writer) error {
	fmt.Fprintf(w, "%s %s: %s, %s\n", v.Kind, v.Feed, v.word(), v.Because)
	v.Condition.print(w, "  ")
	fmt.Fprintln(w, "it reads")
	for _, name := range slices.Sorted(maps.Keys(v.Values)) {
		fmt.Fprintf(w, "  offer.%s = %s\n", name, v.Values[name])
	}
	for _, reason := range v.Held {
		fmt.Fprintf(w, "held: %s\n", reason)
	}
	if v.Kind == "feed" && v.Published == "" {
		fmt.Fprintln(w, "the feed is not published yet")
	} else if v.Kind == "feed" {
		fmt.Fprintf(w, "published is run %s\n", v.Published)
	}
	return nil
}

// marks are how outcomes look in a tree of conditions.
var marks = map[string]string{"true": "yes  ", "false": "no   ", "undecided": "null ", "failed": "error"}

func (c *ruling) print(w io.Writer, indent string) {
	text := c.label()
	if c.Join != "" {
		text = c.Join
		if c.Shared != "" {
			text = "shared." + c.Shared + ", " + text
		}
	}
	fmt.Fprintf(w, "%s%s  %s\n", indent, marks[c.Outcome], shorten(text, 200))
	for _, leg := range c.Legs {
		leg.print(w, indent+"  ")
	}
}
