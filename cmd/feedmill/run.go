package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/aggregate"
	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/generate"
)

const runText = `
Run does aggregate, generate and diff in turn, for cron. It goes on after a
hold, and after an error of aggregate with the snapshot that is current; the exit
code is the worst of all.`

type runOptions struct{ aggregate aggregateOptions }

func (o *runOptions) addFlags(flags *pflag.FlagSet) { o.aggregate.addFlags(flags) }

func newRunCommand(a *app) *cobra.Command {
	var opts runOptions
	cmd := &cobra.Command{
		Use:     "run",
		Short:   "Aggregate, generate and diff in turn",
		Long:    exits(runText, exitDone, exitError, exitUsage, exitHeld, exitInvalid, exitInterrupted),
		Example: "  feedmill -c /srv/shop/feedmill.yaml --quiet run",
		Args:    arguments(),
		RunE:    runner(a, &opts, runRun),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

// A cycle is the answer of run. A stage that did not come to a report is null.
type cycle struct {
	Aggregate *aggregate.Report `json:"aggregate"`
	Generate  *generate.Report  `json:"generate"`
	Diff      *diff.Report      `json:"diff"`
	Warnings  []string          `json:"warnings"`
	Error     string            `json:"error,omitempty"`
}

func runRun(ctx context.Context, a *app, opts *runOptions, _ []string) error {
	w, err := a.load()
	if err != nil {
		return err
	}
	c := &cycle{Warnings: []string{}}
	var first, second, third error
	c.Aggregate, first = a.aggregate(ctx, w, &opts.aggregate)
	var usage *usageError
	if errors.As(first, &usage) {
		return first
	}
	if ctx.Err() == nil {
		c.Generate, second = a.generate(ctx, w, &generateOptions{})
	}
	if ctx.Err() == nil {
		c.Diff, third = a.diff(ctx, w, &diffOptions{})
	}
	if c.Diff == nil && third == nil {
		third = context.Cause(ctx) // what was not done is no success
	}
	if first != nil && !errors.As(first, new(*heldError)) && c.Generate != nil && c.Generate.Snapshot != "" {
		c.Warnings = append(c.Warnings, fmt.Sprintf("aggregate failed: generate and diff went on from snapshot %s", c.Generate.Snapshot))
	}
	err = worst(first, second, third)
	if err != nil {
		c.Error = err.Error()
	}
	return errors.Join(err, a.show(c, c.print))
}

// worst joins what the stages returned: an error is worse than a hold.
func worst(errs ...error) error {
	var failed, held []error
	var why []string
	for _, err := range errs {
		var h *heldError
		switch {
		case err == nil:
		case errors.As(err, &h):
			held = append(held, err)
			why = append(why, err.Error())
		default:
			failed = append(failed, err)
		}
	}
	switch {
	case len(failed) > 0 && len(held) > 0:
		return fmt.Errorf("%w (and held: %s)", errors.Join(failed...), strings.Join(why, ", "))
	case len(failed) > 0:
		return errors.Join(failed...)
	case len(held) > 0:
		return &heldError{strings.Join(why, ", ")}
	}
	return nil
}

func (c *cycle) print(w io.Writer) error {
	if c.Aggregate != nil {
		if err := printAggregate(w, c.Aggregate); err != nil {
			return err
		}
	}
	if c.Generate != nil {
		if err := printGenerate(w, c.Generate); err != nil {
			return err
		}
	}
	if c.Diff != nil && len(c.Diff.Events) > 0 {
		if err := printDiff(w, c.Diff); err != nil {
			return err
		}
	}
	return printWarnings(w, c.Warnings)
}
