package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/synth"
)

const synthText = `
Synth writes the sources of a generated marketplace: offers as a log with
versions and deletions, sellers, categories, statistics and campaigns. The same
flags give the same bytes. Called again with more days, and otherwise the same
flags, it adds the days that are missing.`

type synthOptions struct {
	offers int
	seed   uint64
	days   int
}

func (o *synthOptions) addFlags(flags *pflag.FlagSet) {
	flags.IntVar(&o.offers, "offers", 50_000, "offers on the first day")
	flags.Uint64Var(&o.seed, "seed", 1, "another seed is another marketplace")
	flags.IntVar(&o.days, "days", 1, "days that there are; about 15 % of the offers change in one")
}

func newSynthCommand(a *app) *cobra.Command {
	var opts synthOptions
	cmd := &cobra.Command{
		Use:     "synth DIR",
		Short:   "Generate a catalogue of any size",
		Long:    exits(synthText, exitDone, exitError, exitUsage, exitInterrupted),
		Example: "  feedmill synth data --offers 1000000 --days 2",
		Args:    arguments("DIR"),
		RunE:    runner(a, &opts, runSynth),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func runSynth(ctx context.Context, a *app, opts *synthOptions, args []string) error {
	if opts.offers < 1 || opts.days < 1 {
		return usagef("feedmill synth "+args[0]+" --offers 1000 --days 2", "--offers %d --days %d: at least one of each", opts.offers, opts.days)
	}
	store, err := plainDrivers().open(args[0])
	if err != nil {
		return err
	}
	report, err := synth.Write(ctx, store, synth.Options{Offers: opts.offers, Seed: opts.seed, Days: opts.days, Workers: a.workers})
	if err != nil {
		return fmt.Errorf("write a catalogue to %s: %w", args[0], err)
	}
	return a.show(report, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s: wrote %s of %s, %s in the log; %s were there\n",
			args[0], plural(int64(report.Objects), "file"), size(report.Bytes), plural(report.Rows, "row"), count(int64(report.Kept)))
		return err
	})
}
