package eval

import (
	"strings"

	"github.com/feedmill/feedmill/internal/eval/term"
)

// What is remembered of a group: so many distinct texts, of so many bytes in all.
const (
	maxTexts     = 1 << 15
	maxTextBytes = 2 << 20
)

// A text that is not one of so many that came before is taken for one that will
// not come again: then none are remembered.
const (
	triedTexts  = 2048
	rareRepeats = 4 // less than one of so many is a repeat
)

// A texts decides the leaves of a group of texts, each distinct text once as long
// as there are not too many.
type texts struct {
	slots    int
	known    *textIndex // the texts that are remembered; nil: they do not repeat
	tried    int        // texts looked up, up to triedTexts
	repeats  int        // of these
	bytes    int        // of the texts that are remembered
	words    []uint64   // by number of a text; of 0, no text, nothing is true
	equal    map[string][]int
	prefixes *affixes
	suffixes *affixes
	orders   []order
	search   *searcher
	regexps  []expression
	searches []search // by leaf, of a group that is searched
}

// A search is a leaf that is looked for by itself.
type search struct {
	needs     []finder   // of texts that it is true of each has one of these; none are known if empty
	automaton *automaton // nil: to have one is enough
}

// fewNeeds is how many texts are looked for before a pattern is: more are not
// worthwhile.
const fewNeeds = 4

func (s *search) in(text string) bool {
	found := len(s.needs) == 0
	for i := range s.needs {
		if found = s.needs[i].in(text); found {
			break
		}
	}
	return found && (s.automaton == nil || s.automaton.matches(text))
}

// An order is a leaf that asks whether a text is before or behind another.
type order struct {
	leaf int
	text string
	op   term.Op
}

// An expression is a leaf that is a regular expression.
type expression struct {
	leaf      int
	automaton *automaton
	needs     string // tried only where this is
	searched  bool   // tried only where the searcher has set its bit
}

func (m *machine) textsOf(number int) *texts {
	s := &m.groups[number]
	if s.texts == nil {
		s.texts = newTexts(&m.plan.groups[number])
	}
	return s.texts
}

func newTexts(g *group) *texts {
	t := &texts{slots: g.slots(), known: newTextIndex(), words: make([]uint64, g.slots()), equal: map[string][]int{}, searches: make([]search, len(g.leaves))}
	var needles []needle
	begins, ends := map[string][]int{}, map[string][]int{}
	for i, l := range g.leaves {
		for _, c := range l.constants {
			text := c.(string)
			switch l.op {
			case term.Equal, term.In:
				t.equal[text] = append(t.equal[text], i)
			case term.Prefix:
				begins[text] = append(begins[text], i)
			case term.Suffix:
				ends[text] = append(ends[text], i)
			case term.Contains:
				needles = append(needles, needle{text: text, bit: i})
				t.searches[i].needs = []finder{newFinder(text)}
			case term.Match:
				x, needed := expression{leaf: i, automaton: newAutomaton(text)}, requiredBy(text)
				t.searches[i].automaton = x.automaton
				if len(needed) <= fewNeeds {
					for _, need := range needed {
						t.searches[i].needs = append(t.searches[i].needs, newFinder(need))
					}
				}
				switch {
				case shortest(needed) >= gram:
					x.searched = true
					for _, need := range needed {
						needles = append(needles, needle{text: need, bit: i})
					}
				case len(needed) == 1:
					x.needs = needed[0]
				}
				t.regexps = append(t.regexps, x)
			default:
				t.orders = append(t.orders, order{leaf: i, text: text, op: l.op})
			}
		}
	}
	t.search, t.prefixes, t.suffixes = newSearcher(needles), newPrefixes(begins), newSuffixes(ends)
	return t
}

// code writes a number of each row's text and returns the words by number.
func (t *texts) code(m *machine, dst []uint32, v *vec) []uint64 {
	t.words = t.words[:(t.remembered()+1)*t.slots]
	m.number(dst, v, t.number)
	t.forget()
	return t.words
}

// number returns the number of a text, whose words it makes if need be.
func (t *texts) number(text string) uint32 {
	if t.known != nil {
		if number := t.known.find(text); number != 0 {
			t.count(true)
			return number
		}
		t.count(false)
	}
	number := uint32(len(t.words) / t.slots)
	t.remember(text, number)
	for range t.slots {
		t.words = append(t.words, 0)
	}
	t.match(text, t.words[len(t.words)-t.slots:])
	return number
}

// said returns the words of a text alone, good until the next call.
func (t *texts) said(text string) []uint64 {
	t.words = t.words[:(t.remembered()+1)*t.slots]
	number := int(t.number(text))
	t.forget()
	return t.words[number*t.slots : (number+1)*t.slots]
}

func (t *texts) remembered() int {
	if t.known == nil {
		return 0
	}
	return len(t.known.texts)
}

// remember keeps a text, if there is room and all before are kept.
func (t *texts) remember(text string, number uint32) {
	if t.known != nil && len(t.known.texts) < maxTexts && t.bytes+len(text) <= maxTextBytes && int(number) == len(t.known.texts)+1 {
		t.known.add(strings.Clone(text))
		t.bytes += len(text)
	}
}

func (t *texts) count(repeat bool) {
	if t.tried < triedTexts {
		t.tried++
		t.repeats += int(toInt(repeat))
	}
}

// forget remembers no texts any more if they do not repeat.
func (t *texts) forget() {
	if t.tried == triedTexts && t.repeats < triedTexts/rareRepeats {
		t.known = nil
	}
}

// match sets the bits of the leaves that are true of a text.
func (t *texts) match(text string, bits []uint64) {
	if len(t.equal) > 0 {
		for _, leaf := range t.equal[text] {
			bits[leaf>>6] |= 1 << (leaf & 63)
		}
	}
	for _, o := range t.orders {
		if related(o.op, strings.Compare(text, o.text)) {
			bits[o.leaf>>6] |= 1 << (o.leaf & 63)
		}
	}
	t.prefixes.find(text, bits)
	t.suffixes.find(text, bits)
	t.search.find(text, bits)
	for i := range t.regexps {
		x := &t.regexps[i]
		word, bit := x.leaf>>6, uint64(1)<<(x.leaf&63)
		if x.searched && bits[word]&bit == 0 || !strings.Contains(text, x.needs) {
			continue
		}
		bits[word] &^= bit
		if x.automaton.matches(text) {
			bits[word] |= bit
		}
	}
}
