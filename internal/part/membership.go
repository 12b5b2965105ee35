package part

import (
	"encoding/binary"
	"slices"
)

// A Membership is the feeds that an offer goes to: their numbers in the
// rendering, ascending.
type Membership []int

// Has reports whether a feed is in the membership.
func (m Membership) Has(feed int) bool {
	_, found := slices.BinarySearch(m, feed)
	return found
}

// append encodes the membership as a table does.
func (m Membership) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(m)))
	last := 0
	for _, feed := range m {
		dst = binary.AppendUvarint(dst, uint64(feed-last))
		last = feed
	}
	return dst
}

// membership reads one of a rendering with so many feeds.
func (d *decoder) membership(feeds int) Membership {
	m := make(Membership, d.count(1))
	last := 0
	for i := range m {
		step := d.uint()
		if step >= uint64(feeds-last) || i > 0 && step == 0 {
			d.fail("there is no such feed")
			return nil
		}
		last += int(step)
		m[i] = last
	}
	return m
}
