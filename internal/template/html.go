package template

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// stripHTML takes the tags and comments out of a text, with all that scripts and
// style sheets hold, decodes entities and folds blanks; a block element parts
// the words beside it. A "<" that begins no tag stays.
func stripHTML(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for {
		before, _, found := strings.Cut(s, "<")
		b.WriteString(before)
		if !found {
			break
		}
		s = s[len(before):]
		if !opensTag(s) {
			b.WriteByte('<')
			s = s[1:]
			continue
		}
		size, name := tag(s)
		if size == 0 {
			b.WriteString(s)
			break
		}
		if !inline(strings.TrimPrefix(name, "/")) {
			b.WriteByte(' ')
		}
		s = skipRaw(s[size:], name)
	}
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}

// isPlain reports whether there is nothing in a text that stripHTML would change.
func isPlain(s string) bool {
	blank := true // what is before it
	for i := 0; i < len(s); {
		c, size := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case c == '<' || c == '&':
			return false
		case c == ' ' && !blank:
			blank = true
		case unicode.IsSpace(c):
			return false
		default:
			blank = false
		}
		i += size
	}
	return !blank || s == ""
}

func opensTag(s string) bool {
	return len(s) > 1 && (isLetter(s[1]) || strings.IndexByte("/!?", s[1]) >= 0)
}

// tag returns the length of the tag or comment that s begins with, 0 when it
// never ends, and the tag's name, with a slash when it ends an element.
func tag(s string) (size int, name string) {
	if strings.HasPrefix(s, "<!--") {
		if at := strings.Index(s, "-->"); at >= 0 {
			return at + len("-->"), "!"
		}
		return len(s), "!"
	}
	end := 2
	for end < len(s) && (isLetter(s[end]) || isDigit(s[end])) {
		end++
	}
	return tagSize(s), strings.ToLower(s[1:end])
}

// tagSize is the length of a tag, or 0 when it never ends. A ">" in a quoted
// attribute does not end it.
func tagSize(s string) int {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '>':
			return i + 1
		case (c == '"' || c == '\'') && s[i-1] == '=':
			if close := strings.IndexByte(s[i+1:], c); close >= 0 {
				i += close + 1
			}
		}
	}
	return 0
}

// skipRaw skips what a script or style element holds.
func skipRaw(s, name string) string {
	if name != "script" && name != "style" {
		return s
	}
	for at := 0; at+2+len(name) <= len(s); at++ {
		if s[at] == '<' && s[at+1] == '/' && strings.EqualFold(s[at+2:at+2+len(name)], name) {
			return s[at:]
		}
	}
	return ""
}

// inline reports whether a tag stands inside a run of text.
func inline(name string) bool {
	switch name {
	case "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "mark", "q", "s", "small", "span",
		"strong", "sub", "sup", "u", "var", "wbr", "!":
		return true
	default:
		return false
	}
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
