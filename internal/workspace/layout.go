package workspace

import (
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
)

// layout looks for a line that stands in the wrong column, or that is neither an
// entry of a map nor of a list.
func (s *stumble) layout() (diag.Diagnostic, bool) {
	if n, col := s.tabbed(); n > 0 {
		return s.At(n, col, 1, "a tab cannot be used to indent").WithHint("use spaces"), true
	}
	line := s.line(s.row)
	above := s.above(s.row)
	if above == 0 || strings.HasPrefix(s.message, "found") || strings.Contains(s.message, "',' or") {
		return diag.Diagnostic{}, false
	}
	depth, words := indent(line), strings.TrimSpace(line)
	upper := s.line(above)
	switch {
	case !isEntry(upper) && !openEnded(upper):
		return s.At(above, indent(upper)+1, runes(strings.TrimSpace(upper)), "this line has no colon").WithHint("write key: value, with a space after the colon"), true
	case !isEntry(line):
		return s.At(s.row, depth+1, runes(words), "this line has no colon").WithHint("write key: value, with a space after the colon"), true
	case depth > indent(upper) && !openEnded(upper):
		return s.At(s.row, depth+1, runes(words), "this line is indented more than the one above it").WithHint("keys that belong together begin in the same column"), true
	case !s.aligned(s.row):
		return s.At(s.row, depth+1, runes(words), "this line begins in a column in which none above it does").WithHint("keys that belong together begin in the same column"), true
	case strings.HasPrefix(words, "- ") != strings.HasPrefix(strings.TrimSpace(s.sibling(s.row)), "- "):
		return s.At(s.row, depth+1, runes(words), "entries of a list (-) and keys cannot be mixed").WithHint("indent what belongs to the line above"), true
	}
	return diag.Diagnostic{}, false
}

// tabbed returns the place of a tab in the indentation at or after where the
// parser stumbled.
func (s *stumble) tabbed() (line, col int) {
	for n := s.row; n <= min(s.row+1, len(s.starts)); n++ {
		text := s.line(n)
		blank := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		if at := strings.IndexByte(blank, '\t'); at >= 0 && len(blank) < len(text) {
			return n, at + 1
		}
	}
	return 0, 0
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// above returns the nearest line above with content, or 0.
func (s *stumble) above(n int) int {
	for n--; n > 0; n-- {
		if words := strings.TrimSpace(s.line(n)); words != "" && words[0] != '#' {
			return n
		}
	}
	return 0
}

// sibling returns the nearest line above that begins in the same column, with
// none between them further to the left.
func (s *stumble) sibling(n int) string {
	depth := indent(s.line(n))
	for n = s.above(n); n > 0; n = s.above(n) {
		line := s.line(n)
		if line == "---" || indent(line) < depth {
			return ""
		}
		if indent(line) == depth {
			return line
		}
	}
	return ""
}

// isEntry reports whether a line looks like an entry of a map or list.
func isEntry(line string) bool {
	words := strings.TrimSpace(line)
	return words == "---" || words == "-" || strings.HasPrefix(words, "- ") || strings.HasSuffix(words, ":") ||
		strings.Contains(words, ": ") || strings.ContainsAny(words[:min(1, len(words))], "}]#%")
}

// openEnded reports whether what belongs to a line's key may follow below it.
func openEnded(line string) bool {
	words := strings.TrimSpace(line)
	if at := strings.Index(words, " #"); at >= 0 {
		words = strings.TrimSpace(words[:at])
	}
	return words == "---" || words == "-" || strings.HasSuffix(words, ":") || strings.HasPrefix(words, "- ")
}

// endOfStream is what the parser says of a quote that is not closed.
const endOfStream = "found unexpected end of stream"

// known translates the parser's messages.
func (s *stumble) known() diag.Diagnostic {
	switch {
	case s.message == endOfStream:
		return s.unclosed("\"'", "this quote is not closed", "close it, or write >- and put the text on the next line, indented")
	case s.message == "found unknown escape character":
		return s.At(s.row, s.col, 2, "YAML knows no such escape in double quotes").WithHint(`in single quotes, '...', and after >- a \ is an ordinary character`)
	case strings.Contains(s.message, "',' or '}'"):
		return s.unfinished("{", "}")
	case strings.Contains(s.message, "',' or ']'"):
		return s.unfinished("[", "]")
	case strings.HasPrefix(s.message, "unknown anchor"):
		return s.At(s.row, s.col, 1, "%s", s.message).WithHint("put the value in quotes when it is no reference to a repeated part")
	}
	if s.message == "did not find expected node content" {
		return s.At(s.row, s.col, 1, "a value is expected here").WithHint("put a value that begins with one of , : [ ] { } in quotes")
	}
	return s.At(s.row, s.col, 1, "this is no valid YAML: %s", s.message)
}

// unclosed points at the last of the opening characters in the line where the
// unfinished construct begins.
func (s *stumble) unclosed(opening, message, hint string) diag.Diagnostic {
	line := s.line(s.context)
	at := max(strings.IndexAny(line, opening), 0)
	return s.At(s.context, runes(line[:at])+1, 1, "%s", message).WithHint("%s", hint)
}
