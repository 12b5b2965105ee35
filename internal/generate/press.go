package generate

import (
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/template"
)

// A press renders the offers of a partition in one rendering into its part.
type press struct {
	rendering *rendering
	out       *part.Writer
	items     *template.Renderer
	counts    *renderingResult
	feeds     []*feedResult // in the order of their numbers
	depth     int           // of the samples of feeds
	rendered  template.Items

	// Of a batch:
	selected []bitmap.Bitmap // by feed
	rows     []int           // that any feed takes, and that are not rendered yet
	fields   arrow.RecordBatch
}

// take gives the press the offers of a batch that its feeds take.
func (p *press) take(selected []bitmap.Bitmap, rows int) {
	p.selected, p.rows = selected, bitmap.Union(selected, rows)
}

// render renders the rows before end, once, and adds each to its feeds.
func (p *press) render(batch arrow.RecordBatch, end int, ids *array.String) error {
	n, _ := slices.BinarySearch(p.rows, end)
	if n == 0 {
		return nil
	}
	some := p.rows[:n]
	p.rows = p.rows[n:]
	p.rendered = template.Items{Data: p.rendered.Data[:0], Ends: p.rendered.Ends[:0]}
	if err := p.items.Items(&p.rendered, batch, p.fields, some); err != nil {
		return err
	}
	p.leave(p.rendered.Left, ids)
	p.counts.add(&p.rendered)
	return p.add(&p.rendered, some, ids)
}

// add writes the items that were not left out.
func (p *press) add(rendered *template.Items, rows []int, ids *array.String) error {
	var members part.Membership
	from := 0
	for i, row := range rows {
		item := rendered.Data[from:rendered.Ends[i]]
		from = rendered.Ends[i]
		if len(item) == 0 {
			continue
		}
		members = bitmap.Holders(members[:0], p.selected, row)
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

// leave counts the offers that were left out, for each feed that took them.
func (p *press) leave(left []template.Left, ids *array.String) {
	for _, l := range left {
		for number, s := range p.selected {
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
