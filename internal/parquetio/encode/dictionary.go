package encode

import (
	"bytes"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// A dictionary does not pay when a sample of a column's values hardly repeats,
// or when there are half as many entries as values.
const (
	sampleValues  = 4096
	sampleEntries = sampleValues * 9 / 10
)

// A dictionary holds each of a column's values once, in the order of their first
// appearance.
type dictionary struct {
	codes  []uint32 // per value, its entry
	ints   []int64
	texts  [][]byte
	hashes []uint32 // of texts
	slots  []uint32 // open addressing: entry + 1, or 0
	shift  int
}

// reset empties d for a number of values.
func (d *dictionary) reset(values int) {
	size := 1 << bits.Len(uint(max(values, 8))) // at most half full
	if len(d.slots) < size {
		d.slots = make([]uint32, size)
	}
	d.slots = d.slots[:size]
	clear(d.slots)
	d.shift = 64 - bits.Len(uint(size-1))
	d.codes, d.ints, d.texts, d.hashes = d.codes[:0], d.ints[:0], d.texts[:0], d.hashes[:0]
}

// build fills d, or returns false when a dictionary does not pay.
func (d *dictionary) build(v values, l *leaf) bool {
	if v.n == 0 || l.physical == physicalBoolean {
		return false
	}
	d.reset(v.n / 2)
	if l.physical == physicalByteArray {
		return d.buildTexts(v.texts, v.n)
	}
	return d.buildInts(v.ints)
}

func pays(entries, seen, all int) bool {
	return entries <= max(all/2, 1) && (seen != sampleValues || entries <= sampleEntries)
}

func (d *dictionary) buildInts(ints []int64) bool {
	for i, v := range ints {
		slot := uint64(v) * 0x9e3779b97f4a7c15 >> d.shift
		for d.slots[slot] != 0 && d.ints[d.slots[slot]-1] != v {
			slot = (slot + 1) & uint64(len(d.slots)-1)
		}
		if d.slots[slot] == 0 {
			d.ints = append(d.ints, v)
			d.slots[slot] = uint32(len(d.ints))
		}
		d.codes = append(d.codes, d.slots[slot]-1)
		if !pays(len(d.ints), i+1, len(ints)) {
			return false
		}
	}
	return true
}

func (d *dictionary) buildTexts(t texts, n int) bool {
	for i := range n {
		text := t.at(i)
		hash := xxh3.Hash(text)
		slot := hash >> d.shift
		for d.slots[slot] != 0 && !d.is(d.slots[slot]-1, text, uint32(hash)) {
			slot = (slot + 1) & uint64(len(d.slots)-1)
		}
		if d.slots[slot] == 0 {
			d.texts, d.hashes = append(d.texts, text), append(d.hashes, uint32(hash))
			d.slots[slot] = uint32(len(d.texts))
		}
		d.codes = append(d.codes, d.slots[slot]-1)
		if !pays(len(d.texts), i+1, n) {
			return false
		}
	}
	return true
}

func (d *dictionary) is(entry uint32, text []byte, hash uint32) bool {
	return d.hashes[entry] == hash && bytes.Equal(d.texts[entry], text)
}

// entries returns how many different values there are.
func (d *dictionary) entries() int { return len(d.ints) + len(d.texts) }

// page returns the dictionary page.
func (d *dictionary) page(dst []byte, size int) []byte {
	for _, t := range d.texts {
		dst = appendPlainText(dst, t)
	}
	return appendPlain(dst, d.ints, size)
}

// append appends the codes of the values from start to end.
func (d *dictionary) append(dst []byte, start, end int) []byte {
	width := max(1, widthOf(uint64(d.entries()-1)))
	return appendHybrid(append(dst, byte(width)), d.codes[start:end], width)
}
