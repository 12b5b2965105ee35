package diff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// damaged is instead of the version of a run whose manifest cannot be read.
const damaged = -1

// version returns the version of the run's events: one more than the greatest that
// was ever sent. As a rule the base says it. There are later runs whose events were
// sent only where somebody removed numbers of current, such as one that was damaged.
func (r *run) version(ctx context.Context) (int64, error) {
	greatest := max(r.base.N, r.baseline.Version)
	runs, err := r.later(ctx)
	if err != nil {
		return 0, err
	}
	versions := make([]int64, len(runs))
	err = storage.Each(ctx, len(runs), func(ctx context.Context, i int) (err error) {
		if versions[i], err = r.versionOf(ctx, runs[i]); err != nil {
			r.Log("a run is damaged, and counts as one that sent events", "run", runs[i], "error", err)
			versions[i] = damaged
		}
		return ctx.Err()
	})
	if err != nil {
		return 0, err
	}
	for _, v := range versions {
		if v == damaged {
			v = greatest + 1 // what it had at most
		}
		greatest = max(greatest, v)
	}
	return greatest + 1, nil
}

// versionOf returns the version of the events of a run, 0 if it has none or was not
// committed.
func (r *run) versionOf(ctx context.Context, run string) (int64, error) {
	m, err := manifest.Read(ctx, r.Store, event.Kind, run)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil || len(m.Objects) == 0 {
		return 0, err
	}
	var d detail
	if err := json.Unmarshal(m.Detail, &d); err != nil {
		return 0, fmt.Errorf("decode the manifest of run %s: %w", run, err)
	}
	return max(m.Base+1, d.Version), nil
}

// later returns the runs that began after the base, in order.
func (r *run) later(ctx context.Context) ([]string, error) {
	names, err := storage.Folders(ctx, r.Store, event.Kind+"/")
	if err != nil {
		return nil, fmt.Errorf("find the runs since %s: %w", r.base.Run, err)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, ok := manifest.RunTime(name)
		return !ok || name <= r.base.Run
	}), nil
}
