package eval

import (
	"regexp"
	"strings"

	"github.com/feedmill/feedmill/internal/eval/term"
)

// What is remembered of a group: so many distinct texts, of so many bytes in all.
const (
	maxTexts     = 1 << 15
	maxTextBytes = 2 << 20
)

// A texts decides the leaves of a group of texts, each distinct text once as long
// as there are not too many.
type texts struct {
	slots    int
	codes    map[string]uint32
	bytes    int      // of the texts in codes
	words    []uint64 // by code; code 0 is no text, of which nothing is true
	equal    map[string][]int
	patterns []pattern
}

// A pattern is a leaf that is no equality.
type pattern struct {
	leaf int
	text string
	op   term.Op
	re   *regexp.Regexp
}

func (m *machine) textsOf(number int) *texts {
	s := &m.groups[number]
	if s.texts == nil {
		s.texts = newTexts(&m.plan.groups[number])
	}
	return s.texts
}

func newTexts(g *group) *texts {
	t := &texts{slots: g.slots(), codes: map[string]uint32{}, words: make([]uint64, g.slots()), equal: map[string][]int{}}
	for i, l := range g.leaves {
		for _, c := range l.constants {
			text := c.(string)
			switch l.op {
			case term.Equal, term.In:
				t.equal[text] = append(t.equal[text], i)
			case term.Match:
				t.patterns = append(t.patterns, pattern{i, text, l.op, regexp.MustCompile(text)})
			default:
				t.patterns = append(t.patterns, pattern{leaf: i, text: text, op: l.op})
			}
		}
	}
	return t
}

// code writes the code of each row and returns the words by code.
func (t *texts) code(dst []uint32, v *vec) []uint64 {
	t.words = t.words[:(len(t.codes)+1)*t.slots]
	extra := uint32(len(t.codes))
	for i, text := range v.texts {
		if !v.ok(i) {
			dst[i] = 0
			continue
		}
		code, ok := t.codes[text]
		if !ok {
			extra++
			code = extra
			if len(t.codes) < maxTexts && t.bytes+len(text) <= maxTextBytes && int(extra) == len(t.codes)+1 {
				t.codes[strings.Clone(text)] = code
				t.bytes += len(text)
			}
			t.words = append(t.words, make([]uint64, t.slots)...)
			t.match(text, t.words[len(t.words)-t.slots:])
		}
		dst[i] = code
	}
	return t.words
}

// match sets the bits of the leaves that are true of a text.
func (t *texts) match(text string, bits []uint64) {
	for _, leaf := range t.equal[text] {
		bits[leaf>>6] |= 1 << (leaf & 63)
	}
	for _, p := range t.patterns {
		if p.matches(text) {
			bits[p.leaf>>6] |= 1 << (p.leaf & 63)
		}
	}
}

func (p *pattern) matches(text string) bool {
	switch p.op {
	case term.Contains:
		return strings.Contains(text, p.text)
	case term.Prefix:
		return strings.HasPrefix(text, p.text)
	case term.Suffix:
		return strings.HasSuffix(text, p.text)
	case term.Match:
		return p.re.MatchString(text)
	default:
		return related(p.op, strings.Compare(text, p.text))
	}
}
