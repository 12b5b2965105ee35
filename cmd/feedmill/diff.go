package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/workspace"
)

const diffText = `
Diff compares the offers that event feeds take now with what their destinations
have, and sends the difference to Kafka: offers added, updated and removed, and
refreshed those that were not sent for long. The state moves when all of it was
acknowledged; what a run could not send, the next one sends first. Without kafka
in feedmill.yaml the stored change set is the hand-over.

What a guard holds is not sent, and the exit code is 3; approve sends it. When
only removals are too many, they alone are held. An event feed that is changed to
other destinations, or another catalog, while the old ones have its offers is held
until it is changed back, or they were told of removals; it cannot be approved.

--snapshot compares with another snapshot, for example to take partners back to
an earlier state. --dry-run only counts.`

type diffOptions struct {
	snapshot       string
	noSend, dryRun bool
}

func (o *diffOptions) addFlags(flags *pflag.FlagSet) {
	addSnapshotFlag(flags, &o.snapshot)
	flags.BoolVar(&o.noSend, "no-send", false, "store the change set and leave the sending to the next run")
	flags.BoolVar(&o.dryRun, "dry-run", false, "count, show samples, and change nothing")
}

func newDiffCommand(a *app) *cobra.Command {
	var opts diffOptions
	cmd := &cobra.Command{
		Use:     "diff",
		Short:   "Send what changed to the partners that take changes",
		Long:    exits(diffText, exitDone, exitError, exitUsage, exitHeld, exitInvalid, exitInterrupted),
		Example: "  feedmill diff --dry-run",
		Args:    arguments(),
		RunE:    runner(a, &opts, runDiff),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func runDiff(ctx context.Context, a *app, opts *diffOptions, _ []string) error {
	w, err := a.load()
	if err != nil {
		return err
	}
	report, err := a.diff(ctx, w, opts)
	if report == nil {
		return err
	}
	return errors.Join(err, a.show(report, func(out io.Writer) error { return printDiff(out, report) }))
}

// diff runs the stage. A held run is a *heldError beside its report.
func (a *app) diff(ctx context.Context, w *workspace.Workspace, opts *diffOptions) (*diff.Report, error) {
	store, err := openWarehouse(w)
	if err != nil {
		return nil, err
	}
	from, err := snapshotOf(ctx, store, opts.snapshot)
	if err != nil {
		return nil, err
	}
	report, err := diff.Run(ctx, diff.Options{
		Workspace: w, Store: store, Producer: openProducer(w), Workers: a.workers, Snapshot: from,
		NoSend: opts.noSend, DryRun: opts.dryRun, Progress: a.progress("diff"), Log: a.log.Info, Now: a.now,
	})
	if err == nil && report.Status == manifest.Held {
		err = &heldError{strings.Join(heldEvents(report), ", ")}
	}
	if report != nil && !opts.dryRun {
		report.Warnings = append(report.Warnings, engineWarnings(w)...)
		a.tell(ctx, w, store, diffFinding(report, err), &report.Warnings)
	}
	return report, err
}

// heldEvents says of every event feed that is held why.
func heldEvents(r *diff.Report) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.Holds)) {
		which := ""
		if only := r.Holds[name].Only; only != "" {
			which = " " + only
		}
		reasons := r.Events[name].Reasons
		if len(reasons) == 0 {
			out = append(out, fmt.Sprintf("events %s%s: held since %s by run %s", name, which, stamp(r.Holds[name].Opened), r.Holds[name].Run))
		}
		for _, reason := range reasons {
			out = append(out, fmt.Sprintf("events %s%s: %s%s", name, which, reason.Text, heldBefore(r.Run, r.Holds[name].Run)))
		}
	}
	return out
}

func printDiff(w io.Writer, r *diff.Report) error {
	fmt.Fprintf(w, "diff %s: %s in %s\n", r.Run, r.Status, took(r.Seconds))
	if r.Decision != nil {
		fmt.Fprintf(w, "it carried out a decision about run %s, and made nothing itself: %s\n", r.Decision.Run, r.Decision)
	}
	if r.Snapshot != "" {
		left := ""
		if r.Unsent > 0 {
			left = fmt.Sprintf(", %s still to be sent", count(r.Unsent))
		}
		fmt.Fprintf(w, "from snapshot %s: %s, %s sent%s\n", r.Snapshot, plural(r.Offers, "offer"), plural(r.Sent, "event"), left)
	}
	t := table{head: []string{"events", "added", "updated", "removed", "refreshed", "unchanged", "errors", "undecided", "verdict"}}
	for _, name := range slices.Sorted(maps.Keys(r.Events)) {
		f := r.Events[name]
		t.add(name, count(f.Added), count(f.Updated), count(f.Removed), count(f.Refreshed), count(f.Unchanged), count(f.Errors), count(f.Undecided), string(f.Verdict))
	}
	if len(t.rows) > 0 {
		if err := t.write(w); err != nil {
			return err
		}
	}
	for _, reason := range heldEvents(r) {
		if _, err := fmt.Fprintln(w, "held:", reason); err != nil {
			return err
		}
	}
	if err := printEventSamples(w, r); err != nil {
		return err
	}
	return printWarnings(w, r.Warnings)
}

// printEventSamples shows, of held feeds and of a dry run, some offers, which
// fields changed, and where that comes from.
func printEventSamples(w io.Writer, r *diff.Report) error {
	for _, name := range slices.Sorted(maps.Keys(r.Events)) {
		f := r.Events[name]
		if _, held := r.Holds[name]; !held && !r.DryRun {
			continue
		}
		if parts := append(eventSamples(f), causes(f.Causes)...); len(parts) > 0 {
			if _, err := fmt.Fprintf(w, "  %s: %s\n", name, strings.Join(parts, "; ")); err != nil {
				return err
			}
		}
	}
	return nil
}

func eventSamples(f diff.FeedReport) []string {
	var out []string
	for _, kind := range []string{"added", "updated", "removed", "refreshed"} {
		var ids []string
		for _, s := range f.Samples {
			if s.Kind == kind {
				ids = append(ids, s.Offer)
			}
		}
		if len(ids) > 0 {
			out = append(out, kind+", for example: "+strings.Join(ids, ", "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Changed)) {
		out = append(out, fmt.Sprintf("field %s: %s", name, plural(f.Changed[name], "change")))
	}
	switch {
	case f.Redefined:
		out = append(out, "its fields are defined anew")
	case f.Edited:
		out = append(out, "its definition changed")
	}
	return out
}
