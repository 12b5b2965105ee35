package workspace

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/feedmill/feedmill/internal/diag"
)

// A scalar is a value of the page and where its characters stand.
type scalar struct {
	marks []diag.Mark
	end   int // offset after the scalar in the page
}

// scalar finds the characters of a scalar node in the page. Where the two do not
// fit together, only the beginning is known.
func (p *page) scalar(n *yaml.Node) scalar {
	s, known := p.scalars[n]
	if !known {
		s = p.align(n)
		p.scalars[n] = s
	}
	return s
}

func (p *page) align(n *yaml.Node) scalar {
	start := p.content(p.offset(n.Line, n.Column))
	a := &aligner{page: p, value: n.Value, at: start}
	fits := false
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		fits = a.quoted()
	case yaml.LiteralStyle, yaml.FoldedStyle:
		fits = a.block()
	default:
		fits = a.plain()
	}
	if fits {
		return scalar{marks: a.marks, end: a.at}
	}
	line, col := p.place(start)
	return scalar{marks: []diag.Mark{{Line: line, Col: col}}, end: start}
}

// content skips a tag and an anchor before a value.
func (p *page) content(at int) int {
	for at < len(p.text) && (p.text[at] == '!' || p.text[at] == '&') {
		at += len(p.text[at:]) - len(strings.TrimLeftFunc(p.text[at:], func(r rune) bool { return r != ' ' && r != '\n' }))
		at += len(p.text[at:]) - len(strings.TrimLeft(p.text[at:], " \n"))
	}
	return at
}

// An aligner walks over a value and its source side by side.
type aligner struct {
	*page
	value string
	done  int // bytes of the value that are found
	at    int // offset in the page
	marks []diag.Mark
}

// mark notes that the next character of the value stands at the present place.
func (a *aligner) mark() {
	line, col := a.place(a.at)
	m := diag.Mark{Offset: a.done, Line: line, Col: col}
	if n := len(a.marks); n > 0 && a.marks[n-1].Offset == a.done {
		a.marks[n-1] = m
		return
	}
	a.marks = append(a.marks, m)
}

// rest returns what remains of the present line.
func (a *aligner) rest() string {
	rest := a.text[a.at:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		return rest[:i]
	}
	return rest
}

// take moves over text that stands in both.
func (a *aligner) take(text string) bool {
	if !strings.HasPrefix(a.value[a.done:], text) {
		return false
	}
	a.mark()
	a.done += len(text)
	a.at += len(text)
	return true
}

// fold moves over what a line break became in the value: a space, line feeds, or
// nothing after a \ at the end of a line.
func (a *aligner) fold() {
	left := a.value[a.done:]
	if strings.HasPrefix(left, " ") {
		a.done++
		return
	}
	a.done += len(left) - len(strings.TrimLeft(left, "\n"))
}

// next moves to the next line that is not blank; false at the end of the page.
func (a *aligner) next() bool {
	rest := a.text[a.at:]
	a.at += len(rest) - len(strings.TrimLeft(rest, " \t\n"))
	return a.at < len(a.text)
}

func (a *aligner) plain() bool {
	for {
		line := strings.TrimRight(a.rest(), " \t")
		if left := a.value[a.done:]; strings.HasPrefix(line, left) {
			return a.take(left)
		}
		if !a.take(line) || !a.next() {
			return false
		}
		a.fold()
	}
}

func (a *aligner) block() bool {
	a.at += len(a.rest())
	depth := a.depth()
	for a.done < len(a.value) {
		if a.at >= len(a.text) {
			return strings.Trim(a.value[a.done:], "\n") == ""
		}
		a.at++
		line := a.rest()
		if len(line) <= depth {
			a.at += len(line)
			continue
		}
		a.at += depth
		if !a.take(line[depth:]) {
			return false
		}
		a.fold()
	}
	return true
}

// depth returns the indentation of the block that begins on the next line.
func (a *aligner) depth() int {
	for _, line := range strings.Split(a.text[a.at:], "\n")[1:] {
		if strings.TrimLeft(line, " ") != "" {
			blank := len(a.value) - len(strings.TrimLeft(strings.TrimLeft(a.value, "\n"), " "))
			return indent(line) - min(blank-leadingBreaks(a.value), indent(line))
		}
	}
	return 0
}

func leadingBreaks(text string) int { return len(text) - len(strings.TrimLeft(text, "\n")) }

// escapes is how many characters follow the \ of an escape in double quotes,
// where it is not one.
var escapes = map[byte]int{'x': 3, 'u': 5, 'U': 9}

func (a *aligner) quoted() bool {
	quote := a.text[a.at]
	a.at++
	a.mark()
	for a.at < len(a.text) {
		rest := a.rest()
		switch {
		case strings.TrimLeft(rest, " \t") == "":
			if !a.next() {
				return false
			}
			a.fold()
			a.mark()
		case quote == '"' && rest == `\`:
			a.at++
			if !a.next() {
				return false
			}
			a.mark()
		case quote == '"' && rest[0] == '\\':
			a.escape(1 + max(escapes[rest[1]], 1))
		case quote == '\'' && strings.HasPrefix(rest, "''"):
			a.escape(2)
		case rest[0] == quote:
			a.at++
			return a.done == len(a.value)
		default:
			_, size := utf8.DecodeRuneInString(rest)
			if !strings.HasPrefix(a.value[a.done:], rest[:size]) {
				return false
			}
			a.done += size
			a.at += size
		}
	}
	return false
}

// escape moves over one character of the value that takes length bytes in the
// page.
func (a *aligner) escape(length int) {
	_, size := utf8.DecodeRuneInString(a.value[a.done:])
	a.mark()
	a.done += size
	a.at = min(a.at+length, len(a.text))
	a.mark()
}
