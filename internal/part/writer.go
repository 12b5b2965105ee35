package part

import (
	"bufio"
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

// DefaultLayout is the layout that generate writes. With the item that passes its
// length a segment is two blocks of the compressor, of 64 KiB each, and not a third
// one of a few bytes that costs as much as another to begin.
var DefaultLayout = Layout{Segment: 124 << 10, Rare: 4, Buffer: 16 << 20, Stretch: 4 << 20}

// A Writer writes a part. It is for one goroutine.
type Writer struct {
	name   string
	head   Head
	layout Layout
	object storage.Writer
	out    *bufio.Writer // to object
	size   int64

	bench      *Workbench
	groups     groups
	order      []*group // by their first item
	candidates []candidate
	buffered   int // bytes
	items      int // added
	cuts       []compressed
	away       int   // cuts that the press has
	shelf      shelf // of the bytes of cuts
	segments   []Segment
	members    []Membership // the table of memberships
	err        error
}

// A candidate may be cut, the heaviest first.
type candidate struct {
	weight, place int // in the order
	group         *group
}

// A compressed segment waits on the shelf, at its Offset there.
type compressed struct {
	group *group
	Segment
}

// Create begins a part. The workbench may serve other writers of the same goroutine,
// too, also at the same time.
func Create(ctx context.Context, store storage.Store, name string, head Head, layout Layout, bench *Workbench) (*Writer, error) {
	object, err := store.Create(ctx, name, storage.Replace)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	w := &Writer{name: name, head: head, layout: layout, object: object, bench: bench, groups: groups{}}
	w.out = bufio.NewWriterSize(object, atOnce)
	w.shelf = bench.shelf(layout.Stretch)
	w.write([]byte(partMagic))
	return w, nil
}

// atOnce is how many bytes are written at once. Writing a file costs least in
// pieces of this size: half as much as segment by segment, and pieces of a
// megabyte and more are now and then ten times as dear.
const atOnce = 128 << 10

func (w *Writer) write(data []byte) {
	if w.err != nil {
		return
	}
	n, err := w.out.Write(data)
	w.size += int64(n)
	w.wrote(err)
}

// wrote notes an error of writing.
func (w *Writer) wrote(err error) {
	if err != nil {
		w.fail(fmt.Errorf("write %s: %w", w.name, err))
	}
}

// Add adds an item, which goes to at least one feed.
func (w *Writer) Add(members Membership, text []byte) error {
	if len(members) == 0 || members[0] < 0 || members[len(members)-1] >= len(w.head.Feeds) {
		return fmt.Errorf("write %s: an item for feeds %v of %d", w.name, members, len(w.head.Feeds))
	}
	g := w.group(members)
	w.put(g, w.items, text)
	g.settle(w.layout.Rare)
	w.items++
	if w.buffered > w.layout.Buffer {
		w.relieve()
	}
	if g.Raw >= int64(w.layout.Segment) {
		w.cut(g)
	}
	return w.err
}

// put adds an item to a group.
func (w *Writer) put(g *group, number int, text []byte) {
	g.put(number, text, &w.bench.blocks)
	w.buffered += len(text)
}

func (w *Writer) group(members Membership) *group {
	g := w.groups.find(members)
	if g == nil {
		g = w.groups.add(members)
		w.order = append(w.order, g)
	}
	return g
}

// relieve cuts groups until a quarter of the buffer is free. A group that fills r
// times as fast as another is left to grow sqrt(r) times as large, which makes
// the mean segment largest: so those go first whose bytes, times the items added
// since the group was empty, are the most.
func (w *Writer) relieve() {
	candidates := w.candidates[:0]
	for i, g := range w.order {
		if g.Items > 0 {
			candidates = append(candidates, candidate{int(g.Raw) * (w.items - g.since), i, g})
		}
	}
	w.candidates = candidates
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.place, b.place))
	})
	for _, c := range candidates {
		if w.buffered <= w.layout.Buffer/4*3 {
			return
		}
		w.cut(c.group)
	}
}

// cut makes a segment of all items of a group.
func (w *Writer) cut(g *group) {
	if w.err != nil || g.Items == 0 {
		return
	}
	number := len(w.cuts)
	w.cuts = append(w.cuts, compressed{g, g.Segment})
	g.cut = true
	if w.bench.press.take(w.bench.shop, w, number, g) {
		w.away++
	} else {
		data, err := w.bench.compressor.Compress(g.close()...)
		w.putAside(number, data, err)
	}
	w.bench.receive()
	w.empty(g)
}

// putAside puts a cut's segment on the shelf.
func (w *Writer) putAside(number int, data []byte, err error) {
	if err != nil {
		w.fail(fmt.Errorf("compress for %s: %w", w.name, err))
		return
	}
	c := &w.cuts[number]
	c.Length, c.Sum = int64(len(data)), crc32.ChecksumIEEE(data)
	if c.Offset, err = w.shelf.put(data); err != nil {
		w.fail(fmt.Errorf("put a segment of %s aside: %w", w.name, err))
	}
}

// fail notes an error, unless there is one.
func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// empty empties a group.
func (w *Writer) empty(g *group) {
	w.buffered -= int(g.Raw)
	g.empty(&w.bench.blocks)
}

// flush writes all segments, those of like memberships side by side.
func (w *Writer) flush() {
	slices.SortStableFunc(w.cuts, func(a, b compressed) int { return slices.Compare(a.group.members, b.group.members) })
	for _, c := range w.cuts {
		data, err := w.shelf.get(c.Offset, c.Length)
		if err != nil {
			w.fail(fmt.Errorf("fetch a segment of %s that was put aside: %w", w.name, err))
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
