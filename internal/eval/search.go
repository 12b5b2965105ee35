package eval

import (
	"encoding/binary"
	"strings"
	"unsafe"
)

// gram is how many bytes a searcher looks at, at one place of a text.
const gram = 3

// maxStep bounds how many places are passed over from one look to the next: each
// needle is filed so often.
const maxStep = 4

// A searcher looks for many needles in a text at once. It looks at three bytes in
// every step-th place: a needle that is long enough shows there, wherever it
// stands. A small table says whether these bytes are in any needle; only then is
// the text compared with those that have them.
type searcher struct {
	step    int
	filter  [1 << 9]uint64 // by the hash of three bytes: whether a needle has them
	start   []uint32       // by a part of the hash: where its needles begin; one more for the end
	needles []needle
	short   []needle // too short to be filed
}

// A needle is a text to look for, and the bit that is set where it is found.
type needle struct {
	text string
	at   int // where in it the three bytes stand that it is filed by
	bit  int
	head uint64 // its first eight bytes, and which of them it has
	mask uint64
}

// headed gives a needle its head.
func headed(n needle) needle {
	var head, mask [8]byte
	copy(head[:], n.text)
	copy(mask[:min(len(n.text), 8)], "\xff\xff\xff\xff\xff\xff\xff\xff")
	n.head, n.mask = binary.LittleEndian.Uint64(head[:]), binary.LittleEndian.Uint64(mask[:])
	return n
}

// begins reports whether a text begins with the needle from a place on.
func (n *needle) begins(text []byte, from int) bool {
	if len(text) >= from+8 {
		if (binary.LittleEndian.Uint64(text[from:])^n.head)&n.mask != 0 {
			return false
		}
		if len(n.text) <= 8 {
			return true
		}
	}
	return len(text) >= from+len(n.text) && string(text[from:from+len(n.text)]) == n.text
}

func (n *needle) set(bits []uint64) { bits[n.bit>>6] |= 1 << (n.bit & 63) }

// gramHash returns the hash, of 15 bits, of the three lowest bytes.
func gramHash(bytes uint32) uint32 { return bytes << 8 * 0x9E3779B1 >> 17 }

func gramOf(text string, at int) uint32 {
	return gramHash(uint32(text[at]) | uint32(text[at+1])<<8 | uint32(text[at+2])<<16)
}

// bit is 1 if a needle has three bytes of this hash, else 0.
func (s *searcher) bit(hash uint32) uint64 { return s.filter[hash>>6&(1<<9-1)] >> (hash & 63) & 1 }

// bucket is the part of a hash that needles are filed by.
func bucket(hash uint32) uint32 { return hash >> 3 }

func newSearcher(needles []needle) *searcher {
	s := &searcher{step: maxStep, start: make([]uint32, 1<<12+1)}
	var long []needle
	for _, n := range needles {
		if len(n.text) < gram {
			s.short = append(s.short, n)
			continue
		}
		long = append(long, headed(n))
		s.step = min(s.step, len(n.text)-gram+1)
	}
	if s.step == 3 {
		s.step = 2
	}
	for _, n := range long {
		for n.at = range s.step {
			h := gramOf(n.text, n.at)
			s.filter[h>>6] |= 1 << (h & 63)
			s.start[bucket(h)+1]++
		}
	}
	for i := range len(s.start) - 1 {
		s.start[i+1] += s.start[i]
	}
	s.needles = make([]needle, len(long)*s.step)
	next := append([]uint32(nil), s.start...)
	for _, n := range long {
		for n.at = range s.step {
			b := bucket(gramOf(n.text, n.at))
			s.needles[next[b]] = n
			next[b]++
		}
	}
	return s
}

// find sets the bits of the needles that are in a text.
func (s *searcher) find(text string, bits []uint64) {
	for i := range s.short {
		if n := &s.short[i]; strings.Contains(text, n.text) {
			n.set(bits)
		}
	}
	if len(s.needles) == 0 {
		return
	}
	bytes := unsafe.Slice(unsafe.StringData(text), len(text))
	i := s.findByEight(bytes, bits)
	for ; i+gram <= len(bytes); i += s.step {
		if h := gramOf(text, i); s.bit(h) != 0 {
			s.compare(bytes, i, h, bits)
		}
	}
}

// findByEight is find for as much of a text as can be read by eight bytes at once;
// it returns where the rest begins.
func (s *searcher) findByEight(text []byte, bits []uint64) int {
	i := 0
	switch s.step {
	case 4:
		for ; i+8 <= len(text); i += 8 {
			eight := binary.LittleEndian.Uint64(text[i:])
			a, b := gramHash(uint32(eight)), gramHash(uint32(eight>>32))
			if s.bit(a)|s.bit(b) != 0 {
				s.compare(text, i, a, bits)
				s.compare(text, i+4, b, bits)
			}
		}
	case 2:
		for ; i+8 <= len(text); i += 6 {
			eight := binary.LittleEndian.Uint64(text[i:])
			a, b, c := gramHash(uint32(eight)), gramHash(uint32(eight>>16)), gramHash(uint32(eight>>32))
			if s.bit(a)|s.bit(b)|s.bit(c) != 0 {
				s.compare(text, i, a, bits)
				s.compare(text, i+2, b, bits)
				s.compare(text, i+4, c, bits)
			}
		}
	}
	return i
}

// compare sets the bits of the needles that stand where three bytes are found, as
// far as they are not set already.
func (s *searcher) compare(text []byte, at int, hash uint32, bits []uint64) {
	b := bucket(hash)
	for i := s.start[b]; i < s.start[b+1]; i++ {
		n := &s.needles[i]
		if first := at - n.at; first >= 0 && bits[n.bit>>6]>>(n.bit&63)&1 == 0 && n.begins(text, first) {
			n.set(bits)
		}
	}
}
