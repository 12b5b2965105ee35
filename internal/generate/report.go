package generate

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/locate"
	"github.com/feedmill/feedmill/internal/manifest"
)

// A Report says what a run did. It is also kept in the run's manifest.
type Report struct {
	Run         string                     `json:"run"`
	Stage       string                     `json:"stage"`
	Status      string                     `json:"status"` // done, unchanged, held, failed
	Started     time.Time                  `json:"started"`
	Seconds     float64                    `json:"seconds"`
	Warnings    []string                   `json:"warnings"`
	Error       string                     `json:"error,omitempty"`
	Snapshot    string                     `json:"snapshot"` // the run whose snapshot was read
	Now         time.Time                  `json:"now"`      // what `now` was in expressions
	Offers      int64                      `json:"offers"`   // in the snapshot
	Renderings  int                        `json:"renderings"`
	Compressors []string                   `json:"compressors,omitempty"` // that wrote the segments of the parts
	Parts       int                        `json:"parts"`                 // of the renderings, one for each partition
	Carried     int                        `json:"carried"`               // of these, taken over from earlier runs: nothing of them changed
	Feeds       map[string]FeedReport      `json:"feeds"`
	Rendered    map[string]RenderingReport `json:"rendered,omitempty"` // by rendering
	Reasons     []guard.Reason             `json:"reasons,omitempty"`  // why the whole run is held
	Holds       map[string]OpenHold        `json:"holds,omitempty"`    // by feed, all that are open after the run
	Phases      map[string]float64         `json:"phases,omitempty"`   // seconds
	RowByRow    int64                      `json:"row_by_row"`         // how often a condition was decided for an offer alone
	Decision    *manifest.Decision         `json:"decision,omitempty"` // that the run carried out, which made nothing itself
}

// A FeedReport says what a run made of a feed.
type FeedReport struct {
	Items      int64            `json:"items"`
	Bytes      int64            `json:"bytes"` // uncompressed, of all files
	Files      int              `json:"files"`
	Errors     int64            `json:"errors"`    // offers for which the predicate failed for another reason than null
	Undecided  int64            `json:"undecided"` // offers for which a null left it open
	Verdict    guard.Action     `json:"verdict"`
	Reasons    []guard.Reason   `json:"reasons,omitempty"`
	Rejected   string           `json:"rejected,omitempty"` // who rejected what the run made, and why: what was published before stays
	Before     *int64           `json:"before,omitempty"`   // items published before the run
	Gained     []string         `json:"gained,omitempty"`   // of a held feed: some offers that are not in what is published
	Lost       []string         `json:"lost,omitempty"`     // of a held feed: some offers that are in what is published only
	Unknown    string           `json:"unknown,omitempty"`  // why Gained and Lost could not be found
	Causes     *locate.Causes   `json:"causes,omitempty"`   // of a held feed: where its change comes from
	Redefined  bool             `json:"redefined"`          // its definition is not that of what was published before
	Published  string           `json:"published"`          // the run whose bytes are served after this one, "" when none is
	Rendering  string           `json:"rendering"`
	Definition string           `json:"definition"`       // digest
	Left       map[string]int64 `json:"left,omitempty"`   // offers left out, by the rule that they broke
	Failed     map[string]int64 `json:"failed,omitempty"` // offers for which a key of choose could not be computed, by key
	Samples    []Sample         `json:"samples,omitempty"`
}

// An OpenHold says which run holds a feed.
type OpenHold struct {
	Run    string    `json:"run"`    // that made what is held; "" when there is nothing to publish
	Opened time.Time `json:"opened"` // by the first of the runs that held it, one after the other
}

// A RenderingReport says what a run rendered for the feeds that share a rendering.
type RenderingReport struct {
	Template string           `json:"template"`
	Feeds    int              `json:"feeds"`
	Items    int64            `json:"items"`
	Size     int64            `json:"size"`              // of its parts
	Dropped  int64            `json:"dropped,omitempty"` // characters that XML forbids
	Cut      map[string]int64 `json:"cut,omitempty"`     // texts cut to their rule's max
	Failed   map[string]int64 `json:"failed,omitempty"`  // values that could not be computed, by field
	Samples  []Sample         `json:"samples,omitempty"`
}

// Held returns the names of the feeds that are held, for each why.
func (r *Report) Held() map[string][]guard.Reason {
	out := map[string][]guard.Reason{}
	for name, f := range r.Feeds {
		if f.Verdict != guard.Pass {
			out[name] = f.Reasons
		}
	}
	return out
}

// rejections says which feeds stay as they are since what was made of them was
// rejected.
func (r *Report) rejections() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.Feeds)) {
		f := r.Feeds[name]
		switch {
		case f.Rejected == "":
		case f.Published == "":
			out = append(out, fmt.Sprintf("feed %s is not published: what was made of it was %s", name, f.Rejected))
		default:
			out = append(out, fmt.Sprintf("feed %s stays as run %s made it: what was made of it since was %s", name, f.Published, f.Rejected))
		}
	}
	return out
}

// compressed notes what wrote the segments of a part.
func (r *Report) compressed(by string) {
	if at, found := slices.BinarySearch(r.Compressors, by); !found {
		r.Compressors = slices.Insert(r.Compressors, at, by)
	}
}

// fail adds what choosing could not compute.
func (f *FeedReport) fail(failures []choose.Failure) {
	for _, one := range failures {
		f.Failed = count(f.Failed, one.Key, one.Offers)
		f.Samples = keep(f.Samples, Sample{one.Offer, "choose", one.Key + ": " + one.Reason})
	}
}

func (f *FeedReport) count(result *feedResult) {
	f.Errors, f.Undecided, f.Left, f.Samples = result.Errors, result.Undecided, result.Left, result.Samples
}

func (r *rendering) report(result *renderingResult) RenderingReport {
	return RenderingReport{
		Template: r.base, Feeds: len(r.feeds), Items: result.Items, Size: result.Size, Dropped: result.Dropped,
		Cut: result.Cut, Failed: result.Failed, Samples: result.Samples,
	}
}
