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
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/workspace"
)

const aggregateText = `
Aggregate reads the deliveries that no run has seen, merges them into the latest
state of every key, joins the sources and writes a snapshot, which becomes
current. When nothing changed there is no new one.

A source that looks wrong to its guard is held: it keeps its last state, the
snapshot goes on with it, and the exit code is 3.`

type aggregateOptions struct {
	asOf []string
	full bool
}

func (o *aggregateOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.asOf, "as-of", nil, "only deliveries up to `VERSION`, those that begin with it included; SOURCE=VERSION for one source")
	flags.BoolVar(&o.full, "full", false, "build every source anew from its deliveries")
}

func newAggregateCommand(a *app) *cobra.Command {
	var opts aggregateOptions
	cmd := &cobra.Command{
		Use:     "aggregate",
		Short:   "Make a snapshot of all offers",
		Long:    exits(aggregateText, exitDone, exitError, exitUsage, exitHeld, exitInvalid, exitInterrupted),
		Example: "  feedmill aggregate --as-of 2026-01-31 --as-of prices=2026-02-01",
		Args:    arguments(),
		RunE:    runner(a, &opts, runAggregate),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func runAggregate(ctx context.Context, a *app, opts *aggregateOptions, _ []string) error {
	w, err := a.load()
	if err != nil {
		return err
	}
	report, err := a.aggregate(ctx, w, opts)
	if report == nil {
		return err
	}
	return errors.Join(err, a.show(report, func(out io.Writer) error { return printAggregate(out, report) }))
}

// aggregate runs the stage. A held run is a *heldError beside its report.
func (a *app) aggregate(ctx context.Context, w *workspace.Workspace, opts *aggregateOptions) (*aggregate.Report, error) {
	asOf, each, err := parseAsOf(opts.asOf, sourceNames(w))
	if err != nil {
		return nil, err
	}
	store, err := openWarehouse(w)
	if err != nil {
		return nil, err
	}
	report, err := aggregate.Run(ctx, aggregate.Options{
		Workspace: w, Store: store, Open: opener(w), Workers: a.workers, AsOf: asOf, AsOfEach: each, Full: opts.full,
		Progress: a.progress("aggregate"), Log: a.log.Info, Now: a.now,
	})
	if err == nil && report.Status == manifest.Held {
		err = &heldError{strings.Join(heldSources(report), ", ")}
	}
	if report != nil {
		report.Warnings = append(report.Warnings, engineWarnings(w)...)
		a.tell(ctx, w, store, aggregateFinding(report, err), &report.Warnings)
	}
	return report, err
}

// parseAsOf divides the values of --as-of into the one for all sources and those
// for single ones.
func parseAsOf(values, sources []string) (all string, each map[string]string, err error) {
	each = map[string]string{}
	for _, value := range values {
		name, version, one := strings.Cut(value, "=")
		switch {
		case value == "" || one && version == "":
			return "", nil, usagef("--as-of 2026-01-31", "--as-of %q: a version is missing", value)
		case !one && all != "":
			return "", nil, usagef("--as-of SOURCE=VERSION is for one source", "--as-of is given twice: %s and %s", all, value)
		case !one:
			all = value
		case !slices.Contains(sources, name):
			return "", nil, usagef("the sources are "+strings.Join(sources, ", "), "--as-of %s: unknown source %q", value, name)
		default:
			each[name] = version
		}
	}
	return all, each, nil
}

func sourceNames(w *workspace.Workspace) []string {
	names := make([]string, len(w.Sources))
	for i, s := range w.Sources {
		names[i] = s.Def.Name
	}
	return names
}

// heldSources gives for every held source why.
func heldSources(r *aggregate.Report) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.Sources)) {
		for _, reason := range r.Sources[name].Reasons {
			out = append(out, "source "+name+": "+reason.Text)
		}
	}
	return out
}

func printAggregate(w io.Writer, r *aggregate.Report) error {
	fmt.Fprintf(w, "aggregate %s: %s in %s\n", r.Run, r.Status, took(r.Seconds))
	if r.Snapshot != "" {
		fmt.Fprintf(w, "snapshot %s: %s\n", r.Snapshot, plural(r.Offers, "offer"))
	}
	t := table{head: []string{"source", "rows", "rejected", "duplicates", "deliveries", "newest", "verdict"}}
	for _, name := range slices.Sorted(maps.Keys(r.Sources)) {
		s := r.Sources[name]
		newest := ""
		if n := len(s.Versions); n > 0 {
			newest = shorten(s.Versions[n-1], 24)
		}
		t.add(name, count(s.Rows), count(s.Rejected), count(s.Duplicates), count(int64(len(s.Versions))), newest, string(s.Verdict))
	}
	if len(t.rows) > 0 {
		if err := t.write(w); err != nil {
			return err
		}
	}
	return printWarnings(w, r.Warnings)
}

func printWarnings(w io.Writer, warnings []string) error {
	for _, text := range warnings {
		if _, err := fmt.Fprintf(w, "warning: %s\n", text); err != nil {
			return err
		}
	}
	return nil
}
