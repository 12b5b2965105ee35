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

	"github.com/feedmill/feedmill/internal/aggregate"
	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/generate"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

const approveText = `
Approve publishes what a run holds: of generate the feeds that it made, of diff
the events, which it sends, of aggregate the deliveries of sources, which it
aggregates then. The decision is
about exactly what was held, and is kept for ever, with the person and the reason.

Only the newest hold of a feed can be approved: where a later run took its place,
the error names that one. With --feed it is about these feeds (for aggregate:
sources) alone, else about all that the run holds; as long as others are held, the exit
code is 3. show RUN says why it was held.`

const rejectText = `
Reject lets go of what a run holds: nothing of it is published. What was published
before stays, and later runs are neither held nor published as long as a feed, or the
events of an event feed, come to the very same by the same limits; they warn of it.
Anything else is judged anew. For aggregate, the deliveries that were held are left
out until newer ones come.

The decision is kept for ever, with the person and the reason.`

type decideOptions struct {
	feeds      []string
	by, reason string
}

func (o *decideOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.feeds, "feed", nil, "only the feed (or source) of this `NAME`; may be repeated")
	flags.StringVar(&o.by, "by", "", "who decides: a `PERSON`")
	flags.StringVar(&o.reason, "reason", "", "why, in a few words: `TEXT`")
}

func newApproveCommand(a *app) *cobra.Command {
	return newDecideCommand(a, manifest.Approved, "approve RUN", "Publish what a run holds", approveText)
}

func newRejectCommand(a *app) *cobra.Command {
	return newDecideCommand(a, manifest.Rejected, "reject RUN", "Let go of what a run holds", rejectText)
}

func newDecideCommand(a *app, action, use, short, text string) *cobra.Command {
	var opts decideOptions
	verb, _, _ := strings.Cut(use, " ")
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Long:    exits(text, exitDone, exitError, exitUsage, exitHeld, exitInvalid, exitInterrupted),
		Example: fmt.Sprintf("  feedmill %s 20260131T0215 --feed google-de --by ann --reason 'the sale is over'", verb),
		Args:    arguments("RUN"),
		RunE: runner(a, &opts, func(ctx context.Context, a *app, opts *decideOptions, args []string) error {
			return runDecide(ctx, a, action, opts, args[0])
		}),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

// A decided run is the answer of approve and reject.
type decided struct {
	*manifest.Decision
	Status     string            `json:"status"`                // of the run that carried it out; done where none had to
	Sent       *int64            `json:"sent,omitempty"`        // events
	ChangeSets []string          `json:"change_sets,omitempty"` // the objects that have them
	Aggregate  *aggregate.Report `json:"aggregate,omitempty"`   // of the run that took what was approved
}

func runDecide(ctx context.Context, a *app, action string, opts *decideOptions, text string) error {
	if strings.TrimSpace(opts.by) == "" || strings.TrimSpace(opts.reason) == "" {
		return usagef(`--by ann --reason "the sale is over"`, "a decision needs --by and --reason")
	}
	w, store, err := a.openWorkspace()
	if err != nil {
		return err
	}
	stage, run, err := findRun(ctx, store, stageKinds(), text)
	if err != nil {
		return err
	}
	d := manifest.Decision{Action: action, By: opts.by, Reason: opts.reason}
	var left []string // that is held still
	answer := &decided{Status: manifest.Done}
	switch stage.stage {
	case "generate":
		report, err := generate.Decide(ctx, generate.DecideOptions{
			Options: generate.Options{Workspace: w, Store: store, Feeds: opts.feeds, Log: a.log.Info, Now: a.now}, Run: run, Decision: d,
		})
		if err != nil {
			return err
		}
		answer.Decision, answer.Status, left = report.Decision, report.Status, heldFeeds(report)
	case "diff":
		report, err := diff.Decide(ctx, diff.DecideOptions{
			Options: diff.Options{Workspace: w, Store: store, Producer: openProducer(w), Workers: a.workers, Log: a.log.Info, Now: a.now},
			Run:     run, Feeds: opts.feeds, Decision: d,
		})
		if err != nil {
			return err
		}
		answer.Decision, answer.Status, answer.Sent, answer.ChangeSets, left = report.Decision, report.Status, &report.Sent, report.ChangeSets, heldEvents(report)
	default:
		asOf, err := asOfRun(ctx, store, run)
		if err != nil {
			return err
		}
		if answer.Decision, left, err = aggregate.Decide(ctx, aggregate.DecideOptions{Store: store, Run: run, Sources: opts.feeds, Decision: d, Now: a.now}); err != nil {
			return err
		}
		if action == manifest.Approved {
			return a.take(ctx, w, asOf, answer)
		}
		for i := range left {
			answer.Status, left[i] = manifest.Held, "source "+left[i]+": it is held still"
		}
	}
	if answer.Status == manifest.Held {
		err = &heldError{strings.Join(left, ", ")}
	}
	return errors.Join(err, a.show(answer, answer.print))
}

// take aggregates what was approved, as far as the run looked that held it.
func (a *app) take(ctx context.Context, w *workspace.Workspace, asOf []string, answer *decided) error {
	report, err := a.aggregate(ctx, w, &aggregateOptions{asOf: asOf})
	if report == nil {
		return err
	}
	answer.Aggregate, answer.Status = report, report.Status
	for _, name := range slices.Sorted(maps.Keys(answer.Held)) {
		if s := report.Sources[name]; err == nil && s.Decision == "" && s.Read == 0 {
			err = fmt.Errorf("source %s: what was approved is not there any more, so nothing was taken", name)
		}
	}
	return errors.Join(err, a.show(answer, answer.print))
}

// asOfRun returns how far a run of aggregate looked, as --as-of has it.
func asOfRun(ctx context.Context, store storage.Store, run string) ([]string, error) {
	report, err := aggregated(ctx, store, run)
	if err != nil {
		return nil, err
	}
	var out []string
	if report.AsOf != "" {
		out = append(out, report.AsOf)
	}
	for _, source := range slices.Sorted(maps.Keys(report.AsOfEach)) {
		out = append(out, source+"="+report.AsOfEach[source])
	}
	return out, nil
}

func (d *decided) print(w io.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(d.Held)) {
		if _, err := fmt.Fprintf(w, "%s: %s\n", name, d.Decision); err != nil {
			return err
		}
	}
	switch {
	case d.Sent == nil:
	case *d.Sent == 0 && len(d.ChangeSets) > 0: // there is no kafka
		if _, err := fmt.Fprintf(w, "%s of change sets handed over: feedmill show %s --json names them\n", plural(int64(len(d.ChangeSets)), "object"), d.ID); err != nil {
			return err
		}
	default:
		if _, err := fmt.Fprintf(w, "%s sent\n", plural(*d.Sent, "event")); err != nil {
			return err
		}
	}
	if d.Aggregate != nil {
		return printAggregate(w, d.Aggregate)
	}
	return nil
}
