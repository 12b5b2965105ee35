package diff

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
)

// version returns the version of the run's events: one more than the greatest that
// was ever sent. As a rule the base says it. There are later runs whose events were
// sent only where somebody removed numbers of current, such as one that was damaged.
func (r *run) version(ctx context.Context) (int64, error) {
	greatest := max(r.base.N, r.baseline.Version)
	runs, err := r.later(ctx)
	if err != nil {
		return 0, err
	}
	for _, run := range runs {
		v, err := r.versionOf(ctx, run)
		if err != nil {
			r.Log("a run is damaged, and counts as one that sent events", "run", run, "error", err)
			v = greatest + 1 // what it had at most
		}
		greatest = max(greatest, v)
	}
	return greatest + 1, nil
}

// versionOf returns the version of the events of a run, 0 if it has none.
func (r *run) versionOf(ctx context.Context, run string) (int64, error) {
	m, err := manifest.Read(ctx, r.Store, event.Kind, run)
	if err != nil || len(m.Objects) == 0 {
		return 0, err
	}
	var d detail
	if err := json.Unmarshal(m.Detail, &d); err != nil {
		return 0, fmt.Errorf("decode the manifest of run %s: %w", run, err)
	}
	return max(m.Base+1, d.Version), nil
}

// later returns the runs that were committed after the base, in order.
func (r *run) later(ctx context.Context) ([]string, error) {
	var out []string
	for _, prefix := range prefixes(r.base.Run, r.started) {
		for info, err := range r.Store.List(ctx, event.Kind+"/"+prefix) {
			if err != nil {
				return nil, fmt.Errorf("list the runs since %s: %w", r.base.Run, err)
			}
			_, run, _ := strings.Cut(info.Name, "/")
			run, _, _ = strings.Cut(run, "/")
			if _, ok := manifest.RunTime(run); ok && run > r.base.Run && info.Name == manifest.Name(event.Kind, run) {
				out = append(out, run)
			}
		}
	}
	return out, nil
}

// prefixes are those with which the ids of the runs begin that may have started between
// a run and a time: by hour on the day of the run, which may have had many, then by day,
// until one day later, for clocks that differ. Without a run they are all.
func prefixes(run string, until time.Time) []string {
	t, ok := manifest.RunTime(run)
	if !ok {
		return []string{""}
	}
	first, until := t.Day(), until.Add(24*time.Hour)
	var out []string
	for t = t.Truncate(time.Hour); !t.After(until); {
		if t.Day() == first && len(out) < 24 {
			out, t = append(out, t.Format("20060102T15")), t.Add(time.Hour)
		} else {
			out, t = append(out, t.Format("20060102")), t.AddDate(0, 0, 1)
		}
	}
	return out
}
