package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// Format is the version of notices/<stage>.json. 1: the first.
const Format = 1

// A state is what is known of a stage's problems, by kind and name.
type state struct {
	Format  int               `json:"format"`
	Entries map[string]*entry `json:"problems"`
}

// An entry is a problem that is open, or over and not yet told to everybody who
// was told of it.
type entry struct {
	Problem
	Kind   string            `json:"kind"`           // held or failed
	Digest string            `json:"digest"`         // of what is wrong, without counts
	Told   map[string]string `json:"told,omitempty"` // by target: the digest that it knows
}

func object(stage string) string { return "notices/" + stage + ".json" }

// errDamaged is a state that cannot be understood; a new one takes its place.
var errDamaged = errors.New("damaged")

// read returns an empty state with its error.
func read(ctx context.Context, store storage.Store, stage string) (*state, error) {
	s := &state{Format: Format, Entries: map[string]*entry{}}
	data, err := storage.ReadAll(ctx, store, object(stage))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read %s: %w", object(stage), err)
	}
	var stored state
	if err := json.Unmarshal(data, &stored); err != nil {
		return s, fmt.Errorf("read %s: %w: %w", object(stage), errDamaged, err)
	}
	if stored.Format != Format {
		return s, fmt.Errorf("read %s: %w: format %d is not known", object(stage), errDamaged, stored.Format)
	}
	for key, e := range stored.Entries {
		if e != nil {
			s.Entries[key] = e
		}
	}
	return s, nil
}

func write(ctx context.Context, store storage.Store, stage string, s *state) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := storage.WriteAll(ctx, store, object(stage), storage.Replace, data); err != nil {
		return fmt.Errorf("write %s: %w", object(stage), err)
	}
	return nil
}

// update takes in what a run found and reports whether anything is different.
func (s *state) update(f Finding, now time.Time) (changed bool) {
	open := map[string]bool{}
	if f.Failed != nil {
		changed = s.open(Failed, Problem{Run: f.Run, Reasons: []guard.Reason{{Check: Failed, Text: f.Failed.Error()}}}, now)
		open[Failed+" "] = true
	}
	for _, p := range f.Held {
		changed = s.open(Held, p, now) || changed
		open[Held+" "+p.Name] = true
	}
	for key, e := range s.Entries {
		known := f.Failed == nil || e.Kind == Failed // a stage that failed does not know what is held
		if known && !open[key] && e.Until == nil {
			e.Until = &now
			changed = true
		}
	}
	return changed
}

// open notes a problem that is there. Its reasons are those of now; since when
// it is there stays.
func (s *state) open(kind string, p Problem, now time.Time) (changed bool) {
	key := kind + " " + p.Name
	e := s.Entries[key]
	if e == nil {
		e = &entry{Kind: kind, Digest: digest(p.Reasons)}
		s.Entries[key] = e
		e.Since, changed = now, true
	}
	if len(p.Reasons) == 0 { // the run did not look at it anew
		p.Reasons = e.Reasons
	}
	digest := digest(p.Reasons)
	changed = changed || e.Digest != digest || e.Until != nil
	if e.Until != nil {
		e.Since = now
	}
	if p.Since.IsZero() {
		p.Since = e.Since
	}
	e.Problem, e.Digest = p, digest
	return changed
}

// digest tells problems apart: by what is wrong, not by the counts of the day.
func digest(reasons []guard.Reason) string {
	var checks []string
	for _, r := range reasons {
		checks = append(checks, r.Check)
	}
	slices.Sort(checks)
	return strings.Join(slices.Compact(checks), " ")
}

// due returns what a target is to be told of an event.
func (s *state) due(n *workspace.Notice, event string) []*entry {
	if !slices.Contains(n.On, event) {
		return nil
	}
	var out []*entry
	for _, key := range slices.Sorted(maps.Keys(s.Entries)) {
		e := s.Entries[key]
		known, told := e.Told[n.ID]
		switch {
		case event == Recovered && e.Until != nil && told:
			out = append(out, e)
		case event == e.Kind && e.Until == nil && (!told || known != e.Digest):
			out = append(out, e)
		}
	}
	return out
}

// told notes that a target knows. Told that it is over, it is as one that was
// never told.
func (e *entry) told(target, event string) {
	if event == Recovered {
		delete(e.Told, target)
		return
	}
	if e.Told == nil {
		e.Told = map[string]string{}
	}
	e.Told[target] = e.Digest
}

// forget drops targets that are no more, or do not want to hear that something
// is over, and then what is over and known to all.
func (s *state) forget(notices []workspace.Notice) {
	for key, e := range s.Entries {
		maps.DeleteFunc(e.Told, func(target, _ string) bool {
			return !slices.ContainsFunc(notices, func(n workspace.Notice) bool {
				return n.ID == target && (e.Until == nil || slices.Contains(n.On, Recovered))
			})
		})
		if e.Until != nil && len(e.Told) == 0 {
			delete(s.Entries, key)
		}
	}
}
