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

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/generate"
	"github.com/feedmill/feedmill/internal/locate"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/workspace"
)

const generateText = `
Generate decides every feed for every offer of a snapshot in one pass, renders
the offers and publishes the feeds that their guards let pass. A feed that is
held keeps what it has published, and the exit code is 3.

Parts of feeds whose offers and definitions did not change are taken over from
earlier runs; --full renders everything again and publishes the new bytes, also of
feeds that are the same.

With --feed only these feeds are made; the others stay as they are. --now
repeats what predicates saw at another time.`

type generateOptions struct {
	snapshot string
	feeds    []string
	now      string
	full     bool
}

func (o *generateOptions) addFlags(flags *pflag.FlagSet) {
	addSnapshotFlag(flags, &o.snapshot)
	flags.StringArrayVar(&o.feeds, "feed", nil, "only the feed of this `NAME`; may be repeated")
	flags.StringVar(&o.now, "now", "", "what now is in predicates, an RFC 3339 `TIME`; default: the start of the run")
	flags.BoolVar(&o.full, "full", false, "render everything again, also what did not change")
}

func newGenerateCommand(a *app) *cobra.Command {
	var opts generateOptions
	cmd := &cobra.Command{
		Use:     "generate",
		Short:   "Make and publish the feeds of a snapshot",
		Long:    exits(generateText, exitDone, exitError, exitUsage, exitHeld, exitInvalid, exitInterrupted),
		Example: "  feedmill generate --feed google-de --now 2026-01-31T02:15:00Z",
		Args:    arguments(),
		RunE:    runner(a, &opts, runGenerate),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func runGenerate(ctx context.Context, a *app, opts *generateOptions, _ []string) error {
	w, err := a.load()
	if err != nil {
		return err
	}
	report, err := a.generate(ctx, w, opts)
	if report == nil {
		return err
	}
	return errors.Join(err, a.show(report, func(out io.Writer) error { return printGenerate(out, report) }))
}

// generate runs the stage. A held run is a *heldError beside its report.
func (a *app) generate(ctx context.Context, w *workspace.Workspace, opts *generateOptions) (*generate.Report, error) {
	at, err := parseNow(opts.now)
	if err != nil {
		return nil, err
	}
	if err := knownFeeds(w, opts.feeds); err != nil {
		return nil, err
	}
	store, err := openWarehouse(w)
	if err != nil {
		return nil, err
	}
	from, err := snapshotOf(ctx, store, opts.snapshot)
	if err != nil {
		return nil, err
	}
	report, err := generate.Run(ctx, generate.Options{
		Workspace: w, Store: store, Workers: a.workers, Snapshot: from, Feeds: opts.feeds, At: at, Full: opts.full, Build: version(),
		Progress: a.progress("generate"), Log: a.log.Info, Now: a.now,
	})
	if err == nil && report.Status == manifest.Held {
		err = &heldError{strings.Join(heldFeeds(report), ", ")}
	}
	if report != nil {
		report.Warnings = append(report.Warnings, engineWarnings(w)...)
		a.tell(ctx, w, store, generateFinding(report, err), &report.Warnings)
	}
	return report, err
}

func parseNow(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, usagef("--now 2026-01-31T02:15:00Z", "--now %s: not an RFC 3339 time", text)
	}
	return at, nil
}

// knownFeeds refuses names of feeds that are not there, or not enabled.
func knownFeeds(w *workspace.Workspace, names []string) error {
	var enabled []string
	for _, f := range w.Feeds {
		if f.Enabled {
			enabled = append(enabled, f.Name)
		}
	}
	for _, name := range names {
		if !slices.Contains(enabled, name) {
			return usagef(nearest(name, enabled, "feedmill check counts the feeds"), "--feed %s: there is no enabled feed of this name", name)
		}
	}
	return nil
}

// heldFeeds says why the run is held, and of every held feed why.
func heldFeeds(r *generate.Report) []string {
	var out []string
	for _, reason := range r.Reasons {
		out = append(out, reason.Text)
	}
	held := r.Held()
	for _, name := range slices.Sorted(maps.Keys(held)) {
		for _, reason := range held[name] {
			out = append(out, "feed "+name+": "+reason.Text+heldBefore(r.Run, r.Holds[name].Run))
		}
	}
	return append(out, openHolds(r)...)
}

// heldBefore says which run holds what a later one came to again.
func heldBefore(run, holder string) string {
	if holder == "" || holder == run {
		return ""
	}
	return " (held by run " + holder + ")"
}

// openHolds names the holds that are open though the run lets their feeds pass,
// or did not make them.
func openHolds(r *generate.Report) []string {
	var out []string
	held := r.Held()
	for _, name := range slices.Sorted(maps.Keys(r.Holds)) {
		if _, found := held[name]; !found && len(r.Reasons) == 0 {
			out = append(out, fmt.Sprintf("feed %s: held since %s by run %s", name, stamp(r.Holds[name].Opened), r.Holds[name].Run))
		}
	}
	return out
}

func printGenerate(w io.Writer, r *generate.Report) error {
	fmt.Fprintf(w, "generate %s: %s in %s\n", r.Run, r.Status, took(r.Seconds))
	if r.Snapshot != "" {
		fmt.Fprintf(w, "from snapshot %s: %s, %s\n", r.Snapshot, plural(r.Offers, "offer"), plural(int64(r.Renderings), "rendering"))
	}
	if r.Decision != nil {
		fmt.Fprintf(w, "it carried out a decision about run %s, and made nothing itself: %s\n", r.Decision.Run, r.Decision)
	}
	if r.Carried > 0 && r.Decision == nil {
		fmt.Fprintf(w, "taken over from earlier runs, since nothing of them changed: %s of %s\n", count(int64(r.Carried)), plural(int64(r.Parts), "part"))
	}
	t := table{head: []string{"feed", "items", "bytes", "files", "errors", "undecided", "verdict"}}
	for _, name := range slices.Sorted(maps.Keys(r.Feeds)) {
		f := r.Feeds[name]
		t.add(name, count(f.Items), size(f.Bytes), count(int64(f.Files)), count(f.Errors), count(f.Undecided), string(f.Verdict))
	}
	if len(t.rows) > 0 {
		if err := t.write(w); err != nil {
			return err
		}
	}
	if err := printHeld(w, r); err != nil {
		return err
	}
	return printWarnings(w, r.Warnings)
}

// printHeld says why feeds are held, and what changed.
func printHeld(w io.Writer, r *generate.Report) error {
	for _, reason := range heldFeeds(r) {
		if _, err := fmt.Fprintln(w, "held:", reason); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Held())) {
		if _, err := fmt.Fprintf(w, "  %s: %s\n", name, strings.Join(changes(r.Feeds[name]), "; ")); err != nil {
			return err
		}
	}
	return nil
}

// changes says how a held feed differs from what is published.
func changes(f generate.FeedReport) []string {
	if f.Before == nil {
		return []string{"nothing is published yet", plural(f.Items, "item") + " now"}
	}
	out := []string{fmt.Sprintf("%s published, %s now", plural(*f.Before, "item"), count(f.Items))}
	if len(f.Gained) > 0 {
		out = append(out, "new, for example: "+strings.Join(f.Gained, ", "))
	}
	if len(f.Lost) > 0 {
		out = append(out, "gone, for example: "+strings.Join(f.Lost, ", "))
	}
	if f.Unknown != "" {
		out = append(out, "which offers came and went is not known: "+f.Unknown)
	}
	if f.Redefined {
		out = append(out, "its definition changed")
	} else {
		out = append(out, "its definition is the same")
	}
	return append(out, causes(f.Causes)...)
}

// causes says where the change of a feed comes from.
func causes(c *locate.Causes) []string {
	if c == nil {
		return nil
	}
	if c.Unknown != "" {
		return []string{"where the change comes from is not known: " + c.Unknown}
	}
	var out []string
	for _, kind := range []struct {
		name    string
		changes []locate.Change
	}{{"source ", c.Sources}, {"condition ", c.Edited}, {"condition ", c.Legs}, {"", c.Rules}, {"column ", c.Values}} {
		for _, change := range kind.changes {
			out = append(out, fmt.Sprintf("%s%s: %s -> %s", kind.name, shorten(change.What, 100), count(change.Before), count(change.Now)))
		}
	}
	for _, share := range c.Updated {
		out = append(out, fmt.Sprintf("column %s: %s of %s updated", share.What, count(share.Now), count(share.Before)))
	}
	return out
}
