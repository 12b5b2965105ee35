package eval

import (
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
)

// A group is the leaves that compare one value with constants. The values fall
// into classes that the leaves cannot tell apart, so all of them are decided by
// one look-up of a row's class: a word has a bit for each of 64 leaves, and the
// words of rows, transposed, are the leaves' words of rows.
type group struct {
	of      term.ID
	kind    offer.Kind
	leaves  []leaf
	cuts    []int64    // of numbers: where classes begin, sorted
	ranker  ranker     // of the cuts
	equals  *textIndex // of texts that are only looked up: the constants; a class each
	sparse  [][]int32  // of many such leaves: by class, those that are true
	affixes bool       // of texts: what few begin or end with, each leaf by itself
	table   []uint64   // of numbers and texts that are looked up: by class, a word for every 64 leaves
	late    bool       // of texts that are searched, row by row: see term.Lateness
	shift   byte       // of late ones: the texts are those of the value in the case that begins with other letters than this; 0: as they are
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

	// Of a group that is searched, in the block that was searched last.
	asked [][]uint64 // by leaf, the rows that it was asked about; nil: none
	asks  int        // how many rows that is, of all leaves
	rows  int        // how many rows any leaf was asked about
}

// are reports whether all leaves are of two operations.
func (g *group) are(a, b term.Op) bool {
	return !slices.ContainsFunc(g.leaves, func(l leaf) bool { return l.op != a && l.op != b })
}

// mostMembers bounds of how many leaves a class of texts may be, on the average, for
// each 64 leaves that there are: beyond, to transpose is faster.
const mostMembers = 3

// index finds the classes of texts that are looked up, and which leaves each is of.
func (g *group) index() {
	g.equals = newTextIndex()
	leaves, total := [][]int32{nil}, 0
	for i := range g.leaves {
		for _, c := range g.leaves[i].constants {
			class := g.equals.find(c.(string))
			if class == 0 {
				class, leaves = g.equals.add(c.(string)), append(leaves, nil)
			}
			leaves[class] = append(leaves[class], int32(i))
			total++
		}
	}
	slots := g.slots()
	if len(g.leaves) > mostNarrow && total <= mostMembers*slots*len(leaves) {
		g.sparse = leaves
		return
	}
	g.table = make([]uint64, len(leaves)*slots)
	for class, of := range leaves {
		for _, i := range of {
			g.table[class*slots+int(i>>6)] |= 1 << (i & 63)
		}
	}
}

// slots is how many words a class has.
func (g *group) slots() int { return (len(g.leaves) + 63) / 64 }

// decideGroup decides all leaves of a group for the block.
func (m *machine) decideGroup(number int) {
	g := &m.plan.groups[number]
	v := m.encoded(g.of)
	for i := range g.leaves {
		m.known[g.leaves[i].id] = true
	}
	switch {
	case g.sparse != nil:
		m.putSparse(g, v)
	case g.affixes && v.coded == nil:
		m.makeRoom(g, v.n)
		for i := range g.leaves {
			m.matchAffix(&g.leaves[i], v)
		}
	default:
		m.makeRoom(g, v.n)
		m.classify(number, v)
	}
	m.addStates(g, v)
}

// makeRoom gives each leaf words for n rows, and returns them all; they are not
// cleared.
func (m *machine) makeRoom(g *group, n int) []uint64 {
	w := words(n)
	bits := m.words.take(w * len(g.leaves))
	for i := range g.leaves {
		m.rails[g.leaves[i].id] = rails{t: bits[i*w : (i+1)*w : (i+1)*w]}
	}
	return bits
}

// putSparse decides many leaves of which few are true of a text: those get words
// that are true of any.
func (m *machine) putSparse(g *group, v *vec) {
	w := words(v.n)
	zeros := m.words.zeroed(w)
	for i := range g.leaves {
		m.rails[g.leaves[i].id] = rails{t: zeros, nowhere: true}
	}
	m.codes.reset()
	codes := m.codes.take(v.n)
	m.number(codes, v, g.equals.find)
	for i, class := range codes {
		for _, k := range g.sparse[class] {
			r := &m.rails[g.leaves[k].id]
			if r.nowhere {
				r.t, r.nowhere = m.words.zeroed(w), false
			}
			r.t[i>>6] |= 1 << (i & 63)
		}
	}
}

// classify decides the leaves of a group by the classes of its values.
func (m *machine) classify(number int, v *vec) {
	g := &m.plan.groups[number]
	m.codes.reset()
	codes, table := m.codes.take(v.n), g.table
	switch {
	case g.equals != nil:
		m.number(codes, v, g.equals.find)
	case g.kind == offer.String:
		table = m.textsOf(number).code(m, codes, v)
	case v.nanos != nil:
		table = m.nanoTable(g, codes, v)
	default:
		g.rank(codes, v)
	}
	m.scatter(g, codes, table)
}

// number writes what find says of each row's text; 0 where there is none. Of coded
// texts each distinct one is looked for once.
func (m *machine) number(dst []uint32, v *vec, find func(text string) uint32) {
	if v.coded == nil {
		for i, text := range v.texts {
			dst[i] = 0
			if v.ok(i) {
				dst[i] = find(text)
			}
		}
		return
	}
	const unknown = ^uint32(0)
	numbers := repeat(m.codes.take(v.coded.in.Len()), unknown)
	for i, code := range v.coded.codes {
		if !v.ok(i) {
			dst[i] = 0
			continue
		}
		if numbers[code] == unknown {
			numbers[code] = find(v.coded.in.Value(int(code)))
		}
		dst[i] = numbers[code]
	}
}

// matchAffix decides a leaf that asks what texts begin or end with.
func (m *machine) matchAffix(l *leaf, v *vec) {
	affix, has := l.constants[0].(string), strings.HasPrefix
	if l.op == term.Suffix {
		has = strings.HasSuffix
	}
	set := m.rails[l.id].t
	clear(set)
	for i, text := range v.texts {
		if has(text, affix) && v.ok(i) {
			set[i>>6] |= 1 << (i & 63)
		}
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
		if strict != nil && g.leaves[i].strict {
			r.u = strict
		}
		r.nowhere = r.nowhere && r.u == nil
		if strict != nil && !r.nowhere {
			andNot(r.t, strict)
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
	out := append(m.sets.take(len(a))[:0], a...)
	or(out, b)
	return out
}
