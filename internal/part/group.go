package part

import (
	"hash/crc32"
	"slices"
)

// A group is the items of a membership that are not in a segment yet.
type group struct {
	members Membership
	next    *group   // of the same hash
	cut     bool     // it has a segment
	place   int      // in the table of memberships, once a segment of it is written
	since   int      // the number of its first item, or of the first after it was cut
	whole   bool     // its items stay together
	blocks  [][]byte // of its items, full
	tail    []byte   // the block behind them
	items   []item   // where they end, unless they stay together
	Segment          // of what is in it: all but what is compressed
}

type item struct {
	number int // of the item in the part, for order
	end    int // in the group's bytes
}

// groups are all of a part, by a hash of their members.
type groups map[uint64]*group

// find returns the group of a membership, or nil.
func (gs groups) find(members Membership) *group {
	g := gs[members.hash()]
	for g != nil && !slices.Equal(g.members, members) {
		g = g.next
	}
	return g
}

// add makes a group.
func (gs groups) add(members Membership) *group {
	g := &group{members: slices.Clone(members), place: -1}
	hash := g.members.hash()
	g.next, gs[hash] = gs[hash], g
	return g
}

// hash is the same for equal memberships. What a part is like does not depend on it.
func (m Membership) hash() uint64 {
	h := uint64(len(m))
	for _, feed := range m {
		h = (h ^ uint64(feed)) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return h
}

// put adds an item. What is told of its bytes is computed while they are at hand.
func (g *group) put(number int, text []byte, from *blocks) {
	if g.Items == 0 {
		g.since = number
	}
	g.fill(text, from)
	g.Items++
	g.Raw += int64(len(text))
	g.RawSum = crc32.Update(g.RawSum, crc32.IEEETable, text)
	g.Digest.Add(text)
	if !g.whole {
		g.items = append(g.items, item{number, int(g.Raw)})
	}
}

// fill appends data to the blocks.
func (g *group) fill(data []byte, from *blocks) {
	for len(data) > 0 {
		if len(g.tail) == cap(g.tail) {
			if g.tail != nil {
				g.blocks = append(g.blocks, g.tail)
			}
			g.tail = from.take()
		}
		n := copy(g.tail[len(g.tail):cap(g.tail)], data)
		g.tail = g.tail[:len(g.tail)+n]
		data = data[n:]
	}
}

// close returns all blocks of a group, to which nothing is added any more until it
// is empty.
func (g *group) close() [][]byte {
	if g.tail != nil {
		g.blocks = append(g.blocks, g.tail)
		g.tail = nil
	}
	return g.blocks
}

// detach is close, for one who gives the blocks back later.
func (g *group) detach() [][]byte {
	blocks := g.close()
	g.blocks = nil
	return blocks
}

// settle notes that items stay together: the group is of several feeds and has a
// segment, or enough items for one.
func (g *group) settle(rare int) {
	if !g.whole && len(g.members) > 1 && (g.cut || int(g.Items) >= rare) {
		g.whole, g.items = true, nil
	}
}

// empty empties a group.
func (g *group) empty(to *blocks) {
	to.give(g.close())
	g.blocks, g.items, g.Segment = g.blocks[:0], g.items[:0], Segment{}
}

type numbered struct {
	number int
	text   []byte
}

// apart appends the items.
func (g *group) apart(dst []numbered) []numbered {
	data, from := slices.Concat(g.close()...), 0
	for _, item := range g.items {
		dst = append(dst, numbered{item.number, data[from:item.end]})
		from = item.end
	}
	return dst
}
