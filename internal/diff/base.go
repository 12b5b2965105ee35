package diff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
)

// detail is what a manifest says beside its objects.
type detail struct {
	Feeds    map[string]entry     `json:"feeds"`
	Holds    map[string]hold      `json:"holds,omitempty"`    // that are open
	Rejected map[string]rejection `json:"rejected,omitempty"` // what event feeds come to still
	Decision string               `json:"decision,omitempty"` // which the run carried out; it made nothing
	Version  int64                `json:"version,omitempty"`  // the greatest of events so far; 0: that of the run's number of current

	feed.Wordings // what the states were made by, and what is held
}

// An entry is what is known of an event feed.
type entry struct {
	State      string     `json:"state,omitempty"`   // the run whose state the destinations have; "": none
	Pending    *pending   `json:"pending,omitempty"` // what makes of it the state of the run itself
	Snapshot   string     `json:"snapshot"`          // it was last made of
	Definition string     `json:"definition"`
	Fields     string     `json:"fields"`            // digest of their definition
	Defined    string     `json:"defined,omitempty"` // the same of what the state counts as made by; "": that with which it was written
	Gone       bool       `json:"gone,omitempty"`    // it was not defined, or not enabled, when it was last looked at
	At         string     `json:"at,omitempty"`      // where it depends on `now`
	Guard      string     `json:"guard"`             // digest of the limits that judged it
	Report     FeedReport `json:"report"`
}

// A hold is a change set that a guard keeps from being sent.
type hold struct {
	pending
	Opened  time.Time      `json:"opened"`
	Digest  string         `json:"digest"`       // of what is held, and of whom it is for
	Of      int64          `json:"of,omitempty"` // of removals: the offers of the state when they were held first
	Reasons []guard.Reason `json:"reasons"`
}

// A rejection is of a hold, the same events of which are not held again.
type rejection struct {
	manifest.Rejection
	Only string `json:"only,omitempty"` // as in pending
	Of   int64  `json:"of,omitempty"`   // as in hold
}

// is reports whether the events, some or all, that have a digest, judged by limits, are
// those that were rejected.
func (r rejection) is(only, digest, limits string) bool {
	return r.Said != "" && r.Only == only && r.Held == digest && r.Guard == limits
}

func newDetail() detail {
	return detail{Feeds: map[string]entry{}, Holds: map[string]hold{}, Rejected: map[string]rejection{}, Wordings: feed.NewWordings()}
}

// A state is what a state's manifest says.
type state struct {
	Rows   int64     `json:"rows"`
	Oldest time.Time `json:"oldest,omitzero"` // when that which was not sent for longest was
	Fields string    `json:"fields"`          // digest of their definition
	feed.Audience
}

// stateKind is the kind of the states that a run made; their runs are feeds.
func stateKind(run string) string { return event.Kind + "/state/" + run }

// readState reads what a state's manifest says; nil for one that is not there.
func (w *worker) readState(ctx context.Context, run, feed string) (*state, error) {
	if run == "" {
		return nil, nil
	}
	m, err := manifest.Read(ctx, w.store, stateKind(run), feed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &state{}
	if err := json.Unmarshal(m.Detail, s); err != nil {
		return nil, fmt.Errorf("decode the state of event feed %s by run %s: %w", feed, run, err)
	}
	return s, nil
}

// readBase reads what the last run made, and which states are there.
func (r *run) readBase(ctx context.Context) (err error) {
	r.baseline, r.states = newDetail(), map[string]*state{}
	if r.base, err = manifest.Current(ctx, r.Store, event.Kind); err != nil || r.base.Run == "" {
		return err
	}
	m, err := manifest.Pointed(ctx, r.Store, event.Kind, r.base)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(m.Detail, &r.baseline); err != nil {
		return fmt.Errorf("decode the manifest of run %s: %w", m.Run, err)
	}
	r.previous = &Report{}
	if err := json.Unmarshal(m.Report, r.previous); err != nil {
		return fmt.Errorf("decode the report of run %s: %w", m.Run, err)
	}
	return r.readStates(ctx)
}

// readStates finds for every event feed the state that the destinations have:
// that of the run itself, once what was pending was sent and applied.
func (r *run) readStates(ctx context.Context) error {
	for feed, e := range r.baseline.Feeds {
		if e.Pending != nil {
			moved, err := r.worker.readState(ctx, r.base.Run, feed)
			if err != nil {
				return err
			}
			if moved != nil {
				e.State, e.Pending = r.base.Run, nil
				r.baseline.Feeds[feed], r.states[feed] = e, moved
				continue
			}
		}
		found, err := r.worker.readState(ctx, e.State, feed)
		if err != nil {
			return err
		}
		if found == nil && e.State != "" {
			return fmt.Errorf("the state of event feed %s by run %s is not there any more", feed, e.State)
		}
		r.states[feed] = found
	}
	return nil
}
