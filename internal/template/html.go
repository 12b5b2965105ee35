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
	return string(appendStripped(nil, s))
}

// appendStripped appends what stripHTML returns.
func appendStripped(dst []byte, s string) []byte {
	from := len(dst)
	dst, entities := appendUntagged(dst, s)
	if entities {
		dst = append(dst[:from], html.UnescapeString(viewOf(dst[from:]))...)
	}
	return dst[:from+fold(dst[from:])]
}

// appendUntagged appends a text without tags; entities reports whether there is
// an & in it.
func appendUntagged(dst []byte, s string) (_ []byte, entities bool) {
	for {
		at := strings.IndexByte(s, '<')
		if at < 0 {
			return append(dst, s...), entities || strings.IndexByte(s, '&') >= 0
		}
		entities = entities || strings.IndexByte(s[:at], '&') >= 0
		dst, s = append(dst, s[:at]...), s[at:]
		if !opensTag(s) {
			dst, s = append(dst, '<'), s[1:]
			continue
		}
		size, name := tag(s)
		if size == 0 {
			return append(dst, s...), entities || strings.IndexByte(s, '&') >= 0
		}
		if !inline(strings.TrimPrefix(name, "/")) {
			dst = append(dst, ' ')
		}
		s = skipRaw(s[size:], name)
	}
}

// fold makes one space of all blanks between two words of a text, none of those
// around it, and returns the text's new length.
func fold(text []byte) int {
	size, parted := 0, false
	for i := 0; i < len(text); {
		if first, last, ok := foldedAlready(text, i); ok && !(first && (parted || size == 0)) {
			if parted {
				text[size] = ' '
				size++
			}
			size += copy(text[size:], text[i:i+8])
			if parted = last; last {
				size--
			}
			i += 8
			continue
		}
		c, width := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, width = utf8.DecodeRune(text[i:])
		}
		if isBlank(c) {
			parted = size > 0
			i += width
			continue
		}
		if parted {
			text[size] = ' '
			size++
			parted = false
		}
		size += copy(text[size:], text[i:i+width])
		i += width
	}
	return size
}

// foldedAlready reports whether the eight bytes from i on are ASCII with no blanks
// but single spaces between others, and whether the first and the last are spaces.
// It may say no of some that are.
func foldedAlready[T string | []byte](text T, i int) (first, last, ok bool) {
	if i+8 > len(text) {
		return false, false, false
	}
	w := word(text, i)
	spaces := bytesOf(w, ' ') & (0x80 * everyByte)
	ok = (w|bytesBelow(w, ' '))&(0x80*everyByte) == 0 && spaces&(spaces<<8) == 0
	return spaces&0x80 != 0, spaces>>63 != 0, ok
}

// tagged reports whether there may be a < or & in the eight bytes from i on.
func tagged(s string, i int) bool {
	w := word(s, i)
	return (bytesOf(w, '<')|bytesOf(w, '&'))&(0x80*everyByte) != 0
}

// isBlank is unicode.IsSpace, quicker for ASCII.
func isBlank(c rune) bool {
	if c < utf8.RuneSelf {
		return c == ' ' || '\t' <= c && c <= '\r'
	}
	return unicode.IsSpace(c)
}

// isPlain reports whether there is nothing in a text that stripHTML would change.
func isPlain(s string) bool {
	blank := true // what is before it
	for i := 0; i < len(s); {
		if first, last, ok := foldedAlready(s, i); ok && !(first && blank) && !tagged(s, i) {
			blank = last
			i += 8
			continue
		}
		c, size := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case c == '<' || c == '&':
			return false
		case c == ' ' && !blank:
			blank = true
		case isBlank(c):
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
