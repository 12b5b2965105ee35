package generate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/snapshot"
)

// Causes say where the change of a held feed comes from: its conditions as they
// are now, over the snapshot of what is published and over that of the run.
type Causes struct {
	Snapshot string   `json:"snapshot"`          // of what is published
	Legs     []Change `json:"legs,omitempty"`    // conditions of the predicate, by the offers of which they are true
	Sources  []Change `json:"sources,omitempty"` // by their rows; without a change: the source is held
	Values   []Change `json:"values,omitempty"`  // of columns of few values, by the feed's offers that have them
	Unknown  string   `json:"unknown,omitempty"` // why they could not be found
}

// A Change is a count before and now.
type Change struct {
	What   string `json:"what"`
	Before int64  `json:"before"`
	Now    int64  `json:"now"`
}

const (
	maxLocated = 20 // feeds whose causes are looked for
	maxCauses  = 3  // of a kind that are named
	fewValues  = 64 // a column of more values is not looked at
)

// locate finds the causes of held feeds. That they could not be found is a part of
// the report, and no error: the feeds are held all the same.
func (r *run) locate(ctx context.Context) {
	byRun := map[string][]*plannedFeed{}
	n := 0
	for _, f := range r.plan.feeds {
		report := r.report.Feeds[f.Name]
		if report.Verdict == guard.Hold && report.Before != nil && n < maxLocated {
			run := r.baseline.Feeds[f.Name].Run
			byRun[run] = append(byRun[run], f)
			n++
		}
	}
	for _, run := range slices.Sorted(maps.Keys(byRun)) {
		causes, err := r.causes(ctx, run, byRun[run])
		for i, f := range byRun[run] {
			report := r.report.Feeds[f.Name]
			if report.Causes = (&Causes{}); err != nil {
				report.Causes.Unknown = err.Error()
			} else {
				report.Causes = causes[i]
			}
			r.report.Feeds[f.Name] = report
			m := r.detail.Made[f.Name]
			m.Report = report
			r.detail.Made[f.Name] = m
		}
	}
}

// causes compares the snapshot of a published run with that of this run.
func (r *run) causes(ctx context.Context, run string, feeds []*plannedFeed) ([]*Causes, error) {
	m, err := manifest.Read(ctx, r.Store, part.Kind, run)
	if err != nil {
		return nil, err
	}
	var was detail
	if err := json.Unmarshal(m.Detail, &was); err != nil {
		return nil, fmt.Errorf("decode the manifest of run %s: %w", run, err)
	}
	before, err := r.survey(ctx, was.Made[feeds[0].Name].Snapshot, feeds)
	if err != nil {
		return nil, err
	}
	now, err := r.survey(ctx, r.Snapshot, feeds)
	if err != nil {
		return nil, err
	}
	out := make([]*Causes, len(feeds))
	for i := range feeds {
		out[i] = compareSurveys(before, now, i)
	}
	return out, nil
}

// survey counts feeds over a snapshot.
func (r *run) survey(ctx context.Context, run string, feeds []*plannedFeed) (*survey, error) {
	s, err := snapshot.Open(ctx, r.Store, run)
	if err != nil {
		return nil, err
	}
	v := newSurvey(s, feeds)
	if err := v.sources(s.Manifest().Report); err != nil {
		return nil, fmt.Errorf("decode the report of run %s: %w", run, err)
	}
	return v, v.run(ctx, r.At, r.Workers)
}

func compareSurveys(before, now *survey, feed int) *Causes {
	c := &Causes{Snapshot: before.from.Table().Run, Sources: sourceChanges(before, now)}
	was, is := before.feeds[feed], now.feeds[feed]
	total := is.taken - was.taken
	c.Legs = strongest(legChanges(was, is, before.offers, now.offers), total)
	c.Values = strongest(valueChanges(was, is), total)
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

// valueChanges scores of each column the value whose offers came or went most
// beyond what the others did: one that only changed with the feed explains nothing.
func valueChanges(was, is *feedSurvey) []scored {
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
			if s := scoreOf(column+" "+value, before[value], now[value], expected, is.taken > was.taken); s.score > best.score {
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
	out := maps.Clone(a)
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
		return l.Text
	}
	return "shared." + l.Shared + ": " + l.Text
}

// coarse reports whether a column may have few values.
func coarse(f offer.Field) bool {
	return f.Name != offer.Key && (f.Type.Kind == offer.String || f.Type.Kind == offer.Bool)
}
