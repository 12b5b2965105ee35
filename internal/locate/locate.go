// Package locate says where the change of a held feed comes from: which of its
// conditions, which sources, which values of columns.
//
// Its promise: every count that it names is that of all offers of the snapshots,
// and what went the other way than the feed is not named.
package locate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
)

// MaxFeeds is how many feeds of a run a stage looks for causes of.
const MaxFeeds = 20

// Causes say where the change of a held feed comes from: its conditions as they
// are now, over the snapshot of what partners have and over that of the run.
type Causes struct {
	Snapshot string   `json:"snapshot"`          // of what partners have
	Edited   []Change `json:"edited,omitempty"`  // conditions that were added to the predicate or dropped from it since, by the offers of the run that it takes before that and after
	Legs     []Change `json:"legs,omitempty"`    // conditions of the predicate, by the offers of which they are true
	Rules    []Change `json:"rules,omitempty"`   // of the template, by the offers that they leave out
	Sources  []Change `json:"sources,omitempty"` // by their rows; without a change: the source is held
	Values   []Change `json:"values,omitempty"`  // of columns of few values, by the offers that the predicate takes; not of a feed that chooses
	Updated  []Change `json:"updated,omitempty"` // the same, by these and those of them that are updated
	Unknown  string   `json:"unknown,omitempty"` // why they could not be found
}

// A Change is a count before and now.
type Change struct {
	What   string `json:"what"`
	Before int64  `json:"before"`
	Now    int64  `json:"now"`
}

const (
	maxCauses = 3  // of a kind that are named
	fewValues = 64 // a column of more values is not looked at
)

// A Subject is a feed whose change is to be explained.
type Subject struct {
	Where   *predicate.Expr
	Was     *predicate.Expr // of what partners have; nil: it is the same, or does not fit the offers of now
	Chooses bool            // among the offers that the predicate takes

	// Updated returns which offers of a partition are updated; nil where that is
	// not asked.
	Updated func(ctx context.Context, partition int) (map[string]bool, error)
}

// A Search is what a Find needs beside its subjects.
type Search struct {
	Store       storage.Store
	Before, Now string // the snapshots, by the runs that made them
	At          time.Time
	Workers     int
}

// Find goes through both snapshots, once, and returns the causes of each subject's
// change.
func (q Search) Find(ctx context.Context, subjects []Subject) ([]*Causes, error) {
	before, err := q.survey(ctx, q.Before, subjects, false)
	if err != nil {
		return nil, err
	}
	now, err := q.survey(ctx, q.Now, subjects, true)
	if err != nil {
		return nil, err
	}
	out := make([]*Causes, len(subjects))
	for i := range subjects {
		out[i] = compareSurveys(before, now, i)
	}
	return out, nil
}

// survey counts feeds over a snapshot.
func (q Search) survey(ctx context.Context, run string, subjects []Subject, updated bool) (*survey, error) {
	s, err := snapshot.Open(ctx, q.Store, run)
	if err != nil {
		return nil, err
	}
	v := newSurvey(s, subjects, updated)
	if err := v.sources(s.Manifest().Report); err != nil {
		return nil, fmt.Errorf("decode the report of run %s: %w", run, err)
	}
	return v, v.run(ctx, q.At, q.Workers)
}

func compareSurveys(before, now *survey, feed int) *Causes {
	c := &Causes{Snapshot: before.from.Table().Run, Sources: sourceChanges(before, now)}
	was, is := before.feeds[feed], now.feeds[feed]
	total := is.taken - was.taken
	if is.subject.Was != nil {
		change := is.taken - was.formerly
		c.Edited = strongest(is.edited(change > 0), change)
	}
	c.Legs = strongest(legChanges(was, is, before.offers, now.offers), total)
	if is.subject.Chooses {
		return c // which values its offers have is not counted
	}
	c.Values = strongest(valueChanges(was, is, total > 0), total)
	if is.updated != nil {
		c.Updated = strongest(valueChanges(is, is.updated, true), is.updated.taken)
	}
	return c
}

// A scored change is one with its share in the change of the feed.
type scored struct {
	Change
	score float64
}

// scoreOf scores a change by how far beyond the expected it went, towards where
// the feed went; what went the other way explains nothing.
func scoreOf(what string, before, now int64, expected float64, grows bool) scored {
	score := expected - float64(now)
	if grows {
		score = -score
	}
	return scored{Change{what, before, now}, max(score, 0)}
}

// strongest returns the changes that explain most, of at least a tenth of the
// change of the feed.
func strongest(all []scored, total int64) []Change {
	slices.SortFunc(all, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.What, b.What)) })
	var out []Change
	for _, s := range all {
		if s.score*10 < float64(max(total, -total, 1)) || len(out) == maxCauses {
			break
		}
		out = append(out, s.Change)
	}
	return out
}

// RuleChanges returns the rules that leave out more, or fewer, offers than before, those
// of the greatest difference first.
func RuleChanges(before, now map[string]int64) []Change {
	var out []Change
	for rule := range merged(before, now) {
		if before[rule] != now[rule] {
			out = append(out, Change{"rule " + rule, before[rule], now[rule]})
		}
	}
	slices.SortFunc(out, func(a, b Change) int {
		return cmp.Or(cmp.Compare(abs(float64(b.Now-b.Before)), abs(float64(a.Now-a.Before))), cmp.Compare(a.What, b.What))
	})
	return out[:min(len(out), maxCauses)]
}

// legChanges scores each condition by how far it is from what it would be had it
// changed as the number of offers did.
func legChanges(was, is *feedSurvey, offersBefore, offersNow int64) []scored {
	out := make([]scored, len(is.legs))
	for i, leg := range is.legs {
		expected := share(was.legs[i].count, offersBefore, offersNow)
		out[i] = scoreOf(leg.text, was.legs[i].count, leg.count, expected, is.taken > was.taken)
	}
	return out
}

// edited scores the conditions that explain a feed which grows, or one which shrinks:
// those that were dropped from its predicate, or those that were added.
func (f *feedSurvey) edited(grows bool) []scored {
	var out []scored
	for _, e := range f.edits {
		before, now, what := f.formerly, e.both, "added "
		if e.dropped {
			before, now, what = e.both, f.taken, "dropped "
		}
		if e.dropped == grows {
			out = append(out, scoreOf(what+e.text, before, now, float64(before), grows))
		}
	}
	return out
}

// valueChanges scores of each column the value whose offers came or went most
// beyond what the others did: one that only changed with the feed explains nothing.
func valueChanges(was, is *feedSurvey, grows bool) []scored {
	var out []scored
	for _, column := range slices.Sorted(maps.Keys(is.values)) {
		if was.values[column] == nil || is.values[column].many || was.values[column].many {
			continue
		}
		before, now := was.values[column].counts, is.values[column].counts
		best := scored{score: -1}
		for _, value := range slices.Sorted(maps.Keys(merged(before, now))) {
			if was.taken == before[value] {
				continue // there are no others
			}
			expected := share(before[value], was.taken-before[value], is.taken-now[value])
			if s := scoreOf(column+" "+value, before[value], now[value], expected, grows); s.score > best.score {
				best = s
			}
		}
		if best.score >= 0 {
			out = append(out, best)
		}
	}
	return out
}

func merged(a, b map[string]int64) map[string]int64 {
	out := map[string]int64{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// share is n of `of`, as a part of another whole.
func share(n, of, whole int64) float64 {
	if of == 0 {
		return float64(n)
	}
	return float64(n) * float64(whole) / float64(of)
}

func abs(f float64) float64 { return max(f, -f) }

// sourceChanges are sources whose rows changed by more than a hundredth, and those
// that are held.
func sourceChanges(before, now *survey) []Change {
	var out []Change
	for _, name := range slices.Sorted(maps.Keys(now.rows)) {
		was, is := before.rows[name].Rows, now.rows[name].Rows
		switch {
		case now.rows[name].Verdict == guard.Hold:
			out = append(out, Change{name + " (held)", was, is})
		case abs(float64(is-was))*100 > float64(was):
			out = append(out, Change{name, was, is})
		}
	}
	return out
}

// leaves are the conditions of a predicate that join nothing.
func leaves(l *predicate.Leg) []*predicate.Leg {
	if l.Join == "" {
		return []*predicate.Leg{l}
	}
	var out []*predicate.Leg
	for _, leg := range l.Legs {
		out = append(out, leaves(leg)...)
	}
	return out
}

func labelOf(l *predicate.Leg) string {
	if l.Shared == "" {
		return l.Text()
	}
	return "shared." + l.Shared + ": " + l.Text()
}

// coarse reports whether a column may have few values.
func coarse(f offer.Field) bool {
	return f.Name != offer.Key && (f.Type.Kind == offer.String || f.Type.Kind == offer.Bool)
}
