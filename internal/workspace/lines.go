package workspace

import (
	"regexp"
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
)

var (
	blockHeader = regexp.MustCompile(`(?::|^\s*-|\s-)\s+[|>][-+0-9]*\s*(?:#.*)?$`)
	keyLine     = regexp.MustCompile(`^\s*(?:---|-(?:\s|$)|[}\]]|(?:[\w.-]+|"[^"]*"|'[^']*'):(?:\s|$))`)
	goesOn      = regexp.MustCompile(`^\s*(?:&&|\|\||[<>=?+*/)])`)
	willGoOn    = regexp.MustCompile(`(?:&&|\|\||[<>=?:+*/(,-])$`)
)

// inLines is the hint for an expression of several lines.
const inLines = "write >- after the key, and the expression on the lines below it, indented"

// dedented looks for a line that was meant for the text below | or >- and stands too
// far left for it.
func (s *stumble) dedented() (diag.Diagnostic, bool) {
	header := s.header(s.row)
	if header == 0 {
		return diag.Diagnostic{}, false
	}
	key, depth, comment := keyColumn(s.line(header)), 0, 0
	for n := header + 1; n <= min(s.row+1, len(s.starts)); n++ {
		line := s.line(n)
		words, d := strings.TrimSpace(line), indent(line)
		switch {
		case words == "":
		case line[d] == '\t':
			return diag.Diagnostic{}, false
		case depth == 0 && d > key:
			depth = d
		case depth > 0 && d >= depth && comment > 0:
			return s.whole(comment, "this comment stands further left than the text around it, and ends it").WithHint("put # comments above the key"), true
		case depth > 0 && d >= depth:
		case words[0] == '#':
			comment = n
		case keyLine.MatchString(line) && depth > 0 && !s.aligned(n):
			return s.whole(n, "this line begins in a column in which none above it does").WithHint("keys that belong together begin in the same column"), true
		case keyLine.MatchString(line):
			return diag.Diagnostic{}, false
		case depth == 0:
			return s.whole(n, "this line is indented no more than the key above it, so it does not belong to it").WithHint("begin it further right than the key"), true
		case d > key || goesOn.MatchString(line) || willGoOn.MatchString(s.line(s.above(n))):
			return s.whole(n, "this line stands further left than the text above it, so it does not belong to it").WithHint("begin it in the column of the line above"), true
		default:
			return diag.Diagnostic{}, false
		}
	}
	return diag.Diagnostic{}, false
}

var elementKey = regexp.MustCompile(`^(\s*(?:- +)+)[\w."'-]+:`)

// keyColumn returns how far right the key of a line is, or the line's - where the
// element of the list is a text itself.
func keyColumn(line string) int {
	if m := elementKey.FindStringSubmatch(line); m != nil {
		return len(m[1])
	}
	return indent(line)
}

// whole is a mistake of all that stands in a line.
func (s *stumble) whole(n int, message string) diag.Diagnostic {
	line := s.line(n)
	return s.At(n, indent(line)+1, runes(strings.TrimSpace(line)), "%s", message)
}

// aligned reports whether a line begins in the column of a line above it that it can
// belong beside.
func (s *stumble) aligned(n int) bool {
	depth := indent(s.line(n))
	for n = s.above(n); n > 0; n = s.above(n) {
		line := s.line(n)
		if indent(line) == depth || keyColumn(line) == depth {
			return true
		}
		if line == "---" || indent(line) < depth {
			return false
		}
	}
	return false
}

// header returns the nearest line above one below which a text stands, or 0.
func (s *stumble) header(n int) int {
	for above := n - 1; above > 0; above-- {
		if blockHeader.MatchString(s.line(above)) {
			return above
		}
	}
	return 0
}

// continued looks for what is wrong with a line that goes on with the value of the
// lines above it.
func (s *stumble) continued(n int) (diag.Diagnostic, bool) {
	line, above := s.line(n), s.above(n)
	if !goesOn.MatchString(line) || above == 0 {
		return diag.Diagnostic{}, false
	}
	upper := s.line(above)
	if at := cutAtComment(upper); at >= 0 {
		return s.At(above, runes(upper[:at])+1, 1, endsAtComment).WithHint(inLines), true
	}
	if at := strings.Index(line, ": "); at >= 0 && strings.HasPrefix(s.message, "mapping values") {
		return s.At(n, runes(line[:at])+1, 1, "a colon with a space after it begins another key for YAML").WithHint(inLines), true
	}
	if indent(line) <= indent(upper) && keyLine.MatchString(upper) {
		return s.whole(n, "this line is indented no more than the key above it, so it does not belong to it").WithHint("begin it further right than the key"), true
	}
	return diag.Diagnostic{}, false
}

// cutAtComment returns the offset of the # at which YAML ends a line in the midst of a
// literal, or -1.
func cutAtComment(line string) int {
	for at := range line {
		if line[at] == '#' && at > 0 && line[at-1] == ' ' {
			if balanced(line[:at]) {
				return -1
			}
			return at
		}
	}
	return -1
}
