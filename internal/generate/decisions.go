package generate

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/predicate"
)

// decisions digests what the conditions of renderings say about the offers of a
// partition. Conditions that read `now` often say the same at another time: then
// the parts are the same, too.
type decisions struct {
	scope *scope
	plan  *plan
	sums  map[int]*xxh3.Hasher // by timed rendering of the scope
	words []byte               // scratch
}

func newDecisions(p *plan, s *scope) *decisions {
	d := &decisions{scope: s, plan: p, sums: map[int]*xxh3.Hasher{}}
	for _, i := range s.renderings {
		if p.renderings[i].timed() {
			d.sums[i] = xxh3.New()
		}
	}
	return d
}

// add adds what the program of the scope says about a batch.
func (d *decisions) add(r *eval.Result) {
	for i, sum := range d.sums {
		for _, f := range d.plan.renderings[i].feeds {
			at := d.scope.place[f.place]
			d.words = binary.LittleEndian.AppendUint64(d.words[:0], uint64(r.Undecided[at]))
			d.words = binary.LittleEndian.AppendUint64(d.words, uint64(r.Errors[at]))
			d.words = r.Selected[at].Append(d.words)
			sum.Write(d.words)
			for _, s := range r.Samples[at] {
				fmt.Fprintf(sum, "%d %d %q\n", s.Row, s.Outcome, s.Reason)
			}
		}
	}
}

// of returns the digest of a rendering, empty for one that is not timed.
func (d *decisions) of(rendering int) string {
	sum := d.sums[rendering]
	if sum == nil {
		return ""
	}
	digest := sum.Sum128().Bytes()
	return fmt.Sprintf("%x", digest)
}

// timed reports whether which offers the rendering's feeds take depends on the
// time of the run.
func (r *rendering) timed() bool {
	return slices.ContainsFunc(r.feeds, func(f *plannedFeed) bool { return readsNow(f.Where) })
}

// decide goes through the partition for the conditions of some renderings alone.
func (p *pass) decide(ctx context.Context, renderings []int) (*decisions, error) {
	s := p.job.scope(renderings)
	d := newDecisions(p.plan, s)
	if len(d.sums) == 0 {
		return d, nil
	}
	program := s.program.Again()
	err := p.snapshot.Each(ctx, p.task.Partition, p.plan.conditionColumns(s), func(batch arrow.RecordBatch, _ int64) error {
		d.add(program.Run(batch, p.At))
		return nil
	})
	return d, err
}

// conditionColumns returns the columns that the conditions of a scope read.
func (p *plan) conditionColumns(s *scope) []string {
	read := map[string]bool{}
	for _, i := range s.feeds {
		predicate.AddColumns(read, p.schema, p.feeds[i].Where)
	}
	return p.ordered(read)
}
