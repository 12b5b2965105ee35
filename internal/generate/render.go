package generate

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/part"
)

// A pass is a render task at work: one partition, once through, for all feeds.
type pass struct {
	*job
	task       engine.Task
	layout     part.Layout
	compressor *part.Compressor
	program    *eval.Program
	won        []rowSet // by choice
	presses    []*press // by rendering
	result     *result
}

// render decides all feeds for the offers of a partition and writes its parts.
func (j *job) render(ctx context.Context, task engine.Task) (err error) {
	p := &pass{
		job: j, task: task, layout: j.plan.layout(j.ws.Memory), compressor: part.NewCompressor(),
		program: j.program.Again(), result: newResult(j.plan),
	}
	if p.won, err = j.readWinners(ctx, task.Run, task.Partition); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.abort()) }()
	for i, r := range j.plan.renderings {
		press, err := p.newPress(ctx, r, &p.result.Renderings[i])
		if err != nil {
			return err
		}
		p.presses = append(p.presses, press)
	}
	if err := j.scan(ctx, task.Partition, j.plan.columns, p.batch); err != nil {
		return err
	}
	for _, press := range p.presses {
		if err := press.finish(); err != nil {
			return err
		}
	}
	return j.save(ctx, tmpName(task.Run, task.Phase, task.Partition), p.result)
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
	for i, f := range p.plan.feeds {
		p.result.Feeds[i].decided(r, f.predicate, ids)
	}
	for _, press := range p.presses {
		if err := press.batch(batch, p.selections(press.rendering, r.Selected, first), ids); err != nil {
			return fmt.Errorf("render %s: %w", press.rendering.name, err)
		}
	}
	return nil
}

// selections returns the rows that each feed of a rendering takes, in the order
// of their numbers.
func (p *pass) selections(r *rendering, selected []bitmap.Bitmap, first int64) []bitmap.Bitmap {
	out := make([]bitmap.Bitmap, len(r.feeds))
	for i, f := range r.feeds {
		out[i] = selected[f.predicate]
		if f.choice == nil {
			continue
		}
		out[i] = bitmap.New(selected[f.predicate].Len())
		for row := range selected[f.predicate].All() {
			if p.won[f.choice.number].has(first + int64(row)) {
				out[i].Set(row)
			}
		}
	}
	return out
}

// newPress begins the part of a rendering.
func (p *pass) newPress(ctx context.Context, r *rendering, counts *renderingResult) (*press, error) {
	name := part.Name(p.task.Run, r.name, p.task.Partition)
	head := part.Head{Rendering: r.name, Partition: p.task.Partition, Partitions: p.snapshot.Partitions(), Feeds: r.feedNames()}
	out, err := part.Create(ctx, p.store, name, head, p.layout, p.compressor)
	if err != nil {
		return nil, err
	}
	return &press{
		rendering: r, out: out, items: r.template.Renderer(r.params), mem: p.mem, at: p.At,
		fields: newFields(r), counts: counts, feeds: p.result.of(r), depth: part.SampleDepth(p.snapshot.Partitions()),
	}, nil
}
