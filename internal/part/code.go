package part

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendSegment(dst []byte, s Segment) []byte {
	for _, n := range []int64{s.Length, s.Raw, s.Items} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	dst = binary.LittleEndian.AppendUint32(dst, s.Sum)
	dst = binary.LittleEndian.AppendUint32(dst, s.RawSum)
	return s.Digest.append(dst)
}

// appendTrailer ends an object behind its table.
func appendTrailer(dst, table []byte, magic string) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(table)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(table))
	dst = binary.LittleEndian.AppendUint32(dst, Version)
	return append(dst, magic...)
}

// A trailer is the end of an object.
type trailer struct {
	table int64 // length
	sum   uint32
}

var errDamaged = errors.New("damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
}

// readTrailer reads the last bytes of an object of a size.
func readTrailer(data []byte, size int64, magic string) (trailer, error) {
	if string(data[16:]) != magic {
		return trailer{}, damaged("it does not end as it should")
	}
	switch version := binary.LittleEndian.Uint32(data[12:]); {
	case version == 0:
		return trailer{}, damaged("it has no version")
	case version > Version:
		return trailer{}, fmt.Errorf("format %d is newer than this feedmill, which knows formats up to %d: use a newer feedmill", version, Version)
	}
	t := trailer{int64(binary.LittleEndian.Uint64(data)), binary.LittleEndian.Uint32(data[8:])}
	if t.table < 0 || t.table > size-trailerLen-int64(len(magic)) {
		return trailer{}, damaged("its table would have %d bytes of %d", uint64(t.table), size)
	}
	return t, nil
}

// A decoder reads a table whose CRC was right. It still trusts nothing: its
// first mistake stays in err, and every later value is zero.
type decoder struct {
	data []byte
	err  error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = damaged("%s in its table", what)
	}
	d.data = nil
}

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.data)
	if size <= 0 {
		d.fail("a number is cut off")
		return 0
	}
	d.data = d.data[size:]
	return n
}

// length reads a number that a length or an offset may be.
func (d *decoder) length() int64 {
	n := d.uint()
	if n > 1<<56 {
		d.fail("a length is too large")
		return 0
	}
	return int64(n)
}

// count reads the number of elements that have size bytes at least each.
func (d *decoder) count(size int) int {
	n := d.uint()
	if n > uint64(len(d.data)/size) {
		d.fail("a list is cut off")
		return 0
	}
	return int(n)
}

// below reads a number that has to be less than n.
func (d *decoder) below(n int, what string) int {
	i := d.uint()
	if i >= uint64(n) {
		d.fail("there is no such " + what)
		return 0
	}
	return int(i)
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.data) {
		d.fail("a text is cut off")
		return make([]byte, min(n, 16))
	}
	out := d.data[:n:n]
	d.data = d.data[n:]
	return out
}

func (d *decoder) text() []byte { return d.bytes(d.count(1)) }

func (d *decoder) string() string { return string(d.text()) }

func (d *decoder) crc() uint32 { return binary.LittleEndian.Uint32(d.bytes(4)) }

func (d *decoder) digest() Digest {
	b := d.bytes(16)
	return Digest{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// segmentLen is the least that a segment takes in a table.
const segmentLen = 3 + 4 + 4 + 16

func (d *decoder) segment(s *Segment) {
	s.Length, s.Raw, s.Items = d.length(), d.length(), d.length()
	s.Sum, s.RawSum, s.Digest = d.crc(), d.crc(), d.digest()
	if s.Raw > deflateMost*s.Length {
		d.fail("a segment is longer than deflate can make it")
	}
	if s.Raw == 0 {
		d.fail("a segment has nothing in it") // no writer makes one, and no reader goes past it
	}
}

// deflateMost is the most that deflate makes of one byte.
const deflateMost = 1032

// end checks that the table is read to its end.
func (d *decoder) end() error {
	if d.err == nil && len(d.data) > 0 {
		d.fail("something is left")
	}
	return d.err
}
