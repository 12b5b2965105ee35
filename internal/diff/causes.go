package diff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/locate"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A suspect is a held event feed, and what its destinations know.
type suspect struct {
	*plannedFeed
	was *predicate.Expr // nil: not known
}

// locate finds the causes of held events. That they could not be found is a part of
// the report, and no error: the events are held all the same.
func (r *run) locate(ctx context.Context) {
	bySnapshot := map[string][]suspect{}
	n := 0
	for _, f := range r.plan.feeds {
		report := r.report.Events[f.Name]
		if report.Verdict != guard.Hold || report.Before == nil || n == locate.MaxFeeds {
			continue
		}
		n++
		known, err := r.known(ctx, f.Name)
		if err != nil {
			r.explain(f.Name, &locate.Causes{Unknown: err.Error()})
			continue
		}
		report.Edited = known.Feeds[f.Name].Definition != f.definition
		r.report.Events[f.Name] = report
		from := known.Feeds[f.Name].Snapshot
		bySnapshot[from] = append(bySnapshot[from], suspect{f, r.Workspace.Former(&known.Wordings).Published(f.Name)})
	}
	for _, known := range slices.Sorted(maps.Keys(bySnapshot)) {
		feeds := bySnapshot[known]
		causes, err := r.causes(ctx, known, feeds)
		for i, f := range feeds {
			if err != nil {
				r.explain(f.Name, &locate.Causes{Unknown: err.Error()})
			} else {
				r.explain(f.Name, causes[i])
			}
		}
	}
}

func (r *run) explain(feed string, causes *locate.Causes) {
	report, e := r.report.Events[feed], r.detail.Feeds[feed]
	report.Causes = causes
	e.Report = report
	r.report.Events[feed], r.detail.Feeds[feed] = report, e
}

// known returns the run's detail by which the state of an event feed was made.
func (r *run) known(ctx context.Context, feed string) (*detail, error) {
	run := r.baseline.Feeds[feed].State
	m, err := manifest.Read(ctx, r.Store, event.Kind, run)
	if err != nil {
		return nil, err
	}
	var was detail
	if err := json.Unmarshal(m.Detail, &was); err != nil {
		return nil, fmt.Errorf("decode the manifest of run %s: %w", run, err)
	}
	return &was, nil
}

// causes compares the snapshot that some states were made of with that of the run.
func (r *run) causes(ctx context.Context, known string, feeds []suspect) ([]*locate.Causes, error) {
	var subjects []locate.Subject
	for _, f := range feeds {
		s := locate.Subject{Where: f.Where, Was: f.was, Chooses: f.choice != nil}
		if h, held := r.detail.Holds[f.Name]; held && h.Only == "" && h.Partitions == r.parts && !r.DryRun {
			s.Updated = func(ctx context.Context, partition int) (map[string]bool, error) {
				return r.updated(ctx, f.Name, h, partition)
			}
		}
		subjects = append(subjects, s)
	}
	search := locate.Search{Store: r.Store, Before: known, Now: r.Snapshot, At: r.At, Workers: r.Workers}
	return search.Find(ctx, subjects)
}

// updated returns the offers of a partition that held events update.
func (r *run) updated(ctx context.Context, feed string, h hold, partition int) (ids map[string]bool, err error) {
	events, err := h.open(ctx, r.Store, feed, partition)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, events.close()) }()
	ids = map[string]bool{}
	for {
		e, err := events.next()
		if errors.Is(err, io.EOF) {
			return ids, nil
		}
		if err != nil {
			return nil, err
		}
		if e.Kind() == event.Updated {
			ids[e.Subject] = true
		}
	}
}
