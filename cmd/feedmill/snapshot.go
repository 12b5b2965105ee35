package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/aggregate"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
)

func addSnapshotFlag(flags *pflag.FlagSet, run *string) {
	flags.StringVar(run, "snapshot", "", "the `RUN` of aggregate whose snapshot is read; default: the current one")
}

// snapshotOf returns the run whose snapshot is meant by the id, or the beginning of
// it, of a run of aggregate: that which it made, or which it left as it was. No id is
// none.
func snapshotOf(ctx context.Context, store storage.Store, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	run, err := findRunOf(ctx, store, "aggregate", text)
	if err != nil {
		return "", wantSnapshot(ctx, store, err)
	}
	report, err := aggregated(ctx, store, run)
	if err != nil {
		return "", err
	}
	if report.Snapshot == "" {
		return "", fmt.Errorf("run %s made no snapshot", run)
	}
	return report.Snapshot, nil
}

// wantSnapshot adds to the error for a run of another stage which snapshot it was made
// of, if it says so.
func wantSnapshot(ctx context.Context, store storage.Store, err error) error {
	var other *otherStageError
	if !errors.As(err, &other) {
		return err
	}
	m, failed := manifest.Read(ctx, store, other.is.kind, other.run)
	if failed != nil {
		return err
	}
	if from := readGist(m.Report).Snapshot; from != "" {
		return fmt.Errorf("%w: it was made of --snapshot %s", err, from)
	}
	return err
}

// aggregated returns what a run of aggregate reported.
func aggregated(ctx context.Context, store storage.Store, run string) (*aggregate.Report, error) {
	m, err := manifest.Read(ctx, store, snapshot.Prefix, run)
	if err != nil {
		return nil, err
	}
	report := &aggregate.Report{}
	if err := json.Unmarshal(m.Report, report); err != nil {
		return nil, fmt.Errorf("decode the report of run %s: %w", run, err)
	}
	return report, nil
}

// openSnapshot opens the snapshot of a run, or the current one.
func openSnapshot(ctx context.Context, store storage.Store, text string) (*snapshot.Snapshot, error) {
	run, err := snapshotOf(ctx, store, text)
	if err != nil {
		return nil, err
	}
	if run == "" {
		current, err := manifest.Current(ctx, store, snapshot.Prefix)
		if err != nil {
			return nil, err
		}
		if run = current.Run; run == "" {
			return nil, errors.New("there is no snapshot yet: run feedmill aggregate")
		}
	}
	return snapshot.Open(ctx, store, run)
}
