package template

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// A context is where in the XML a value stands.
type context uint8

const (
	inText context = iota
	inAttribute
	inSection // CDATA
)

const sectionBreak = "]]><![CDATA["

// escape makes a value safe where it stands, so that a parser reads back exactly
// s without the characters that XML 1.0 forbids; dropped counts those, each byte
// of invalid UTF-8 as one and a lone surrogate as one.
func escape(in context, s string) (escaped string, dropped int64) {
	s, dropped = clean(s)
	switch in {
	case inText:
		return textEscaper.Replace(s), dropped
	case inAttribute:
		return attributeEscaper.Replace(s), dropped
	default:
		return escapeSection(s), dropped
	}
}

// appendEscaped appends what escape returns.
func appendEscaped(dst []byte, in context, s string) (_ []byte, dropped int64) {
	if in != inSection || !breaks(s) {
		if dst, ok := appendMarked(dst, &marked[in], s); ok {
			return dst, 0
		}
	}
	escaped, dropped := escape(in, s)
	return append(dst, escaped...), dropped
}

// What appendMarked does with a byte: 0 is copied, others stand for themselves in
// an index of references.
const (
	stops   = 255 // XML forbids it
	decodes = 254 // a code point of several bytes begins, or goes on
)

// A marks says of each byte what to do with it.
type marks struct {
	class      [256]uint8
	references []string
	quotes     bool // what stands in quotes has more to be written as references
}

var marked = [...]marks{
	inText:      newMarks(false, "&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;"),
	inSection:   newMarks(false),
	inAttribute: newMarks(true, "&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;", "\r", "&#13;", "\n", "&#10;", "\t", "&#9;"),
}

func newMarks(quotes bool, pairs ...string) marks {
	m := marks{references: []string{""}, quotes: quotes}
	for c := range m.class {
		switch {
		case c >= utf8.RuneSelf:
			m.class[c] = decodes
		case !allowed(rune(c)):
			m.class[c] = stops
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		m.class[pairs[i][0]] = uint8(len(m.references))
		m.references = append(m.references, pairs[i+1])
	}
	return m
}

// appendMarked appends s with references; ok is false where XML forbids something
// in it.
func appendMarked(dst []byte, m *marks, s string) (_ []byte, ok bool) {
	before, copied, valid := dst, 0, false
	for i := m.plain(s, 0); i < len(s); i = m.plain(s, i) {
		switch class := m.class[s[i]]; class {
		case 0:
			i++
		case stops:
			return before, false
		case decodes:
			if valid = valid || utf8.ValidString(s[i:]); !valid {
				return before, false
			}
			for ; i < len(s) && s[i] >= utf8.RuneSelf; i++ {
				if isNoncharacter(s[i:]) {
					return before, false
				}
			}
		default:
			dst = append(append(dst, s[copied:i]...), m.references[class]...)
			i++
			copied = i
		}
	}
	return append(dst, s[copied:]...), true
}

// isNoncharacter reports whether valid UTF-8 begins with one of the two code
// points above 0x7F that XML forbids, U+FFFE and U+FFFF.
func isNoncharacter(s string) bool {
	return s[0] == 0xEF && len(s) > 2 && s[1] == 0xBF && s[2] >= 0xBE
}

// plain returns how far s is plain from i on, eight bytes at a time: printable
// ASCII without what is written as a reference.
func (m *marks) plain(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		w := word(s, i)
		special := w | bytesBelow(w, ' ') | bytesOf(w, '&') | bytesOf(w&^(0x02*everyByte), '<') // < and >
		if m.quotes {
			special |= bytesOf(w, '"') | bytesOf(w, '\'')
		}
		if special &= 0x80 * everyByte; special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	return i
}

// word is eight bytes of s, which it has from i on.
func word[T string | []byte](s T, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

const everyByte = 0x0101010101010101

// bytesBelow marks the bytes of w that are below n, at most 128, in their highest
// bits; bytesOf those that are n. Behind the first there may be more marks.
func bytesBelow(w uint64, n byte) uint64 { return (w - uint64(n)*everyByte) &^ w }
func bytesOf(w uint64, n byte) uint64    { return bytesBelow(w^uint64(n)*everyByte, 1) }

// A parser turns a bare carriage return into a line feed, and in attributes
// every blank into a space, unless they are written as references.
var (
	textEscaper      = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")
	attributeEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;",
		"\r", "&#13;", "\n", "&#10;", "\t", "&#9;")
)

// escapeSection keeps "]]>" out of a CDATA section by ending the section inside
// it and beginning another, also where only a part of it is in s and the rest
// stands before or behind.
func escapeSection(s string) string {
	escaped := strings.ReplaceAll(s, "]]>", "]]"+sectionBreak+">")
	if strings.HasPrefix(s, ">") || strings.HasPrefix(s, "]>") {
		escaped = sectionBreak + escaped
	}
	if strings.HasSuffix(s, "]") {
		escaped += sectionBreak
	}
	return escaped
}

// breaks reports whether escapeSection changes s.
func breaks(s string) bool {
	return strings.HasPrefix(s, ">") || strings.HasPrefix(s, "]>") || strings.HasSuffix(s, "]") || strings.Contains(s, "]]>")
}

// clean drops what XML 1.0 forbids even as a reference.
func clean(s string) (cleaned string, dropped int64) {
	at := forbiddenAt(s)
	if at == len(s) {
		return s, 0
	}
	var b strings.Builder
	for ; len(s) > 0; at = forbiddenAt(s) {
		b.WriteString(s[:at])
		s = s[at:]
		if s == "" {
			break
		}
		s = s[forbiddenSize(s):]
		dropped++
	}
	return b.String(), dropped
}

// hollow reports whether clean leaves nothing of s. Of most texts it looks at the
// first character alone.
func hollow(s string) bool {
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		if allowed(r) && !(r == utf8.RuneError && size == 1) {
			return false
		}
		s = s[size:]
	}
	return true
}

// allowed reports whether XML 1.0 has a character.
func allowed(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r < 0xD800:
		return true
	default:
		return 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0x10FFFF
	}
}

// Forbidden returns the offset of the first character of s that XML 1.0 does not
// have, or byte that is not UTF-8.
func Forbidden(s string) (offset int, found bool) {
	offset = forbiddenAt(s)
	return offset, offset < len(s)
}

// forbiddenAt returns the offset of the first forbidden character, or len(s).
func forbiddenAt(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if !allowed(rune(c)) {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if size == 1 || !allowed(r) {
			return i
		}
		i += size
	}
	return len(s)
}

// forbiddenSize returns the length of the forbidden character that s begins
// with; a surrogate in UTF-8's clothes has three bytes.
func forbiddenSize(s string) int {
	if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 3
	}
	_, size := utf8.DecodeRuneInString(s)
	return size
}
