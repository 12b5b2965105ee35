package eval

import (
	"regexp/syntax"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is worked out for one pattern: how many letters of a text that
// it needs count, and how many texts it may need one of.
const (
	maxRequired     = 5
	maxAlternatives = 32
)

// A byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(b byte) { s[b>>6] |= 1 << (b & 63) }

func (s *byteSet) addText(text string) {
	for i := range len(text) {
		s.add(text[i])
	}
}

func (s *byteSet) meets(other *byteSet) bool {
	return s[0]&other[0]|s[1]&other[1]|s[2]&other[2]|s[3]&other[3] != 0
}

// A required is what a text must have if a pattern matches: one of the texts, if
// there are any, and a byte of each set.
type required struct {
	texts []string
	bytes []byteSet
}

func requiredBy(pattern string) required {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return required{}
	}
	return requiredOf(re.Simplify())
}

func requiredOf(re *syntax.Regexp) required {
	switch re.Op {
	case syntax.OpLiteral:
		return requiredLiteral(re.Rune, re.Flags&syntax.FoldCase != 0)
	case syntax.OpCharClass:
		return required{bytes: []byteSet{classBytes(re.Rune)}}
	case syntax.OpCapture, syntax.OpPlus:
		return requiredOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return requiredOf(re.Sub[0])
		}
	case syntax.OpConcat:
		var out required
		for _, sub := range re.Sub {
			out = out.and(requiredOf(sub))
		}
		return out
	case syntax.OpAlternate:
		out := requiredOf(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			out = out.or(requiredOf(sub))
		}
		return out
	}
	return required{}
}

// and is what two parts need that both must match; of the texts those that say
// more.
func (r required) and(s required) required {
	if shortest(s.texts) > shortest(r.texts) {
		r.texts = s.texts
	}
	r.bytes = append(r.bytes, s.bytes...)
	return r
}

// or is what two parts need of which one must match.
func (r required) or(s required) required {
	var out required
	if r.texts != nil && s.texts != nil && len(r.texts)+len(s.texts) <= 2*maxAlternatives {
		out.texts = append(append(out.texts, r.texts...), s.texts...)
	}
	if len(r.bytes) > 0 && len(s.bytes) > 0 {
		either := r.bytes[0]
		for i, word := range s.bytes[0] {
			either[i] |= word
		}
		out.bytes = []byteSet{either}
	}
	return out
}

func shortest(texts []string) int {
	if len(texts) == 0 {
		return 0
	}
	n := len(texts[0])
	for _, t := range texts {
		n = min(n, len(t))
	}
	return n
}

// requiredLiteral is the longest piece of a literal that is not written in too
// many ways. What is no UTF-8 matches the replacement character, so that needs
// nothing.
func requiredLiteral(runes []rune, fold bool) required {
	var out required
	for i, r := range runes {
		if set, ok := runeBytes(r, fold); ok {
			out.bytes = append(out.bytes, set)
		}
		if texts := spellings(runes[i:min(len(runes), i+maxRequired)], fold); shortest(texts) > shortest(out.texts) {
			out.texts = texts
		}
	}
	if shortest(out.texts) < gram {
		out.texts = nil
	}
	return out
}

// spellings returns how the first runes may be written.
func spellings(runes []rune, fold bool) []string {
	out := []string{""}
	for _, r := range runes {
		ways := waysOf(r, fold)
		if ways == nil || len(out)*len(ways) > maxAlternatives {
			break
		}
		var longer []string
		for _, text := range out {
			for _, w := range ways {
				longer = append(longer, text+string(w))
			}
		}
		out = longer
	}
	return out
}

// waysOf returns the runes that match one, nil if bytes that are no rune do.
func waysOf(r rune, fold bool) []rune {
	if r == utf8.RuneError {
		return nil
	}
	out := []rune{r}
	for f := unicode.SimpleFold(r); fold && f != r; f = unicode.SimpleFold(f) {
		out = append(out, f)
	}
	return out
}

// runeBytes returns the bytes of which one begins a rune.
func runeBytes(r rune, fold bool) (set byteSet, ok bool) {
	ways := waysOf(r, fold)
	for _, w := range ways {
		set.add(string(w)[0])
	}
	return set, ways != nil
}

// classBytes returns the bytes of which one begins a rune of a class; beyond
// ASCII all.
func classBytes(ranges []rune) byteSet {
	var set byteSet
	for i := 0; i < len(ranges); i += 2 {
		for r := ranges[i]; r <= min(ranges[i+1], utf8.RuneSelf-1); r++ {
			set.add(byte(r))
		}
		if ranges[i+1] >= utf8.RuneSelf {
			set[2], set[3] = ^uint64(0), ^uint64(0)
		}
	}
	return set
}
