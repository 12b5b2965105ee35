package eval

import (
	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
)

// A group is the leaves that compare one value with constants. The values fall
// into classes that the leaves cannot tell apart, so all of them are decided by
// one look-up of a row's class: a word has a bit for each of 64 leaves, and the
// words of rows, transposed, are the leaves' words of rows.
type group struct {
	of     term.ID
	kind   offer.Kind
	leaves []leaf
	cuts   []int64    // of numbers: where classes begin, sorted
	ranker ranker     // of the cuts
	equals *textIndex // of texts that are only looked up: the constants; a class each
	table  []uint64   // of numbers and texts that are looked up: by class, a word for every 64 leaves
	late   bool       // of texts that are searched, row by row: see lateness
	shift  byte       // of late ones: the texts are those of the value in the case that begins with other letters than this; 0: as they are
}

// A leaf compares a value with constants.
type leaf struct {
	id        term.ID
	op        term.Op
	constants []any
	strict    bool // null is an error to it
}

// A groupState is what a machine keeps of a group from block to block.
type groupState struct {
	texts *texts
}

// looksUp reports whether texts are only compared with whole ones.
func (g *group) looksUp() bool {
	for i := range g.leaves {
		if op := g.leaves[i].op; op != term.Equal && op != term.In {
			return false
		}
	}
	return true
}

// index finds the classes of texts that are looked up.
func (g *group) index() {
	slots := g.slots()
	g.equals, g.table = newTextIndex(), make([]uint64, slots)
	for i := range g.leaves {
		for _, c := range g.leaves[i].constants {
			class := g.equals.find(c.(string))
			if class == 0 {
				class = g.equals.add(c.(string))
				g.table = append(g.table, make([]uint64, slots)...)
			}
			g.table[int(class)*slots+i>>6] |= 1 << (i & 63)
		}
	}
}

// slots is how many words a class has.
func (g *group) slots() int { return (len(g.leaves) + 63) / 64 }

// decideGroup decides all leaves of a group for the block.
func (m *machine) decideGroup(number int) {
	g := &m.plan.groups[number]
	v := m.value(g.of)
	codes, table := m.codes.take(v.n), g.table
	switch {
	case g.equals != nil:
		g.equals.codes(codes, v)
	case g.kind == offer.String:
		table = m.textsOf(number).code(codes, v)
	case v.nanos != nil:
		table = m.nanoTable(g, codes, v)
	default:
		m.rank(g, codes, v)
	}
	w := words(v.n)
	bits := m.words.take(w * len(g.leaves))
	for i := range g.leaves {
		m.rails[g.leaves[i].id].t = bits[i*w : (i+1)*w : (i+1)*w]
		m.known[g.leaves[i].id] = true
	}
	m.scatter(g, codes, table)
	m.addStates(g, v)
}

// mostNarrow bounds the leaves that are decided eight at a time: beyond, 64 at a
// time are faster.
const mostNarrow = 24

// scatter writes the bits of all leaves.
func (m *machine) scatter(g *group, codes []uint32, table []uint64) {
	slots := g.slots()
	if len(g.leaves) <= mostNarrow {
		for first := 0; first < len(g.leaves); first += 8 {
			m.scatterNarrow(g.leaves[first:min(first+8, len(g.leaves))], codes, table, first)
		}
		return
	}
	for slot := range slots {
		m.scatterWide(g.leaves[slot*64:min(slot*64+64, len(g.leaves))], codes, table[slot:], slots)
	}
}

// scatterWide writes the bits of up to 64 leaves.
func (m *machine) scatterWide(leaves []leaf, codes []uint32, table []uint64, slots int) {
	var block [64]uint64
	var out [64][]uint64
	for k := range leaves {
		out[k] = m.rails[leaves[k].id].t
	}
	for w := range words(len(codes)) {
		rows := codes[w<<6 : min(w<<6+64, len(codes))]
		for i, code := range rows {
			block[i] = table[int(code)*slots]
		}
		clear(block[len(rows):])
		transpose(&block)
		for k := range leaves {
			out[k][w] = block[k]
		}
	}
}

// scatterNarrow writes the bits of up to eight leaves, which stand in a class's
// only word from shift on.
func (m *machine) scatterNarrow(leaves []leaf, codes []uint32, table []uint64, shift int) {
	var block [8]uint64
	var out [8][]uint64
	for k := range leaves {
		out[k] = m.rails[leaves[k].id].t
	}
	for w := range words(len(codes)) {
		rows := codes[w<<6 : min(w<<6+64, len(codes))]
		if len(rows) == 64 {
			for i := range block {
				eight := rows[i*8 : i*8+8 : i*8+8]
				block[i] = transpose8(table[eight[0]]>>shift&0xff | table[eight[1]]>>shift&0xff<<8 | table[eight[2]]>>shift&0xff<<16 | table[eight[3]]>>shift&0xff<<24 |
					table[eight[4]]>>shift&0xff<<32 | table[eight[5]]>>shift&0xff<<40 | table[eight[6]]>>shift&0xff<<48 | table[eight[7]]>>shift&0xff<<56)
			}
		} else {
			clear(block[:])
			for i, code := range rows {
				block[i>>3] |= table[code] >> shift & 0xff << (i & 7 * 8)
			}
			for i := range block {
				block[i] = transpose8(block[i])
			}
		}
		transposeBytes(&block)
		for k := range leaves {
			out[k][w] = block[k]
		}
	}
}

// transpose exchanges rows and columns of a matrix of bits.
func transpose(a *[64]uint64) {
	mask := uint64(0x00000000FFFFFFFF)
	for j := 32; j != 0; j >>= 1 {
		for k := 0; k < 64; k = ((k | j) + 1) &^ j {
			t := (a[k]>>j ^ a[k|j]) & mask
			a[k] ^= t << j
			a[k|j] ^= t
		}
		mask ^= mask << (j >> 1)
	}
}

// transpose8 exchanges rows and columns of a matrix of eight times eight bits.
func transpose8(x uint64) uint64 {
	t := (x ^ x>>7) & 0x00AA00AA00AA00AA
	x ^= t ^ t<<7
	t = (x ^ x>>14) & 0x0000CCCC0000CCCC
	x ^= t ^ t<<14
	t = (x ^ x>>28) & 0x00000000F0F0F0F0
	return x ^ t ^ t<<28
}

// transposeBytes exchanges rows and columns of a matrix of bytes.
func transposeBytes(a *[8]uint64) {
	for k := range 4 {
		t := (a[k]>>32 ^ a[k+4]) & 0x00000000FFFFFFFF
		a[k], a[k+4] = a[k]^t<<32, a[k+4]^t
	}
	for _, k := range [...]int{0, 1, 4, 5} {
		t := (a[k]>>16 ^ a[k+2]) & 0x0000FFFF0000FFFF
		a[k], a[k+2] = a[k]^t<<16, a[k+2]^t
	}
	for _, k := range [...]int{0, 2, 4, 6} {
		t := (a[k]>>8 ^ a[k+1]) & 0x00FF00FF00FF00FF
		a[k], a[k+1] = a[k]^t<<8, a[k+1]^t
	}
}

// addStates gives the leaves their other rails, where values are not valid. No
// leaf is true there.
func (m *machine) addStates(g *group, v *vec) {
	var states stateBits
	if v.state != nil {
		states = m.bitsOf(v.state)
	}
	errors, strict := m.errors(states, false), m.errors(states, true)
	for i := range g.leaves {
		r := &m.rails[g.leaves[i].id]
		r.u, r.e = errors, states.failed
		if strict == nil {
			continue
		}
		andNot(r.t, strict)
		if g.leaves[i].strict {
			r.u = strict
		}
	}
}

func (m *machine) union(a, b []uint64) []uint64 {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	out := append(m.words.take(len(a))[:0], a...)
	or(out, b)
	return out
}
