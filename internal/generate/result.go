package generate

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/template"
)

// maxSamples is how many samples of one kind are kept of a feed or rendering.
const maxSamples = 3

// A Sample is an offer about which something is to be said.
type Sample struct {
	Offer  string `json:"offer"`
	Kind   string `json:"kind"` // undecided, failed, left out, choose, field
	Reason string `json:"reason"`
}

// A result is what a render task counted.
type result struct {
	Offers     int64             `json:"offers"`
	RowByRow   int64             `json:"row_by_row,omitempty"`
	Feeds      []feedResult      `json:"feeds"`      // in the order of the plan
	Renderings []renderingResult `json:"renderings"` // in the order of the plan

	size   int64          // of its object
	places map[string]int // of the feeds, by name; nil until one is asked for
}

type feedResult struct {
	Name string `json:"name"`
	counts

	feed   *plannedFeed
	sample [][]string // Members, by partition
}

type counts struct {
	Undecided int64            `json:"undecided,omitempty"`
	Errors    int64            `json:"errors,omitempty"`
	Left      map[string]int64 `json:"left,omitempty"` // offers left out, by the rule that they broke
	Samples   []Sample         `json:"samples,omitempty"`
	Members   []string         `json:"members,omitempty"` // the first offers of the feed; see part.Sample
}

type renderingResult struct {
	Key     string           `json:"key"`               // digest of what the part follows from
	Decided string           `json:"decided,omitempty"` // digest of what its conditions said, where they read `now`
	Part    string           `json:"part"`              // the name of its object, of this run or of one before
	Size    int64            `json:"size"`              // of the part
	Items   int64            `json:"items"`             // rendered
	Dropped int64            `json:"dropped,omitempty"` // characters that XML forbids
	Cut     map[string]int64 `json:"cut,omitempty"`     // texts, by rule
	Failed  map[string]int64 `json:"failed,omitempty"`  // values, by field
	Samples []Sample         `json:"samples,omitempty"`
}

func newResult(p *plan) *result {
	r := &result{Feeds: make([]feedResult, len(p.feeds)), Renderings: make([]renderingResult, len(p.renderings))}
	for i, f := range p.feeds {
		r.Feeds[i].feed, r.Feeds[i].Name = f, f.Name
	}
	return r
}

// of returns the results of a rendering's feeds, in the order of their numbers.
func (r *result) of(rendering *rendering) []*feedResult {
	out := make([]*feedResult, len(rendering.feeds))
	for i := range r.Feeds {
		if f := &r.Feeds[i]; f.feed.rendering == rendering {
			out[f.feed.number] = f
		}
	}
	return out
}

// feed returns the result of a feed, or nil.
func (r *result) feed(name string) *feedResult {
	if r.places == nil {
		r.places = make(map[string]int, len(r.Feeds))
		for i, f := range r.Feeds {
			r.places[f.Name] = i
		}
	}
	if i, found := r.places[name]; found {
		return &r.Feeds[i]
	}
	return nil
}

// decided counts what a predicate said of a batch.
func (f *feedResult) decided(r *eval.Result, predicate int, ids *array.String) {
	f.Undecided += r.Undecided[predicate]
	f.Errors += r.Errors[predicate]
	for _, s := range r.Samples[predicate] {
		f.Samples = keep(f.Samples, Sample{ids.Value(s.Row), kindOf(s.Outcome), s.Reason})
	}
}

func kindOf(o predicate.Outcome) string {
	if o == predicate.Failed {
		return "failed"
	}
	return "undecided"
}

func (f *feedResult) leave(l template.Left, id string) {
	f.Left = count(f.Left, l.Rule, 1)
	f.Samples = keep(f.Samples, Sample{id, "left out", l.Reason})
}

func (r *renderingResult) add(items *template.Items) {
	r.Items += int64(len(items.Ends) - len(items.Left))
	r.Dropped += items.Dropped
	for rule, n := range items.Cut {
		r.Cut = count(r.Cut, rule, n)
	}
}

func (r *renderingResult) fail(field, id string, err error) {
	r.Failed = count(r.Failed, field, 1)
	r.Samples = keep(r.Samples, Sample{id, "field", field + ": " + err.Error()})
}

func count(counts map[string]int64, key string, n int64) map[string]int64 {
	if counts == nil {
		counts = map[string]int64{}
	}
	counts[key] += n
	return counts
}

// keep adds a sample unless there are enough of its kind. What it keeps does not
// refer to a batch.
func keep(samples []Sample, s Sample) []Sample {
	n := 0
	for _, other := range samples {
		if other.Kind == s.Kind {
			n++
		}
	}
	if n >= maxSamples {
		return samples
	}
	return append(samples, Sample{strings.Clone(s.Offer), s.Kind, strings.Clone(s.Reason)})
}

// join adds the counts of the next partition.
func (f *feedResult) join(other *feedResult) {
	f.Undecided += other.Undecided
	f.Errors += other.Errors
	for rule, n := range other.Left {
		f.Left = count(f.Left, rule, n)
	}
	for _, s := range other.Samples {
		f.Samples = keep(f.Samples, s)
	}
	f.sample = append(f.sample, other.Members)
}

// join adds the counts of the next partition.
func (r *renderingResult) join(other *renderingResult) {
	r.Size += other.Size
	r.Items += other.Items
	r.Dropped += other.Dropped
	for rule, n := range other.Cut {
		r.Cut = count(r.Cut, rule, n)
	}
	for field, n := range other.Failed {
		r.Failed = count(r.Failed, field, n)
	}
	for _, s := range other.Samples {
		r.Samples = keep(r.Samples, s)
	}
}
