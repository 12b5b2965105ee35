package generate

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/template"
)

// A pass is a render task at work: one partition, once through, for all feeds
// whose parts are not taken over.
type pass struct {
	*job
	task    engine.Task
	bench   *part.Workbench
	won     []choose.Rows // by choice
	scope   *scope
	program *eval.Program
	decided *decisions
	shared  *template.Shared
	presses []*press // by rendering of the scope
	fields  []*fields
	result  *result
}

// render decides the feeds for the offers of a partition and writes its parts.
func (j *job) render(ctx context.Context, task engine.Task) (err error) {
	p := &pass{job: j, task: task, result: newResult(j.plan)}
	if p.won, err = j.choosing(task.Run).Won(ctx, task.Partition); err != nil {
		return err
	}
	fresh, err := p.carry(ctx, j.past(ctx, task.Partition))
	if err != nil {
		return err
	}
	switch {
	case len(fresh) > 0:
		err = p.press(ctx, fresh)
	case len(j.plan.renderings) == 0: // nothing else looks at the offers
		p.result.Offers, err = j.snapshot.Rows(ctx, task.Partition)
	}
	if err != nil {
		return err
	}
	return j.save(ctx, resultName(task.Run, task.Partition), p.result)
}

// press goes through the partition and writes the parts of some renderings.
func (p *pass) press(ctx context.Context, renderings []int) (err error) {
	p.scope = p.job.scope(renderings)
	p.program, p.bench = p.scope.program.Again(), p.workshop.Workbench()
	defer p.bench.Close()
	p.decided, p.shared, p.result.Offers = newDecisions(p.plan, p.scope), template.NewShared(), 0
	defer func() { err = errors.Join(err, p.abort()) }()
	for _, i := range renderings {
		press, err := p.newPress(ctx, p.plan.renderings[i], &p.result.Renderings[i])
		if err != nil {
			return err
		}
		p.presses = append(p.presses, press)
	}
	p.fields = byFields(p.presses)
	if err := p.snapshot.Each(ctx, p.task.Partition, p.scope.columns, p.batch); err != nil {
		return err
	}
	for _, press := range p.presses {
		if err := press.finish(); err != nil {
			return err
		}
	}
	for _, i := range renderings {
		p.result.Renderings[i].Decided = p.decided.of(i)
	}
	return nil
}

// abort gives up the parts that are not committed.
func (p *pass) abort() error {
	var errs []error
	for _, press := range p.presses {
		errs = append(errs, press.out.Abort())
	}
	return errors.Join(errs...)
}

func (p *pass) batch(batch arrow.RecordBatch, first int64) error {
	r := p.program.Run(batch, p.At)
	ids := batch.Column(batch.Schema().FieldIndices(offer.Key)[0]).(*array.String)
	p.result.Offers += batch.NumRows()
	p.result.RowByRow += r.RowByRow
	p.decided.add(r)
	for _, i := range p.scope.feeds {
		p.result.Feeds[i].decided(r, p.scope.place[i], ids)
	}
	for _, press := range p.presses {
		press.take(p.selections(press.rendering, r.Selected, first), int(batch.NumRows()))
	}
	for _, f := range p.fields {
		columns, err := f.evaluate(p.mem, batch, p.At, ids)
		if err != nil {
			return err
		}
		defer columns.Release()
		for _, press := range f.presses {
			press.fields = columns
		}
	}
	return p.renderAll(batch, ids)
}

// rowsAtOnce is how many rows all presses render before they go on to the next:
// so few that what they share stays in the processor's caches.
const rowsAtOnce = 1 << 10

// renderAll renders the rows of a batch that the presses took.
func (p *pass) renderAll(batch arrow.RecordBatch, ids *array.String) error {
	for from := 0; from < int(batch.NumRows()); from += rowsAtOnce {
		p.shared.Next(from, rowsAtOnce)
		to := min(from+rowsAtOnce, int(batch.NumRows()))
		for _, press := range p.presses {
			if err := press.render(batch, from, to, ids); err != nil {
				return fmt.Errorf("render %s: %w", press.rendering.name, err)
			}
		}
	}
	return nil
}

// selections returns the rows that each feed of a rendering takes, in the order
// of their numbers.
func (p *pass) selections(r *rendering, selected []bitmap.Bitmap, first int64) []bitmap.Bitmap {
	out := make([]bitmap.Bitmap, len(r.feeds))
	for i, f := range r.feeds {
		out[i] = selected[p.scope.place[f.place]]
		if f.choice != nil {
			out[i] = p.won[f.choice.Number].Of(out[i], first)
		}
	}
	return out
}

// newPress begins the part of a rendering.
func (p *pass) newPress(ctx context.Context, r *rendering, counts *renderingResult) (*press, error) {
	name := part.Name(p.task.Run, r.name, p.task.Partition)
	head := part.Head{Rendering: r.name, Partition: p.task.Partition, Partitions: p.snapshot.Partitions(), Feeds: r.feedNames()}
	out, err := part.Create(ctx, p.store, name, head, p.layout, p.bench)
	if err != nil {
		return nil, err
	}
	counts.Part = name
	return &press{
		rendering: r, out: out, items: p.shared.Renderer(r.template, r.params, r.meanings()), counts: counts, feeds: p.result.of(r), depth: part.SampleDepth(p.snapshot.Partitions()),
	}, nil
}
