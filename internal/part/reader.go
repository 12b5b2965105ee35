package part

import (
	"context"
	"fmt"
	"io"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Part is the table of a part.
type Part struct {
	Head
	Name        string
	Size        int64 // of the object
	Compressor  string
	Memberships []Membership
	Segments    []Segment // in the order in which they lie
}

// Open reads the table of a part.
func Open(ctx context.Context, store storage.Store, name string) (*Part, error) {
	table, size, err := readTable(ctx, store, name, partMagic)
	if err != nil {
		return nil, err
	}
	p := &Part{Name: name, Size: size}
	if err := p.decode(table); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return p, nil
}

func (p *Part) decode(table []byte) error {
	d := &decoder{data: table}
	p.Rendering = d.string()
	p.Partition, p.Partitions = d.below(1<<30, "partition"), d.below(1<<30, "number of partitions")
	p.Compressor = d.string()
	p.Feeds = make([]string, d.count(1))
	for i := range p.Feeds {
		p.Feeds[i] = d.string()
	}
	p.Memberships = make([]Membership, d.count(1))
	for i := range p.Memberships {
		p.Memberships[i] = d.membership(len(p.Feeds))
	}
	p.segments(d)
	if err := d.end(); err != nil {
		return err
	}
	return p.fits(int64(len(table)))
}

func (p *Part) segments(d *decoder) {
	p.Segments = make([]Segment, d.count(1+segmentLen))
	at := int64(len(partMagic))
	for i := range p.Segments {
		s := &p.Segments[i]
		s.Membership, s.Offset = d.below(len(p.Memberships), "membership"), at
		d.segment(s)
		at += s.Length
		if at > p.Size {
			d.fail("a segment is outside of the object")
			return
		}
	}
}

// fits checks that the segments fill the object up to its table.
func (p *Part) fits(table int64) error {
	at := int64(len(partMagic))
	for _, s := range p.Segments {
		at += s.Length
	}
	if at != p.Size-table-trailerLen {
		return damaged("its segments end at %d, its table begins at %d", at, p.Size-table-trailerLen)
	}
	return nil
}

// Feed returns the segments of a feed, by its number.
func (p *Part) Feed(number int) []Segment {
	var out []Segment
	for _, s := range p.Segments {
		if p.Memberships[s.Membership].Has(number) {
			out = append(out, s)
		}
	}
	return out
}

// Check reads all segments and checks them.
func (p *Part) Check(ctx context.Context, store storage.Store) error {
	return p.everything().WritePlain(ctx, store, io.Discard)
}

// everything is a file of all segments of the part.
func (p *Part) everything() *File {
	f := &File{objects: []Object{{p.Name, p.Size}}}
	for _, s := range p.Segments {
		f.Pieces = append(f.Pieces, Piece{0, s})
	}
	return f
}
