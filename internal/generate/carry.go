package generate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// A part follows from its key alone: the offers of the partition, and how the
// feeds of the rendering choose and show them; where their conditions read `now`,
// also from what these said. Where an earlier run has made the same part, a run
// takes it over, with what was counted for it, and does not render it again.

// maxLenders bounds of how many earlier runs one takes parts over: gc keeps them
// whole, be it for a single part.
const maxLenders = 8

// lenders are the runs whose parts this one may take over: of those that its
// baseline is made of the ones with the most parts.
func (r *run) lenders() []string {
	if r.Full {
		return nil
	}
	runs := slices.SortedFunc(maps.Keys(r.baseline.Parts), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.baseline.Parts[b], r.baseline.Parts[a]), cmp.Compare(b, a))
	})
	return runs[:min(len(runs), maxLenders)]
}

// countOrigins counts the parts of a run by the run that made them.
func (r *run) countOrigins(results []*result) {
	r.detail.Parts = map[string]int{}
	for _, one := range results {
		for _, rendering := range one.Renderings {
			r.detail.Parts[part.RunOf(rendering.Part)]++
		}
	}
	for _, run := range slices.Sorted(maps.Keys(r.detail.Parts)) {
		if run != r.id {
			r.requires = append(r.requires, run)
			r.report.Carried += r.detail.Parts[run]
		}
	}
	r.report.Parts = r.detail.Parts[r.id] + r.report.Carried
}

// past returns what the run that this one goes on from made of a partition, or
// nil. What cannot be read of it is rendered again.
func (j *job) past(ctx context.Context, partition int) *result {
	if j.Base == "" || len(j.Lenders) == 0 {
		return nil
	}
	past := &result{}
	if err := j.load(ctx, resultName(j.Base, partition), past); err != nil {
		return nil
	}
	return past
}

// carry takes over from the past what it can and returns the renderings that are
// to be made.
func (p *pass) carry(ctx context.Context, past *result) (fresh []int, err error) {
	old := map[int]*renderingResult{}
	for i, key := range p.keys() {
		p.result.Renderings[i].Key = key
		if was := p.lent(ctx, past, key); was != nil {
			old[i] = was
		}
	}
	decided, err := p.decide(ctx, slices.Sorted(maps.Keys(old)))
	if err != nil {
		return nil, err
	}
	for i := range p.plan.renderings {
		if was := old[i]; was != nil && was.Decided == decided.of(i) {
			p.takeOver(past, i, was)
		} else {
			fresh = append(fresh, i)
		}
	}
	return fresh, nil
}

// lent returns what the past says of a part of this key that may be taken over
// and is still there, or nil.
func (p *pass) lent(ctx context.Context, past *result, key string) *renderingResult {
	if past == nil || key == "" {
		return nil
	}
	at := slices.IndexFunc(past.Renderings, func(r renderingResult) bool { return r.Key == key })
	if at < 0 || !slices.Contains(p.Lenders, part.RunOf(past.Renderings[at].Part)) {
		return nil
	}
	was := &past.Renderings[at]
	there, err := part.Open(ctx, p.store, was.Part)
	if err != nil || there.Size != was.Size {
		return nil
	}
	return was
}

func (p *pass) takeOver(past *result, i int, was *renderingResult) {
	p.result.Offers = past.Offers
	p.result.Renderings[i] = *was
	for _, f := range p.result.of(p.plan.renderings[i]) {
		if counted := past.feed(f.Name); counted != nil {
			f.counts = counted.counts
		}
	}
}

// keys digests for every rendering what its part of a partition follows from; it
// is empty where that is not known.
func (p *pass) keys() []string {
	out := make([]string, len(p.plan.renderings))
	offers := p.snapshot.Digest(p.task.Partition)
	if offers == "" {
		return out // nobody knows whether they are the same
	}
	for i, r := range p.plan.renderings {
		var b strings.Builder
		fmt.Fprintf(&b, "%d %d %q\n", definitionVersion, part.Version, p.Build)
		fmt.Fprintf(&b, "offers %s %d/%d\n", offers, p.task.Partition, p.snapshot.Partitions())
		fmt.Fprintf(&b, "rendering %s\n%s", r.name, r.identity)
		for _, f := range r.fields {
			line(&b, p.ws, "field", f.Value)
			if readsNow(f.Value) {
				fmt.Fprintf(&b, "now %s\n", p.At.Format(time.RFC3339Nano))
			}
		}
		for _, f := range r.feeds {
			p.describe(&b, f)
		}
		out[i] = fmt.Sprintf("%x", xxh3.HashString128(b.String()).Bytes())
	}
	return out
}

// describe writes which offers of the partition a feed takes, but for `now`.
func (p *pass) describe(b *strings.Builder, f *plannedFeed) {
	fmt.Fprintf(b, "feed %s\n", f.Name)
	line(b, p.ws, "where", f.Where)
	describeChoice(b, p.ws, f.Choose)
	if f.choice != nil {
		fmt.Fprintf(b, "won %x\n", p.won[f.choice.Number].Digest())
	}
}

// resultName is where a render task leaves what it counted: for the run, and for
// later ones that take its parts over.
func resultName(run string, partition int) string {
	return fmt.Sprintf("%s/%s/results/%05d", part.Kind, run, partition)
}

// listResults lists the results of the tasks as objects of the run.
func (r *run) listResults(results []*result) {
	for i, one := range results {
		r.objects = append(r.objects, manifest.Object{Name: resultName(r.id, i), Size: one.size})
	}
}
