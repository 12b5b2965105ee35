package eval

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is worked out for one pattern: how many letters of a text that
// it needs count, and how many texts it may need one of.
const (
	maxRequired     = 5
	maxAlternatives = 32  // of a literal
	maxAnyOf        = 128 // of all alternatives of a pattern
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
		for _, sub := range distributed(re.Sub) {
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

// distributed returns the parts of a concatenation in which what stands before
// alternatives is put in front of each: the parser has taken it out.
func distributed(parts []*syntax.Regexp) []*syntax.Regexp {
	var out []*syntax.Regexp
	for i, part := range parts {
		for part.Op == syntax.OpCapture {
			part = part.Sub[0]
		}
		last := len(out) - 1
		if i > 0 && part.Op == syntax.OpAlternate && parts[i-1].Op == syntax.OpLiteral {
			out[last] = &syntax.Regexp{Op: syntax.OpAlternate, Sub: prefixed(parts[i-1], part.Sub)}
			continue
		}
		out = append(out, part)
	}
	return out
}

// prefixed returns alternatives with a literal in front of each, as far as they
// begin with one.
func prefixed(literal *syntax.Regexp, alternatives []*syntax.Regexp) []*syntax.Regexp {
	out := make([]*syntax.Regexp, len(alternatives))
	for i, a := range alternatives {
		begin := a
		if a.Op == syntax.OpConcat {
			begin = a.Sub[0]
		}
		out[i] = &syntax.Regexp{Op: syntax.OpConcat, Sub: []*syntax.Regexp{literal, a}}
		if begin.Op != syntax.OpLiteral || begin.Flags&syntax.FoldCase != literal.Flags&syntax.FoldCase {
			continue
		}
		whole := &syntax.Regexp{Op: syntax.OpLiteral, Flags: literal.Flags, Rune: slices.Concat(literal.Rune, begin.Rune)}
		out[i].Sub = []*syntax.Regexp{whole}
		if a.Op == syntax.OpConcat {
			out[i].Sub = append(out[i].Sub, a.Sub[1:]...)
		}
	}
	return out
}

// requiredByAny is what several need of which one must match.
func requiredByAny(subs []*syntax.Regexp) []string {
	var out []string
	for _, sub := range subs {
		texts := requiredOf(sub)
		if texts == nil || len(out)+len(texts) > maxAnyOf {
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
