package encode

import (
	"encoding/binary"
	"hash/crc32"
)

// A page is closed when its values have pageBytes or it has pageEntries, but
// only before a new row.
const (
	pageBytes   = 1 << 20
	pageEntries = 128 << 10
)

// A cut is where a page ends.
type cut struct{ entry, value int }

// cuts returns where the pages of a column end.
func cuts(c column, v values) []cut {
	var out []cut
	var size, first, value int
	fixedSize := v.size
	for entry := range c.entries {
		if (size >= pageBytes || entry-first >= pageEntries) && (c.rep == nil || c.rep[entry] == 0) {
			out = append(out, cut{entry, value})
			size, first = 0, entry
		}
		if c.def != nil && c.def[entry] < c.leaf.maxDef {
			continue
		}
		if c.leaf.physical == physicalByteArray {
			fixedSize = len(v.texts.at(value))
		}
		size += fixedSize
		value++
	}
	return append(out, cut{c.entries, value})
}

// appendLevels appends the levels of the entries from start to end.
func (c column) appendLevels(dst []byte, start, end int) []byte {
	if c.leaf.maxRep > 0 {
		dst = appendLevel(dst, c.rep, c.leaf.maxRep, start, end, 0)
	}
	if c.leaf.maxDef > 0 {
		dst = appendLevel(dst, c.def, c.leaf.maxDef, start, end, c.leaf.maxDef)
	}
	return dst
}

// appendLevel appends levels with their length before them. Where there are none
// all are alike.
func appendLevel(dst []byte, levels []uint8, highest uint8, start, end int, alike uint8) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	width := widthOf(uint64(highest))
	if levels == nil {
		dst = appendRun(dst, alike, end-start, width)
	} else {
		dst = appendHybrid(dst, levels[start:end], width)
	}
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// dataHeader appends the header of a data page. Its checksum is that of the
// bytes as they are stored.
func dataHeader(dst []byte, stored []byte, size, entries int, encoding int32) []byte {
	t := thrift{b: dst}
	t.begin()
	t.pageSizes(0, stored, size)
	t.open(5)
	t.i32(1, int32(entries))
	t.i32(2, encoding)
	t.i32(3, encodingRLE)
	t.i32(4, encodingRLE)
	t.end()
	t.end()
	return t.b
}

func dictionaryHeader(dst []byte, stored []byte, size, entries int) []byte {
	t := thrift{b: dst}
	t.begin()
	t.pageSizes(2, stored, size)
	t.open(7)
	t.i32(1, int32(entries))
	t.i32(2, encodingPlain)
	t.end()
	t.end()
	return t.b
}

func (t *thrift) pageSizes(kind int32, stored []byte, size int) {
	t.i32(1, kind)
	t.i32(2, int32(size))
	t.i32(3, int32(len(stored)))
	t.i32(4, int32(crc32.ChecksumIEEE(stored)))
}
