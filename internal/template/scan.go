package template

import (
	"bytes"
	"unicode/utf8"
)

// A token is a piece of rendered XML, which is well-formed.
type token struct {
	kind     tokenKind
	from, to int    // all of it
	body     []byte // a name, or the characters of text and CDATA
}

type tokenKind uint8

const (
	characters  tokenKind = iota
	section               // <![CDATA[...]]>
	startTag              // <name ...>
	emptyTag              // <name .../>
	endTag                // </name>
	otherMarkup           // comments and instructions
)

// tokens yields the pieces of rendered XML in order.
func tokens(xml []byte) func(yield func(token) bool) {
	return func(yield func(token) bool) {
		for at := 0; at < len(xml); {
			t := nextToken(xml, at)
			if !yield(t) {
				return
			}
			at = t.to
		}
	}
}

func nextToken(xml []byte, at int) token {
	rest := xml[at:]
	switch {
	case rest[0] != '<':
		size := bytes.IndexByte(rest, '<')
		if size < 0 {
			size = len(rest)
		}
		return token{characters, at, at + size, rest[:size]}
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		size := sizeThrough(rest, "]]>")
		return token{section, at, at + size, rest[len("<![CDATA[") : size-len("]]>")]}
	case bytes.HasPrefix(rest, []byte("<!--")):
		return token{otherMarkup, at, at + sizeThrough(rest, "-->"), nil}
	case rest[1] == '?':
		return token{otherMarkup, at, at + sizeThrough(rest, "?>"), nil}
	default:
		return tagToken(rest, at)
	}
}

func sizeThrough(xml []byte, end string) int { return bytes.Index(xml, []byte(end)) + len(end) }

func tagToken(rest []byte, at int) token {
	size, quote := 1, byte(0)
	for ; quote != 0 || rest[size] != '>'; size++ {
		switch c := rest[size]; {
		case quote == c:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		}
	}
	size++
	kind, name := startTag, rest[1:]
	switch {
	case rest[1] == '/':
		kind, name = endTag, rest[2:]
	case rest[size-2] == '/':
		kind = emptyTag
	}
	end := 0
	for nameChar(name[end]) {
		end++
	}
	return token{kind, at, at + size, name[:end]}
}

// A span is what stands between the tags of an element.
type span struct{ from, to int }

// contents returns what elements hold whose name is wanted, by their end.
func contents(xml []byte, wanted func(name string) bool) []span {
	var found []span
	var starts []int
	for t := range tokens(xml) {
		switch t.kind {
		case startTag:
			starts = append(starts, t.to)
		case emptyTag:
			if wanted(string(t.body)) {
				found = append(found, span{t.to, t.to})
			}
		case endTag:
			if wanted(string(t.body)) {
				found = append(found, span{starts[len(starts)-1], t.from})
			}
			starts = starts[:len(starts)-1]
		}
	}
	return found
}

// textSize counts the characters of all text in a piece of XML, a reference as
// one; blank says that all of them are blanks.
func textSize(xml []byte) (size int, blank bool) {
	blank = true
	for t := range tokens(xml) {
		if t.kind != characters && t.kind != section {
			continue
		}
		_, count := cutText(t, len(t.body))
		size += count
		blank = blank && len(bytes.TrimSpace(t.body)) == 0
	}
	return size, blank
}

// appendText appends the first n characters of the text in a piece of XML that
// holds no elements. A bare ">" becomes a reference, since the comment that kept
// it from a "]]" is left out.
func appendText(dst, xml []byte, n int) []byte {
	for t := range tokens(xml) {
		if t.kind != characters && t.kind != section || n <= 0 {
			continue
		}
		kept, count := cutText(t, n)
		n -= count
		if t.kind == section {
			dst = append(dst, "<![CDATA["...)
			dst = append(append(dst, kept...), "]]>"...)
			continue
		}
		dst = append(dst, bytes.ReplaceAll(kept, []byte(">"), []byte("&gt;"))...)
	}
	return dst
}

// cutText returns the first n characters of a text, and how many they are.
func cutText(t token, n int) (kept []byte, count int) {
	at := 0
	for at < len(t.body) && count < n {
		at += characterSize(t.body[at:], t.kind == characters)
		count++
	}
	return t.body[:at], count
}

// characterSize is the length of the character or reference that a text begins
// with.
func characterSize(text []byte, references bool) int {
	if references && text[0] == '&' {
		return bytes.IndexByte(text, ';') + 1
	}
	_, size := utf8.DecodeRune(text)
	return size
}
