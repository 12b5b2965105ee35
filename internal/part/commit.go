package part

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Commit writes what is left and makes the part visible. It returns the part's
// length.
func (w *Writer) Commit() (int64, error) {
	rare := w.rare()
	for _, g := range w.order {
		if len(g.members) > 1 {
			w.cut(g)
		}
	}
	for feed := range w.head.Feeds {
		w.single(feed, rare[feed])
	}
	w.bench.wait(w)
	w.flush()
	if err := w.bench.clear(&w.shelf); err != nil {
		w.fail(fmt.Errorf("close the segments of %s that were put aside: %w", w.name, err))
	}
	table := w.table()
	w.write(table)
	w.write(appendTrailer(nil, table, partMagic))
	w.wrote(w.out.Flush())
	if w.err != nil {
		return 0, w.err
	}
	if err := w.object.Commit(); err != nil {
		return 0, err
	}
	return w.size, nil
}

// Abort gives the part up. After Commit it does nothing.
func (w *Writer) Abort() error {
	w.bench.wait(w)
	return errors.Join(w.object.Abort(), w.bench.clear(&w.shelf))
}

// rare takes the groups that are too small for segments of their own out of the
// order and returns them by feed.
func (w *Writer) rare() map[int][]*group {
	byFeed := map[int][]*group{}
	w.order = slices.DeleteFunc(w.order, func(g *group) bool {
		if g.cut || len(g.members) == 1 || int(g.Items) >= w.layout.Rare {
			return false
		}
		for _, feed := range g.members {
			byFeed[feed] = append(byFeed[feed], g)
		}
		return true
	})
	return byFeed
}

// single cuts the items that go to one feed alone, with those of rare groups, in
// the order in which they were added.
func (w *Writer) single(feed int, rare []*group) {
	own := w.group(Membership{feed})
	var all []numbered
	for _, g := range append(rare, own) {
		all = g.apart(all)
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	w.empty(own)
	for _, item := range all {
		w.put(own, item.number, item.text)
		if own.Raw >= int64(w.layout.Segment) {
			w.cut(own)
		}
	}
	w.cut(own)
}

// table encodes the part's table.
func (w *Writer) table() []byte {
	t := appendString(nil, w.head.Rendering)
	t = binary.AppendUvarint(t, uint64(w.head.Partition))
	t = binary.AppendUvarint(t, uint64(w.head.Partitions))
	t = appendString(t, w.bench.compressor.name)
	t = binary.AppendUvarint(t, uint64(len(w.head.Feeds)))
	for _, feed := range w.head.Feeds {
		t = appendString(t, feed)
	}
	t = binary.AppendUvarint(t, uint64(len(w.members)))
	for _, m := range w.members {
		t = m.append(t)
	}
	t = binary.AppendUvarint(t, uint64(len(w.segments)))
	for _, s := range w.segments {
		t = binary.AppendUvarint(t, uint64(s.Membership))
		t = appendSegment(t, s)
	}
	return t
}
