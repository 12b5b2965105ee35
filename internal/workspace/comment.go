package workspace

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/feedmill/feedmill/internal/diag"
)

// comment returns where the first // comment of an expression after an offset
// begins, and where its line ends; found is false where there is none.
func comment(text string, from int) (begin, end int, found bool) {
	for i := from; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "//"):
			return i, i + len(firstLine(text[i:])), true
		case text[i] == '"' || text[i] == '\'':
			end := literalEnd(text[i:], isRaw(text, i))
			if end < 0 {
				return 0, 0, false
			}
			i += end - 1
		}
	}
	return 0, 0, false
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// uncommented returns an expression without the comment at its end.
func uncommented(text string) string {
	begin, end, found := comment(text, 0)
	for found && end < len(text) {
		begin, end, found = comment(text, end)
	}
	if found {
		return text[:begin]
	}
	return text
}

// swallowed reports a comment that takes in what the user wrote on the lines below
// it: YAML makes one line of several, and a comment of CEL runs to the line's end.
func (v value) swallowed(t diag.Text) bool {
	begin, end, found := comment(t.Value, 0)
	for ; found; begin, end, found = comment(t.Value, end) {
		first, _ := t.Place(begin)
		last, _ := t.Place(begin + len(strings.TrimSpace(t.Value[begin:end])) - 1)
		if first != last {
			v.report(t.At(begin, len("//"), "YAML joins these lines, so this comment takes in all that stands below it").WithHint("%s", v.commentHint()))
			return true
		}
	}
	return false
}

func (v value) commentHint() string {
	switch {
	case v.flow:
		return "leave the comment out, or write it with # above the key"
	case v.node.Style&yaml.FoldedStyle != 0:
		return "write | instead of >-, or put # comments above the key"
	}
	return "write | and put the expression on the next line, indented, or put # comments above the key"
}
