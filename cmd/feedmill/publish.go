package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/feedmill/feedmill/internal/history"
	"github.com/feedmill/feedmill/internal/manifest"
)

const publishText = `
Publish makes the snapshot or the feeds of a run current, an earlier run's or a
later one's. STAGE is aggregate or generate; RUN is a run's id, or its beginning
where that is enough. It is refused, and nothing moves, for a run that failed, was
held as a whole or made nothing, and when something that it refers to is gone.

It is the way out, too, when the pointer to what is current, or the manifest of that
run, is damaged or gone.

It takes effect at once; a feed whose content is another than before has changed
now, for partners who ask whether it did. A run of the stage that is at work then
fails, because another was first. The next run goes on from what was published:
generate makes all feeds again from the current snapshot, and aggregate applies
the deliveries that the snapshot does not have. So going back lasts until then;
where the cause is not mended, stop the next run, or go back with the snapshot too.`

type publishOptions struct{}

func newPublishCommand(a *app) *cobra.Command {
	var opts publishOptions
	return &cobra.Command{
		Use:     "publish STAGE RUN",
		Short:   "Go back, or forward, to a run",
		Long:    exits(publishText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill publish generate 20260131T0215",
		Args:    arguments("STAGE", "RUN"),
		RunE:    runner(a, &opts, runPublish),
	}
}

func runPublish(ctx context.Context, a *app, _ *publishOptions, args []string) error {
	const back = "feedmill diff --snapshot RUN takes partners back to a snapshot"
	switch args[0] {
	case "aggregate", "generate":
	case "diff":
		return usagef(back, "what was sent cannot be published again")
	default:
		return usagef("aggregate or generate", "unknown stage %q", args[0])
	}
	_, store, err := a.openSettled()
	if err != nil {
		return err
	}
	run, err := findRunOf(ctx, store, args[0], args[1])
	var other *otherStageError
	switch {
	case errors.As(err, &other) && other.is.stage == "diff":
		return fmt.Errorf("%w: %s", err, back)
	case errors.As(err, &other):
		return fmt.Errorf("%w: feedmill publish %s %s", err, other.is.stage, other.run)
	case err != nil:
		return err
	}
	answer, err := history.Publish(ctx, history.PublishOptions{Store: store, Stage: args[0], Run: run, Now: a.now})
	if err != nil {
		return err
	}
	return a.show(answer, func(w io.Writer) error {
		if answer.Status == manifest.Unchanged {
			_, err := fmt.Fprintf(w, "%s is current already\n", answer.Run)
			return err
		}
		if answer.Before == "" {
			_, err := fmt.Fprintf(w, "%s is current\n", answer.Run)
			return err
		}
		_, err := fmt.Fprintf(w, "%s is current, instead of %s\n", answer.Run, answer.Before)
		return err
	})
}
