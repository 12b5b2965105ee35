package workspace

import (
	"regexp"
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
)

var entryStart = regexp.MustCompile(`[{,]\s*[\w.-]+:\s+`)

// flowTrap looks for an entry in braces whose value YAML takes for something else, or
// ends before its end.
func (s *stumble) flowTrap(n int) (diag.Diagnostic, bool) {
	line, end := s.line(n), 0
	for _, at := range s.flowEntries(n) {
		value := flowValue(line[at:])
		if at < end || value == "" {
			continue // it stands in the value before it
		}
		if value[0] != '{' && value[0] != '[' {
			end = at + len(value)
		}
		if why, found := beginning(value, true); found {
			return s.At(n, runes(line[:at])+1, why.length, "%s", why.message).WithHint("%s", why.hint), true
		}
		if cut, message := cutShort(value); message != "" && !strings.ContainsAny(value[:1], `"'`) {
			return s.At(n, runes(line[:at+cut])+1, 1, "%s", message).WithHint("%s", quoteIt(value, true)), true
		}
	}
	return diag.Diagnostic{}, false
}

// flowEntries returns the offsets in a line at which values of entries in braces
// begin. The braces may be in a line above.
func (s *stumble) flowEntries(n int) []int {
	var out []int
	unfinished := strings.Contains(s.message, "',' or") && n > s.context
	unclosed := s.message == endOfStream && n == s.context
	if parts := entryLine.FindStringSubmatch(s.line(n)); parts != nil && strings.Contains(parts[1], ":") && (unfinished || unclosed) {
		out = append(out, len(parts[1]))
	}
	for _, loc := range entryStart.FindAllStringIndex(s.line(n), -1) {
		out = append(out, loc[1])
	}
	return out
}

var nextEntry = regexp.MustCompile(`^(?:,\s*(?:[\w.-]+:\s|#|$)|\s#)`)

// flowValue returns the value at the beginning of the rest of a map in braces, as
// whoever wrote it meant it: quotes hold what is in them together.
func flowValue(rest string) string {
	depth := 0
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '"', '\'':
			if end := literalEnd(rest[i:], isRaw(rest, i)); end > 0 {
				i += end - 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth < 0 || depth == 0 && nextEntry.MatchString(rest[i:]) {
			return strings.TrimSpace(rest[:i])
		}
	}
	return strings.TrimSpace(rest)
}

const (
	endsAtComment = "for YAML a comment begins here, so the value ends before it"
	endsAtComma   = "inside { } and [ ] a comma ends the value, so it is cut off here"
)

// cutShort returns where YAML ends a value in braces in the middle of a literal or
// call, and what of it is wrong.
func cutShort(value string) (at int, message string) {
	for i := range value {
		c := value[i]
		if c == '#' && (i == 0 || value[i-1] != ' ') || strings.IndexByte(",#[]{}", c) < 0 {
			continue
		}
		switch whole := balanced(value[:i]); {
		case c == ',' && !whole:
			return i, endsAtComma
		case c == '#' && !whole:
			return i, endsAtComment
		}
		return 0, ""
	}
	return 0, ""
}

var (
	thousands   = regexp.MustCompile(`^[0-9]{1,3}(?:[,.' ][0-9]{3})+$`)
	commaNumber = regexp.MustCompile(`^[0-9]+,[0-9]+\s*(?:%|[KMGT]?i?B)?$`)
)

// plainNumber is a number without what people put between its digits, or "".
func plainNumber(text string) string {
	switch {
	case thousands.MatchString(text):
		return strings.NewReplacer(",", "", ".", "", "'", "", " ", "").Replace(text)
	case commaNumber.MatchString(text):
		return strings.Replace(text, ",", ".", 1)
	}
	return ""
}

// commaInNumber reports a number in braces that a comma cut, of which YAML takes the
// rest for a key.
func (v value) commaInNumber() bool {
	from, end := v.page.offset(v.node.Line, v.node.Column), v.page.scalar(v.node).end
	rest := v.page.text[end:]
	to := end + len(rest) - len(strings.TrimLeft(rest, ",0123456789%KMGTiB"))
	whole := strings.TrimRight(v.page.text[from:to], ",")
	number := plainNumber(whole)
	if !v.flow || number == "" || len(whole) <= end-from {
		return false
	}
	v.remember(end, to)
	v.report(v.page.At(v.node.Line, v.node.Column, runes(whole), endsAtComma).WithHint("write %s", number))
	return true
}

// unfinished is a map or list in brackets in which the parser met something
// else than the next entry.
func (s *stumble) unfinished(open, closing string) diag.Diagnostic {
	if s.row != s.context {
		return s.unclosed(open, "this "+open+" is not closed with "+closing, "close it")
	}
	line := s.line(s.row)
	before := line[:min(s.offset(s.row, s.col)-s.starts[s.row-1], len(line))]
	if begins := entryStart.FindAllStringIndex(before, -1); begins != nil {
		at := begins[len(begins)-1][1]
		value := flowValue(line[at:])
		if i := strings.IndexAny(value, "?[]{},"); i >= 0 {
			return s.At(s.row, runes(line[:at+i])+1, 1, "inside { } and [ ] a value ends at %s", value[i:i+1]).WithHint("%s", quoteIt(value, true))
		}
	}
	return s.At(s.row, s.col, 1, "between %s and %s YAML expects a comma or %s here", open, closing, closing).
		WithHint("put a value that has one of , ? : [ ] { } in quotes, or give every key a line of its own")
}
