package part

import (
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Head says what a part is of.
type Head struct {
	Rendering  string
	Partition  int
	Partitions int
	Feeds      []string // of the rendering, in the order of their numbers
}

// Layout bounds the memory of a Writer and the sizes of segments. Other values
// make other parts of the same feeds.
type Layout struct {
	Segment int // bytes of items: a segment is cut behind the item that passes this
	Rare    int // a membership with fewer offers than this is written per feed
	Buffer  int // bytes of items, of all memberships: passing this cuts some of them early
	Stretch int // bytes compressed that are kept in memory; the rest waits in a temporary file
}

// DefaultLayout is the layout that generate writes.
var DefaultLayout = Layout{Segment: 128 << 10, Rare: 16, Buffer: 16 << 20, Stretch: 4 << 20}

// A Writer writes a part. It is for one goroutine.
type Writer struct {
	name   string
	head   Head
	layout Layout
	object storage.Writer
	size   int64

	compressor *Compressor
	spare      spares // buffers of groups, to be used again
	groups     map[string]*group
	order      []*group // by their first item
	buffered   int      // bytes
	items      int      // added
	cuts       []compressed
	shelf      shelf // of the bytes of cuts
	segments   []Segment
	members    []Membership // the table of memberships
	err        error
}

// A group is the items of a membership that are not in a segment yet.
type group struct {
	members Membership
	cut     bool // it has a segment
	place   int  // in the table of memberships, once a segment of it is written
	since   int  // the number of its first item, or of the first after it was cut
	data    []byte
	items   []item
	last    int // bytes of items of its last segment
}

type item struct {
	number int // of the item in the part, for order
	end    int // in data
}

// A compressed segment waits on the shelf, at its Offset there.
type compressed struct {
	group *group
	Segment
}

// Create begins a part. The compressor may serve other writers of the same
// goroutine, too.
func Create(ctx context.Context, store storage.Store, name string, head Head, layout Layout, compressor *Compressor) (*Writer, error) {
	object, err := store.Create(ctx, name, storage.Replace)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	w := &Writer{name: name, head: head, layout: layout, object: object, compressor: compressor, groups: map[string]*group{}}
	w.shelf.limit, w.spare.most = layout.Stretch, layout.Buffer/4
	w.write([]byte(partMagic))
	return w, nil
}

func (w *Writer) write(data []byte) {
	if w.err != nil {
		return
	}
	n, err := w.object.Write(data)
	w.size += int64(n)
	if err != nil {
		w.err = fmt.Errorf("write %s: %w", w.name, err)
	}
}

// Add adds an item, which goes to at least one feed.
func (w *Writer) Add(members Membership, text []byte) error {
	if len(members) == 0 || members[0] < 0 || members[len(members)-1] >= len(w.head.Feeds) {
		return fmt.Errorf("write %s: an item for feeds %v of %d", w.name, members, len(w.head.Feeds))
	}
	g := w.group(members)
	w.put(g, w.items, text)
	w.items++
	if w.buffered > w.layout.Buffer {
		w.relieve()
	}
	if len(g.data) >= w.layout.Segment {
		w.cut(g)
	}
	return w.err
}

// put adds an item to a group.
func (w *Writer) put(g *group, number int, text []byte) {
	if len(g.items) == 0 {
		g.since = number
	}
	if n := len(g.data) + len(text); n > cap(g.data) {
		old := g.data
		g.data = append(w.spare.take(max(n, g.last/2)), old...)
		w.spare.give(old)
	}
	g.add(number, text)
	w.buffered += len(text)
}

func (w *Writer) group(members Membership) *group {
	key := string(members.append(nil))
	g := w.groups[key]
	if g == nil {
		g = &group{members: slices.Clone(members), place: -1}
		w.groups[key] = g
		w.order = append(w.order, g)
	}
	return g
}

func (g *group) add(number int, text []byte) {
	g.data = append(g.data, text...)
	g.items = append(g.items, item{number, len(g.data)})
}

// relieve cuts groups until a quarter of the buffer is free. A group that fills r
// times as fast as another is left to grow sqrt(r) times as large, which makes
// the mean segment largest: so those go first whose bytes, times the items added
// since the group was empty, are the most.
func (w *Writer) relieve() {
	groups := slices.DeleteFunc(slices.Clone(w.order), func(g *group) bool { return len(g.data) == 0 })
	slices.SortStableFunc(groups, func(a, b *group) int {
		return cmp.Compare(len(b.data)*(w.items-b.since), len(a.data)*(w.items-a.since))
	})
	for _, g := range groups {
		if w.buffered <= w.layout.Buffer/4*3 {
			return
		}
		w.cut(g)
	}
}

// cut makes a segment of all items of a group.
func (w *Writer) cut(g *group) {
	if w.err != nil || len(g.items) == 0 {
		return
	}
	data, err := w.compressor.Compress(g.data)
	if err != nil {
		w.err = fmt.Errorf("compress for %s: %w", w.name, err)
		return
	}
	g.cut = true
	c := compressed{g, g.segment(data)}
	if c.Offset, err = w.shelf.put(data); err != nil {
		w.err = fmt.Errorf("put a segment of %s aside: %w", w.name, err)
		return
	}
	w.cuts = append(w.cuts, c)
	w.recycle(g)
}

// recycle empties a group.
func (w *Writer) recycle(g *group) {
	w.buffered -= len(g.data)
	w.spare.give(g.data)
	g.data, g.items, g.last = nil, nil, len(g.data)
}

func (g *group) segment(data []byte) Segment {
	s := Segment{
		Length: int64(len(data)), Raw: int64(len(g.data)), Items: int64(len(g.items)),
		Sum: crc32.ChecksumIEEE(data), RawSum: crc32.ChecksumIEEE(g.data),
	}
	for i := range g.items {
		s.Digest.Add(g.text(i))
	}
	return s
}

// text returns the i-th item.
func (g *group) text(i int) []byte {
	from := 0
	if i > 0 {
		from = g.items[i-1].end
	}
	return g.data[from:g.items[i].end]
}

// flush writes all segments, those of like memberships side by side.
func (w *Writer) flush() {
	slices.SortStableFunc(w.cuts, func(a, b compressed) int { return slices.Compare(a.group.members, b.group.members) })
	for _, c := range w.cuts {
		data, err := w.shelf.get(c.Offset, c.Length)
		if err != nil && w.err == nil {
			w.err = fmt.Errorf("fetch a segment of %s that was put aside: %w", w.name, err)
		}
		if w.err != nil {
			return
		}
		if c.group.place < 0 {
			c.group.place = len(w.members)
			w.members = append(w.members, c.group.members)
		}
		c.Membership, c.Offset = c.group.place, w.size
		w.segments = append(w.segments, c.Segment)
		w.write(data)
	}
}
