package preview

import (
	"context"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/template"
)

// A Finale is what comes after the condition of one feed, as it is defined now: its
// choice, and the rules of its template.
type Finale struct {
	search  Search
	view    *view
	contest *Contest
	choice  *choose.Choice // nil: it takes all
	reading Reading
}

// NewFinale returns that of a feed; an event feed has no template.
func NewFinale(q Search, f *feed.Feed, where *predicate.Expr, t *template.Template) *Finale {
	out := &Finale{search: q, view: newView(&side{where: where, rest: f, template: t, shared: q.Workspace.Shared}), reading: Reading{Feed: f.Name}}
	if t != nil {
		out.reading.Columns = t.Columns()
		for _, field := range out.view.fields {
			out.reading.Exprs = append(out.reading.Exprs, field.Value)
		}
	}
	if f.Choose != nil {
		out.contest = NewContest(q, f.Name)
		out.choice = out.contest.Add(f.Choose, where)
	}
	return out
}

// Reading is what a course reads, beside the condition.
func (f *Finale) Reading() Reading { return f.reading }

// Choose finds who is chosen. It comes before the first course.
func (f *Finale) Choose(ctx context.Context) error {
	if f.choice == nil {
		return nil
	}
	return f.contest.Run(ctx)
}

// A Course is a finale at work on a partition.
type Course struct {
	*Finale
	won       []choose.Rows
	rendition *rendition
}

// Course begins a partition.
func (f *Finale) Course(ctx context.Context, partition int) (*Course, error) {
	c := &Course{Finale: f, rendition: f.view.rendition()}
	if f.choice == nil {
		return c, nil
	}
	var err error
	c.won, err = f.contest.Won(ctx, partition)
	return c, err
}

// Left returns those of the rows of a batch that the template leaves out, whoever is
// chosen.
func (f *Finale) Left(batch arrow.RecordBatch, rows bitmap.Bitmap) ([]template.Left, error) {
	return f.view.rendition().left(batch, rows, f.search.At)
}

// Left is that of the finale, for a whole partition.
func (c *Course) Left(batch arrow.RecordBatch, rows bitmap.Bitmap) ([]template.Left, error) {
	return c.rendition.left(batch, rows, c.search.At)
}

// Chosen returns those of the rows of a batch that are chosen; first is the number of
// rows before the batch.
func (c *Course) Chosen(rows bitmap.Bitmap, first int64) bitmap.Bitmap {
	if c.choice == nil {
		return rows
	}
	return c.won[c.choice.Number].Of(rows, first)
}

func (s *rendition) left(batch arrow.RecordBatch, rows bitmap.Bitmap, at time.Time) ([]template.Left, error) {
	if s.renderer == nil || rows.Empty() {
		return nil, nil
	}
	all := slices.Collect(rows.All())
	fields, err := s.program.Columns(memory.DefaultAllocator, batch, all, at, func(string, int, error) {})
	if err != nil {
		return nil, err
	}
	defer fields.Release()
	var out []template.Left
	for some := range slices.Chunk(all, rowsAtOnce) {
		if err := s.render(batch, fields, some); err != nil {
			return nil, err
		}
		out = append(out, s.items.Left...)
	}
	return out, nil
}
