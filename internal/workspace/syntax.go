package workspace

import (
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/feedmill/feedmill/internal/diag"
)

// syntax makes a diagnostic of the parser's error, which at best knows a line.
// The place is where the parser stumbled; when a line at or just before it has
// one of the well-known traps, that is what is reported.
func (p *page) syntax(err error) diag.Diagnostic {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	said := 0
	if rest, found := strings.CutPrefix(message, "line "); found {
		number, text, _ := strings.Cut(rest, ": ")
		said, _ = strconv.Atoi(number)
		message = text
	}
	s := stumble{page: p, message: message, at: p.stumbled()}
	s.row, s.col = p.place(s.at)
	if strings.HasPrefix(message, "did not find expected") {
		said++ // the parser, unlike the scanner, counts from zero
	}
	s.context = min(max(said, 1), s.row)
	return s.diagnose()
}

// A drip hands out one byte at a time, so that its position tells where a parser
// is.
type drip struct {
	text string
	at   int
}

func (d *drip) Read(b []byte) (int, error) {
	if d.at == len(d.text) || len(b) == 0 {
		return 0, io.EOF
	}
	b[0] = d.text[d.at]
	d.at++
	return 1, nil
}

// lookahead is how many characters the scanner reads before it looks at them;
// the end of the text counts as one.
const lookahead = 4

// stumbled returns the offset of the last character before the one at which the
// parser gave up that is no white space, or of that one itself.
func (p *page) stumbled() int {
	d := &drip{text: p.text}
	if decodeAll(d, func(*yaml.Node) {}) == nil {
		return 0
	}
	at, back := d.at, lookahead
	if d.at == len(d.text) {
		back--
	}
	for range back {
		_, size := utf8.DecodeLastRuneInString(p.text[:at])
		at -= size
	}
	if strings.TrimSpace(p.text[at:d.at]) == "" {
		at = len(strings.TrimRight(p.text[:at], " \t\n"))
		_, size := utf8.DecodeLastRuneInString(p.text[:at])
		return at - size
	}
	for p.text[at] == ' ' || p.text[at] == '\n' {
		at++
	}
	return at
}

// A stumble is where and why the parser gave up.
type stumble struct {
	*page
	message  string
	at       int
	row, col int
	context  int // the line where the construct begins that was not finished
}

func (s *stumble) diagnose() diag.Diagnostic {
	if d, found := s.dedented(); found {
		return d
	}
	for _, n := range s.near() {
		if d, found := s.trap(n); found {
			return d
		}
	}
	if d, found := s.layout(); found {
		return d
	}
	return s.known()
}

// near returns the lines in which the reason may be found, nearest first.
func (s *stumble) near() []int {
	lines := []int{s.row}
	for n := s.row - 1; n > 0 && len(lines) < 3; n-- {
		if strings.TrimSpace(s.line(n)) != "" {
			lines = append(lines, n)
		}
	}
	return append(lines, s.context)
}

var entryLine = regexp.MustCompile(`^(\s*(?:- +)*(?:[^\s"'{}\[\]#,:][^"'{}\[\]#,:]*:\s+|"[^"]*":\s+|'[^']*':\s+)?)(\S.*)$`)

// trap looks for a value that YAML does not take as the expression it is.
func (s *stumble) trap(n int) (diag.Diagnostic, bool) {
	if d, found := s.flowTrap(n); found {
		return d, true
	}
	if d, found := s.continued(n); found {
		return d, true
	}
	line := s.line(n)
	parts := entryLine.FindStringSubmatch(line)
	if parts == nil {
		return diag.Diagnostic{}, false
	}
	key, value := parts[1], parts[2]
	if why, found := beginning(value, false); found {
		return s.At(n, runes(key)+1, why.length, "%s", why.message).WithHint("%s", why.hint), true
	}
	if at := strings.Index(value, ": "); at >= 0 && s.row == n && strings.HasPrefix(s.message, "mapping values") && key != "" {
		at += len(key)
		if strings.TrimSpace(key) != "" && strings.Contains(key, ":") {
			return s.At(n, runes(line[:at])+1, 1, "a colon with a space after it begins another key for YAML").WithHint("%s", quoteIt(value, false)), true
		}
	}
	return diag.Diagnostic{}, false
}

func runes(s string) int { return utf8.RuneCountInString(s) }

// A reason is why a value is not what it seems to be.
type reason struct {
	length        int
	message, hint string
}

// beginning looks for a first character that has a meaning of its own in YAML.
func beginning(value string, flow bool) (reason, bool) {
	switch value[0] {
	case '!':
		return reason{1, "YAML takes a word that begins with ! as a tag, not as \"not\"", quoteIt(value, flow)}, true
	case '"', '\'':
		return afterQuote(value, flow)
	case '@', '`', '%':
		return reason{1, "a value cannot begin with " + value[:1] + " in YAML", quoteIt(value, flow)}, true
	case '&', '*':
		return reason{1, "YAML takes a word that begins with " + value[:1] + " as the name of a repeated part", quoteIt(value, flow)}, true
	case '{':
		if strings.HasPrefix(value, "{{") {
			return reason{2, "YAML takes {{ at the beginning of a value as nested maps", quoteIt(value, flow)}, true
		}
	}
	return afterBracket(value, flow)
}

// afterQuote finds text after the quoted part at the beginning of a value.
func afterQuote(value string, flow bool) (reason, bool) {
	end := quoteEnd(value)
	if end < 0 {
		return reason{}, false
	}
	rest := strings.TrimLeft(value[end:], " ")
	if rest == "" || strings.ContainsAny(rest[:1], ",}]:") || rest[0] == '#' && rest != value[end:] {
		return reason{}, false
	}
	return reason{runes(value[:end]), "a value that begins with a quote ends with it, and more text follows", quoteIt(value, flow)}, true
}

// quoteEnd returns the offset after the quoted part at the beginning of a text,
// or -1.
func quoteEnd(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && text[0] == '"':
			i++
		case text[i] != text[0]:
		case text[0] == '\'' && i+1 < len(text) && text[i+1] == '\'':
			i++
		default:
			return i + 1
		}
	}
	return -1
}

// afterBracket finds text after the bracketed part at the beginning of a value.
func afterBracket(value string, flow bool) (reason, bool) {
	if value[0] != '[' && value[0] != '{' {
		return reason{}, false
	}
	end := bracketEnd(value)
	if end < 0 {
		return reason{}, false
	}
	rest := strings.TrimLeft(value[end:], " ")
	if rest == "" || strings.ContainsAny(rest[:1], ",}]:#") {
		return reason{}, false
	}
	return reason{runes(value[:end]), "YAML takes a value that begins with " + value[:1] + " as a list or map, and more text follows", quoteIt(value, flow)}, true
}

func bracketEnd(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			depth--
		case '"', '\'':
			end := quoteEnd(text[i:])
			if end < 0 {
				return -1
			}
			i += end - 1
		}
		if depth == 0 {
			return i + 1
		}
	}
	return -1
}

// quoteIt says how to write a value that YAML would misread.
func quoteIt(value string, flow bool) string {
	value = strings.TrimRight(value, " ")
	below := "write >- and put it on the next line, indented"
	if flow {
		below = "give every key a line of its own and use >-"
	}
	short := runes(value) <= 60
	switch {
	case short && !strings.Contains(value, "'"):
		return "put it in quotes: '" + value + "', or " + below
	case short && flow && !strings.ContainsAny(value, "\"\\"):
		return "put it in quotes: \"" + value + "\", or " + below
	}
	return below
}
