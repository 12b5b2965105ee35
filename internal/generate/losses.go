package generate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxLosses is how many renderings, or feeds, have a warning of their own.
const maxLosses = 10

// losses warns of what a run did not render as the offers have it, once for each
// rendering, and of what was slow.
func (r *Report) losses() []string {
	var out []string
	if r.RowByRow > 0 {
		out = append(out, fmt.Sprintf("conditions were decided offer by offer %d times, which is slow: feedmill check says which", r.RowByRow))
	}
	left := r.left()
	quiet := 0
	for _, name := range slices.Sorted(maps.Keys(r.Rendered)) {
		what := r.Rendered[name].losses(left[name])
		switch {
		case len(what) == 0:
		case len(out) >= maxLosses:
			quiet++
		default:
			out = append(out, "rendering "+name+": "+strings.Join(what, "; "))
		}
	}
	if quiet > 0 {
		out = append(out, fmt.Sprintf("%d more renderings cut, drop or leave out something", quiet))
	}
	return append(out, r.misfits()...)
}

// misfits warns of feeds whose choices could not be computed for some offers.
func (r *Report) misfits() []string {
	var out []string
	more := 0
	for _, name := range slices.Sorted(maps.Keys(r.Feeds)) {
		switch failed := r.Feeds[name].Failed; {
		case len(failed) == 0:
		case len(out) == maxLosses:
			more++
		default:
			out = append(out, "feed "+name+": could not be computed, and count as null: "+tally(failed))
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("the same of %s more", counted(int64(more), "feed")))
	}
	return out
}

// left adds up, by rendering and rule, the offers that feeds leave out: of each
// rule the most that one feed does, since the feeds share offers.
func (r *Report) left() map[string]map[string]int64 {
	out := map[string]map[string]int64{}
	for _, f := range r.Feeds {
		for rule, n := range f.Left {
			if out[f.Rendering] == nil {
				out[f.Rendering] = map[string]int64{}
			}
			out[f.Rendering][rule] = max(out[f.Rendering][rule], n)
		}
	}
	return out
}

func (r RenderingReport) losses(left map[string]int64) []string {
	var out []string
	if r.Dropped > 0 {
		out = append(out, counted(r.Dropped, "character")+" dropped that XML forbids")
	}
	if len(r.Cut) > 0 {
		out = append(out, "values cut: "+tally(r.Cut))
	}
	if len(left) > 0 {
		out = append(out, "offers left out of a feed: "+tally(left))
	}
	if len(r.Failed) > 0 {
		out = append(out, "fields that could not be computed: "+tally(r.Failed))
	}
	return out
}

// tally lists counts, those of the most first.
func tally(counts map[string]int64) string {
	const most = 5
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return int(min(max(counts[b]-counts[a], -1), 1))
		}
		return strings.Compare(a, b)
	})
	var out []string
	for _, name := range names[:min(len(names), most)] {
		out = append(out, fmt.Sprintf("%d (%s)", counts[name], name))
	}
	if len(names) > most {
		out = append(out, fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(out, ", ")
}

func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
