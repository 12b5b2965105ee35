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

// requiredBy returns texts of which any text has one that the pattern matches;
// none where there are none to be named.
func requiredBy(pattern string) []string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	return requiredOf(re.Simplify())
}

func requiredOf(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return requiredLiteral(re.Rune, re.Flags&syntax.FoldCase != 0)
	case syntax.OpCapture, syntax.OpPlus:
		return requiredOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return requiredOf(re.Sub[0])
		}
	case syntax.OpConcat:
		var out []string
		for _, sub := range re.Sub {
			if texts := requiredOf(sub); shortest(texts) > shortest(out) {
				out = texts
			}
		}
		return out
	case syntax.OpAlternate:
		return requiredByAny(re.Sub)
	}
	return nil
}

// requiredByAny is what several need of which one must match.
func requiredByAny(subs []*syntax.Regexp) []string {
	var out []string
	for _, sub := range subs {
		texts := requiredOf(sub)
		if texts == nil || len(out)+len(texts) > 2*maxAlternatives {
			return nil
		}
		out = append(out, texts...)
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
func requiredLiteral(runes []rune, fold bool) []string {
	var out []string
	for i := range runes {
		if texts := spellings(runes[i:min(len(runes), i+maxRequired)], fold); shortest(texts) > shortest(out) {
			out = texts
		}
	}
	if shortest(out) < gram {
		return nil
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
