package eval

import "hash/maphash"

// A textIndex numbers texts, from 1 on.
type textIndex struct {
	seed  maphash.Seed
	slots []textSlot // by hash, the next free one when it is taken; a power of two
	texts []string   // by number - 1
}

type textSlot struct {
	hash   uint32
	number uint32 // 0: free
}

func newTextIndex() *textIndex {
	return &textIndex{seed: maphash.MakeSeed(), slots: make([]textSlot, 16)}
}

// add numbers a text that has no number yet.
func (x *textIndex) add(text string) uint32 {
	if 2*len(x.texts) >= len(x.slots) {
		x.grow()
	}
	x.texts = append(x.texts, text)
	x.put(textSlot{x.hash(text), uint32(len(x.texts))})
	return uint32(len(x.texts))
}

func (x *textIndex) hash(text string) uint32 { return uint32(maphash.String(x.seed, text)) }

func (x *textIndex) put(s textSlot) {
	mask := uint32(len(x.slots) - 1)
	at := s.hash & mask
	for x.slots[at].number != 0 {
		at = (at + 1) & mask
	}
	x.slots[at] = s
}

func (x *textIndex) grow() {
	old := x.slots
	x.slots = make([]textSlot, 2*len(old))
	for _, s := range old {
		if s.number != 0 {
			x.put(s)
		}
	}
}

// find returns the number of a text, 0 if it has none.
func (x *textIndex) find(text string) uint32 {
	hash, mask := x.hash(text), uint32(len(x.slots)-1)
	for at := hash & mask; ; at = (at + 1) & mask {
		s := x.slots[at]
		if s.number == 0 || s.hash == hash && x.texts[s.number-1] == text {
			return s.number
		}
	}
}
