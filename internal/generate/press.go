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
	members  [][]int // by row of those being rendered: the feeds that take it
}

// take gives the press the offers of a batch that its feeds take.
func (p *press) take(selected []bitmap.Bitmap, rows int) {
	p.selected, p.rows = selected, bitmap.Union(selected, rows)
}

// render renders the rows of from..to-1, once, and adds each to its feeds.
func (p *press) render(batch arrow.RecordBatch, from, to int, ids *array.String) error {
	n, _ := slices.BinarySearch(p.rows, to)
	if n == 0 {
		return nil
	}
	rows := p.rows[:n]
	p.rows = p.rows[n:]
	p.members = bitmap.AllHolders(p.members, p.selected, from, to)
	p.rendered = template.Items{Data: p.rendered.Data[:0], Ends: p.rendered.Ends[:0]}
	for i, row := range rows {
		// One by one: an item is in the processor's nearest cache when it is added.
		p.rendered.Data = p.rendered.Data[:0]
		if err := p.items.Items(&p.rendered, batch, p.fields, rows[i:i+1]); err != nil {
			return err
		}
		if err := p.add(p.rendered.Data, p.members[row-from], ids, row); err != nil {
			return err
		}
	}
	p.leave(p.rendered.Left, ids)
	p.counts.add(&p.rendered)
	return nil
}

// add writes an item that was not left out.
func (p *press) add(item []byte, members part.Membership, ids *array.String, row int) error {
	if len(item) == 0 {
		return nil
	}
	if err := p.out.Add(members, item); err != nil {
		return err
	}
	p.sample(members, ids.Value(row))
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
