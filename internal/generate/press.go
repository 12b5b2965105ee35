package generate

import (
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/template"
)

// A press renders the offers of a partition in one rendering into its part.
type press struct {
	rendering *rendering
	out       *part.Writer
	items     *template.Renderer
	fields    *fields
	mem       memory.Allocator
	at        time.Time
	counts    *renderingResult
	feeds     []*feedResult // in the order of their numbers
	depth     int           // of the samples of feeds
	rendered  template.Items
}

// batch renders the rows that any feed takes, once, and adds each to its feeds.
func (p *press) batch(batch arrow.RecordBatch, selected []bitmap.Bitmap, ids *array.String) error {
	rows := union(selected, int(batch.NumRows()))
	if len(rows) == 0 {
		return nil
	}
	fields, err := p.fields.evaluate(p.mem, batch, rows, p.at, p.counts, ids)
	if err != nil {
		return err
	}
	defer fields.Release()
	for some := range slices.Chunk(rows, rowsAtOnce) {
		if err := p.render(batch, fields, some, selected, ids); err != nil {
			return err
		}
	}
	return nil
}

// rowsAtOnce is how many items are rendered before they are added to the part.
const rowsAtOnce = 1 << 10

func (p *press) render(batch, fields arrow.RecordBatch, rows []int, selected []bitmap.Bitmap, ids *array.String) error {
	p.rendered = template.Items{Data: p.rendered.Data[:0], Ends: p.rendered.Ends[:0]}
	if err := p.items.Items(&p.rendered, batch, fields, rows); err != nil {
		return err
	}
	p.leave(p.rendered.Left, selected, ids)
	p.counts.add(&p.rendered)
	return p.add(&p.rendered, rows, selected, ids)
}

// union lists the rows that are in any of the selections.
func union(selected []bitmap.Bitmap, rows int) []int {
	all := bitmap.New(rows)
	for _, s := range selected {
		all.Or(s)
	}
	var out []int
	for row := range all.All() {
		out = append(out, row)
	}
	return out
}

// add writes the items that were not left out.
func (p *press) add(rendered *template.Items, rows []int, selected []bitmap.Bitmap, ids *array.String) error {
	var members part.Membership
	from := 0
	for i, row := range rows {
		item := rendered.Data[from:rendered.Ends[i]]
		from = rendered.Ends[i]
		if len(item) == 0 {
			continue
		}
		members = membership(members[:0], selected, row)
		if err := p.out.Add(members, item); err != nil {
			return err
		}
		p.sample(members, ids.Value(row))
	}
	return nil
}

// sample keeps the first offers of each feed.
func (p *press) sample(members part.Membership, id string) {
	for _, number := range members {
		if f := p.feeds[number]; len(f.Members) < p.depth {
			f.Members = append(f.Members, strings.Clone(id))
		}
	}
}

func membership(dst part.Membership, selected []bitmap.Bitmap, row int) part.Membership {
	for number, s := range selected {
		if s.Has(row) {
			dst = append(dst, number)
		}
	}
	return dst
}

// leave counts the offers that were left out, for each feed that took them.
func (p *press) leave(left []template.Left, selected []bitmap.Bitmap, ids *array.String) {
	for _, l := range left {
		for number, s := range selected {
			if s.Has(l.Row) {
				p.feeds[number].leave(l, ids.Value(l.Row))
			}
		}
	}
}

// finish commits the part.
func (p *press) finish() error {
	size, err := p.out.Commit()
	p.counts.Size = size
	return err
}
