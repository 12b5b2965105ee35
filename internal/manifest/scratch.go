package manifest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/feedmill/feedmill/internal/storage"
)

// Scratch begins the names of the working files of a run: tmp/<run>/<stage>/.
func Scratch(stage, run string) string { return storage.Scratch + run + "/" + stage + "/" }

// Clean removes the working files of a run.
func Clean(ctx context.Context, store storage.Store, stage, run string) error {
	return removeAll(ctx, store, Scratch(stage, run), func(string) bool { return true })
}

// Sweep removes the working files of all runs of the stage, those too that were not
// finished. Call it before a run writes its first: what is there then belongs to runs
// that died, or that lost the lease and cannot publish any more.
func (l *Lease) Sweep(ctx context.Context) error {
	ours := func(name string) bool {
		_, rest, _ := strings.Cut(strings.TrimPrefix(name, storage.Scratch), "/")
		return strings.HasPrefix(rest, l.stage+"/")
	}
	return errors.Join(removeAll(ctx, l.store, storage.Scratch, ours), discardAll(ctx, l.store, storage.Scratch, ours))
}

// discardAll goes on after an error as removeAll does.
func discardAll(ctx context.Context, store storage.Store, prefix string, wanted func(name string) bool) error {
	var errs []error
	for l, err := range storage.Leftovers(ctx, store, prefix) {
		if err == nil && wanted(l.Name) {
			err = l.Discard(ctx)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("discard what was not finished below %s: %w", prefix, err)
	}
	return nil
}

// removeAll goes on after an error, to remove as much as it can.
func removeAll(ctx context.Context, store storage.Store, prefix string, wanted func(name string) bool) error {
	var errs []error
	for info, err := range store.List(ctx, prefix) {
		if err == nil && wanted(info.Name) {
			err = store.Remove(ctx, info.Name)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove working files below %s: %w", prefix, err)
	}
	return nil
}
