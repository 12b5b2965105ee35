package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/locate"
	"github.com/feedmill/feedmill/internal/manifest"
)

// A Report says what a run did. It is also kept in the run's manifest.
type Report struct {
	Run      string                `json:"run"`
	Stage    string                `json:"stage"`
	Status   string                `json:"status"` // done, unchanged, held, failed
	Started  time.Time             `json:"started"`
	Seconds  float64               `json:"seconds"`
	Warnings []string              `json:"warnings"`
	Error    string                `json:"error,omitempty"`
	Snapshot string                `json:"snapshot"` // the run whose snapshot was read
	Offers   int64                 `json:"offers"`   // in the snapshot
	Events   map[string]FeedReport `json:"events"`
	Sent     int64                 `json:"sent"`             // acknowledged in this run, those of an earlier one included; without kafka 0
	Unsent   int64                 `json:"unsent,omitempty"` // of the run itself, still to be sent: see Delivered
	DryRun   bool                  `json:"dry_run,omitempty"`

	// ChangeSets are the objects whose events the run sends; without kafka they are
	// what it hands over. None of what is held is in them.
	ChangeSets []string `json:"change_sets,omitempty"`

	Holds    map[string]OpenHold `json:"holds,omitempty"`  // by event feed, all that are open after the run
	Phases   map[string]float64  `json:"phases,omitempty"` // seconds
	Decision *manifest.Decision  `json:"decision,omitempty"`
}

// A FeedReport says what a run found of an event feed.
type FeedReport struct {
	Added      int64            `json:"added"`
	Updated    int64            `json:"updated"`
	Removed    int64            `json:"removed"`
	Refreshed  int64            `json:"refreshed"`
	Unchanged  int64            `json:"unchanged"`
	Verdict    guard.Action     `json:"verdict"`
	Reasons    []guard.Reason   `json:"reasons,omitempty"`
	Rejected   string           `json:"rejected,omitempty"` // who rejected events that would be sent, and why; they are not counted
	Items      int64            `json:"items"`              // offers that the feed takes now
	Before     *int64           `json:"before,omitempty"`   // offers that the destinations know
	Errors     int64            `json:"errors"`             // offers for which the predicate failed for another reason than null
	Undecided  int64            `json:"undecided"`          // offers for which a null left it open
	Redefined  bool             `json:"redefined"`          // its fields are not defined as those that the destinations know
	Changed    map[string]int64 `json:"changed,omitempty"`  // of updated, how many by field
	Failed     map[string]int64 `json:"failed,omitempty"`   // values that could not be computed, by field or key of choose
	Samples    []Sample         `json:"samples,omitempty"`
	Causes     *locate.Causes   `json:"causes,omitempty"` // of held events: where they come from
	Edited     bool             `json:"edited,omitempty"` // of held events: the definition is not that of what the destinations know
	Definition string           `json:"definition"`       // digest
}

// A Sample is an offer about which something is to be said.
type Sample struct {
	Offer  string `json:"offer"`
	Kind   string `json:"kind"` // added, updated, removed, refreshed, undecided, failed, choose, field
	Reason string `json:"reason,omitempty"`
}

// An OpenHold says which run holds the events of a feed.
type OpenHold struct {
	Run    string    `json:"run"`
	Opened time.Time `json:"opened"`         // by the first of the runs that held it, one after the other
	Only   string    `json:"only,omitempty"` // removals: the other events went out
}

// maxSamples is how many samples of one kind are kept of an event feed.
const maxSamples = 3

// room reports whether there is room for another sample of a kind.
func room(samples []Sample, kind string) bool {
	n := 0
	for _, s := range samples {
		if s.Kind == kind {
			n++
		}
	}
	return n < maxSamples
}

func count(counts map[string]int64, key string, n int64) map[string]int64 {
	if counts == nil {
		counts = map[string]int64{}
	}
	counts[key] += n
	return counts
}

// fail adds what choosing could not compute.
func (f *FeedReport) fail(failures []choose.Failure) {
	for _, one := range failures {
		f.Failed = count(f.Failed, one.Key, one.Offers)
		if room(f.Samples, "choose") {
			f.Samples = append(f.Samples, Sample{one.Offer, "choose", one.Key + ": " + one.Reason})
		}
	}
}

// join adds the counts of the next partition.
func (f *FeedReport) join(other *FeedReport) {
	f.Added += other.Added
	f.Updated += other.Updated
	f.Removed += other.Removed
	f.Refreshed += other.Refreshed
	f.Unchanged += other.Unchanged
	f.Items += other.Items
	f.Errors += other.Errors
	f.Undecided += other.Undecided
	for name, n := range other.Changed {
		f.Changed = count(f.Changed, name, n)
	}
	for name, n := range other.Failed {
		f.Failed = count(f.Failed, name, n)
	}
	for _, s := range other.Samples {
		if room(f.Samples, s.Kind) {
			f.Samples = append(f.Samples, s)
		}
	}
}

// reject takes out events that somebody rejected, all or the removals: what the
// destinations have stays so.
func (f *FeedReport) reject(only, said string) {
	f.Verdict, f.Reasons, f.Rejected = guard.Pass, nil, said
	f.Unchanged += f.Removed
	f.Removed = 0
	if only == "" {
		f.Unchanged += f.Updated + f.Refreshed
		f.Added, f.Updated, f.Refreshed, f.Changed = 0, 0, 0, nil
	}
	f.dropSamples()
}

// dropSamples drops the samples of events of which there are none any more.
func (f *FeedReport) dropSamples() {
	f.Samples = slices.DeleteFunc(slices.Clone(f.Samples), func(s Sample) bool { return f.count(s.Kind) == 0 })
}

// removalsOf is the report of removals that are held, once the other events made a
// state of so many rows.
func (f FeedReport) removalsOf(rows int64) FeedReport {
	f.Added, f.Updated, f.Refreshed, f.Changed = 0, 0, 0, nil
	f.Unchanged, f.Before = rows-f.Removed, &rows
	f.dropSamples()
	return f
}

// count is how many events of a kind there are; of what samples are of beside, it is
// not known.
func (f *FeedReport) count(kind string) int64 {
	switch kind {
	case event.Added:
		return f.Added
	case event.Updated:
		return f.Updated
	case event.Removed:
		return f.Removed
	case event.Refreshed:
		return f.Refreshed
	default:
		return -1
	}
}

// losses says of which event feeds fields could not be computed: such values are null.
func (r *Report) losses() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.Events)) {
		var fields []string
		failed := r.Events[name].Failed
		for _, field := range slices.Sorted(maps.Keys(failed)) {
			fields = append(fields, fmt.Sprintf("%d (%s)", failed[field], field))
		}
		if len(fields) > 0 {
			out = append(out, fmt.Sprintf("event feed %s: values that could not be computed, and are null: %s", name, strings.Join(fields, ", ")))
		}
	}
	return out
}

// rejections says of which event feeds events are not sent since they were rejected.
func (r *Report) rejections() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.Events)) {
		if said := r.Events[name].Rejected; said != "" {
			out = append(out, fmt.Sprintf("event feed %s: events that would be sent were %s", name, said))
		}
	}
	return out
}

// events is how many there are, or of some (see pending.Only).
func (f *FeedReport) events(only string) int64 {
	others := f.Added + f.Updated + f.Refreshed
	switch only {
	case removals:
		return f.Removed
	case notRemovals:
		return others
	default:
		return others + f.Removed
	}
}
