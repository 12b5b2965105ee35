package source

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/feedmill/feedmill/internal/diag"
)

// versionName is the {name} that tells deliveries apart.
const versionName = "version"

// A pattern says which objects hold rows of a source:
//
//   - any characters but a slash, also none
//     **            alone between slashes: any folders, also none; at the end anything
//     {name}        characters but a slash, at least one
//     {name:*/*/*}  what the pattern after the colon matches, slashes included
//
// Anything else stands for itself. Where two readings are possible, what stands
// further left takes as much as it can.
type pattern struct {
	text  string
	fixed string   // what every match begins with
	names []string // of the groups of match
	match *regexp.Regexp
}

// parsePattern reads a pattern. The list holds all its mistakes; when it is not
// empty the pattern is nil.
func parsePattern(text diag.Text) (*pattern, diag.List) {
	p := &patternParser{text: text, wild: -1}
	p.regexp.WriteString(`(?s)\A`)
	p.parse()
	p.regexp.WriteString(`\z`)
	if len(p.mistakes) > 0 {
		return nil, p.mistakes
	}
	fixed := text.Value
	if p.wild >= 0 {
		fixed = text.Value[:p.wild]
	}
	return &pattern{text: text.Value, fixed: fixed, names: p.names, match: regexp.MustCompile(p.regexp.String())}, nil
}

// has reports whether the pattern has a part of that name.
func (p *pattern) has(name string) bool { return slices.Contains(p.names, name) }

// find returns the offsets of the pattern's parts in a text that it matches, as
// package regexp does, or nil. A version is never empty.
func (p *pattern) find(text string) []int {
	groups := p.match.FindStringSubmatchIndex(text)
	if v := slices.Index(p.names, versionName); groups != nil && v >= 0 && groups[2*v+2] == groups[2*v+3] {
		return nil
	}
	return groups
}

type patternParser struct {
	text     diag.Text
	at       int
	wild     int // the offset of the first part that does not stand for itself, or -1
	names    []string
	regexp   strings.Builder
	mistakes diag.List
}

func (p *patternParser) fail(at, length int, hint, format string, args ...any) {
	p.mistakes = append(p.mistakes, p.text.At(at, length, format, args...).WithHint("%s", hint))
}

func (p *patternParser) parse() {
	if text := p.text.Value; text == "" || !utf8.ValidString(text) {
		p.fail(0, 1, "", "the path is empty or not UTF-8")
		return
	}
	for p.at < len(p.text.Value) {
		p.part(p.text.Value)
	}
}

// part reads one part of p.text.Value[:len(within)].
func (p *patternParser) part(within string) {
	switch c := within[p.at]; {
	case c == '*':
		p.special()
		p.stars(within)
	case c == '{' && len(within) == len(p.text.Value):
		p.special()
		p.capture()
	case c == '{' || c == '}':
		p.fail(p.at, 1, "parts are written {name} or {name:*/*}", "an unexpected %q", c)
		p.at++
	default:
		_, size := utf8.DecodeRuneInString(within[p.at:])
		p.regexp.WriteString(regexp.QuoteMeta(within[p.at : p.at+size]))
		p.at += size
	}
}

func (p *patternParser) special() {
	if p.wild < 0 {
		p.wild = p.at
	}
}

func (p *patternParser) stars(within string) {
	start := p.at
	for p.at < len(within) && within[p.at] == '*' {
		p.at++
	}
	if p.at-start == 1 {
		p.regexp.WriteString(`[^/]*`)
		return
	}
	begins := start == 0 || strings.IndexByte("/:", within[start-1]) >= 0
	ends := p.at == len(within) || within[p.at] == '/'
	switch {
	case p.at-start > 2 || !begins || !ends:
		p.fail(start, p.at-start, "** stands alone between two slashes", "stars that are neither * nor **")
	case p.at < len(within):
		p.at++
		p.regexp.WriteString(`(?:[^/]+/)*`)
	default:
		p.regexp.WriteString(`.+`)
	}
}

// capture reads {name} or {name:pattern}.
func (p *patternParser) capture() {
	start, text := p.at, p.text.Value
	length := strings.IndexByte(text[start:], '}')
	if length < 0 {
		p.fail(start, len(text)-start, "", "a { without }")
		p.at = len(text)
		return
	}
	end := start + length
	name, inner, found := strings.Cut(text[start+1:end], ":")
	p.name(start+1, name)
	p.regexp.WriteByte('(')
	switch p.at = start + 1 + len(name) + 1; {
	case !found:
		p.regexp.WriteString(`[^/]+`)
	case inner == "":
		p.fail(start, length+1, "write {"+name+"} or {"+name+":*/*}", "no pattern after the colon")
	}
	for p.at < end {
		p.part(text[:end])
	}
	p.regexp.WriteByte(')')
	p.at = end + 1
}

func (p *patternParser) name(at int, name string) {
	switch {
	case !nameForm.MatchString(name):
		p.fail(at, len(name), "letters, digits and _, not beginning with a digit", "%q is not a name", name)
	case slices.Contains(p.names, name):
		p.fail(at, len(name), "", "%s stands twice", name)
	}
	p.names = append(p.names, name)
}

var nameForm = regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_]*\z`)
