package eval

import "strings"

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
}

func (n *needle) set(bits []uint64) { bits[n.bit>>6] |= 1 << (n.bit & 63) }

func gramHash(a, b, c byte) uint32 {
	return (uint32(a) | uint32(b)<<8 | uint32(c)<<16) * 0x9E3779B1 >> 17
}

func (n *needle) hash() uint32 { return gramHash(n.text[n.at], n.text[n.at+1], n.text[n.at+2]) }

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
		long = append(long, n)
		s.step = min(s.step, len(n.text)-gram+1)
	}
	for _, n := range long {
		for n.at = range s.step {
			h := n.hash()
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
			b := bucket(n.hash())
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
	for i := 0; i+gram <= len(text); i += s.step {
		h := gramHash(text[i], text[i+1], text[i+2])
		if s.filter[h>>6&(1<<9-1)]>>(h&63)&1 != 0 {
			s.compare(text, i, h, bits)
		}
	}
}

// compare sets the bits of the needles that stand where three bytes are found.
func (s *searcher) compare(text string, at int, hash uint32, bits []uint64) {
	b := bucket(hash)
	for i := s.start[b]; i < s.start[b+1]; i++ {
		n := &s.needles[i]
		if first := at - n.at; first >= 0 && strings.HasPrefix(text[first:], n.text) {
			n.set(bits)
		}
	}
}
