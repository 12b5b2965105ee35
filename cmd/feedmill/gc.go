package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/history"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/workspace"
)

const gcText = `
Gc removes what retention lets go: runs that are older than it, with the states
of sources, rejected rows and working files that no other run needs, and what
killed runs left.

It keeps what is current, what is held, the runs whose bytes are still served or
held, everything that a run within retention needs to be published, and what was
current within the grace time, for readers to finish on. Where retention does not
name a kind, its runs stay for ever. It may run beside the stages.

A run that cannot be read, because it is damaged, stays with all that it may need;
the exit code is 1, when the rest is done.`

type gcOptions struct{ dryRun bool }

func (o *gcOptions) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.dryRun, "dry-run", false, "say what would be removed, and remove nothing")
}

func newGCCommand(a *app) *cobra.Command {
	var opts gcOptions
	cmd := &cobra.Command{
		Use:     "gc",
		Short:   "Remove what retention lets go",
		Long:    exits(gcText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill gc --dry-run",
		Args:    arguments(),
		RunE:    runner(a, &opts, runGC),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func runGC(ctx context.Context, a *app, opts *gcOptions, _ []string) error {
	w, store, err := a.openSettled(workspace.RetentionSection)
	if err != nil {
		return err
	}
	report, err := history.GC(ctx, history.GCOptions{Store: store, Retention: w.Retention, DryRun: opts.dryRun, Now: a.now})
	return errors.Join(err, a.show(report, func(w io.Writer) error { return printGC(w, report) }))
}

func printGC(w io.Writer, r *history.Report) error {
	if r.Status == manifest.Failed && len(r.Removed)+len(r.Kept) == 0 {
		return nil // it did not come to know what there is
	}
	t := table{head: []string{"kind", "run", "objects", "bytes", "why"}}
	for _, removed := range r.Removed {
		t.add(removed.Kind, removed.Run, count(int64(removed.Objects)), size(removed.Bytes), removed.Why)
	}
	if len(t.rows) > 0 {
		if err := t.write(w); err != nil {
			return err
		}
	}
	word := "removed"
	if r.DryRun {
		word = "would be removed"
	}
	if _, err := fmt.Fprintf(w, "%s %s, %s; %s kept\n", plural(int64(r.Objects), "object"), word, size(r.Bytes), plural(int64(len(r.Kept)), "run")); err != nil {
		return err
	}
	return printWarnings(w, r.Warnings)
}
