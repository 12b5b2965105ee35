package workspace

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/feedmill/feedmill/internal/diag"
)

// expression reads the text of an expression and looks for what YAML made of it.
// The zero text means that there was a mistake.
func (v value) expression() diag.Text {
	switch {
	case v.isList() || v.isMap():
		v.bracketed()
		return diag.Text{}
	case v.isNull():
		v.wanted("an expression")
		return diag.Text{}
	}
	t, ok := v.text()
	switch {
	case !ok:
		return diag.Text{}
	case strings.TrimSpace(t.Value) == "":
		v.fail("%s is empty", v.subject())
		return diag.Text{}
	}
	if v.isRest(t) || v.cut(t) || v.bare(t) || v.swallowed(t) {
		return diag.Text{}
	}
	return t
}

// expressions reads a list of expressions, or a single one.
func (v value) expressions() []diag.Text {
	var out []diag.Text
	for _, e := range v.items() {
		if t := e.expression(); t.Value != "" {
			out = append(out, t)
		}
	}
	return out
}

func (v value) bracketed() {
	d := v.at("%s must be an expression, and this is %s", v.subject(), v.kind())
	if v.node.Style&yaml.FlowStyle != 0 {
		d = d.WithHint("put an expression that begins with [ or { in quotes, or on the next line after >-")
	}
	v.report(d)
}

// cut reports a value that YAML ended early, at a comment or at a comma.
func (v value) cut(t diag.Text) bool {
	if v.node.Style != 0 || balanced(t.Value) {
		return false
	}
	end := v.page.scalar(v.node).end
	rest, _, _ := strings.Cut(v.page.text[end:], "\n")
	after := strings.TrimLeft(rest, " \t")
	line, col := v.page.place(end + len(rest) - len(after))
	whole := v.node.Value + rest
	switch {
	case strings.HasPrefix(after, "#") && after != rest:
		v.report(v.page.At(line, col, runes(after), endsAtComment).WithHint("%s", quoteIt(whole, v.flow)))
	case v.flow && strings.HasPrefix(after, ","):
		meant := wholeCall(whole)
		v.remember(end+len(rest)-len(after), end+len(meant)-len(v.node.Value))
		v.report(v.page.At(line, col, 1, endsAtComma).WithHint("%s", quoteIt(meant, true)))
	default:
		return false
	}
	return true
}

// remember notes where YAML takes what a comma cut off for keys.
func (v value) remember(comma, end int) {
	line, col := v.page.place(comma)
	v.rest = diag.Text{File: v.page.File, Value: v.page.text[comma:max(end, comma)], Marks: []diag.Mark{{Line: line, Col: col}}}
}

// wholeCall returns what was meant before a comma cut it: all up to the comma or
// bracket that belongs to what is around it.
func wholeCall(text string) string {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '"', '\'':
			if end := literalEnd(text[i:], false); end > 0 {
				i += end - 1
			}
		}
		if depth < 0 || depth == 0 && text[i] == ',' {
			return text[:i]
		}
	}
	return text
}

// balanced reports whether all quotes and brackets of an expression are closed.
func balanced(text string) bool {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '"', '\'':
			end := literalEnd(text[i:], isRaw(text, i))
			if end < 0 {
				return false
			}
			i += end - 1
		}
	}
	return depth <= 0
}

// isRaw reports whether the string literal at an offset is one without escapes.
func isRaw(text string, at int) bool {
	return at > 0 && strings.ContainsRune("rR", rune(text[at-1]))
}

// literalEnd returns the offset after the string literal at the beginning of a
// text, or -1.
func literalEnd(text string, raw bool) int {
	quote := text[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(text, triple) {
		quote = triple
	}
	for i := len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\' && !raw:
			i++
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		}
	}
	return -1
}

var (
	bareWords = regexp.MustCompile(`^\p{L}[\p{L}\p{N} _-]*$`)
	roots     = []string{"true", "false", "null", "offer", "row", "item", "it", "now", "path", "shared"}
)

// bare reports words in YAML quotes that the user took for a text: the quotes
// are YAML's, and the expression has none.
func (v value) bare(t diag.Text) bool {
	if v.node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 || !bareWords.MatchString(t.Value) || slices.Contains(roots, t.Value) {
		return false
	}
	v.report(v.at("YAML takes these quotes away, and what is left is a name, not a text").WithHint("write '\"%s\"' for the text", t.Written()))
	return true
}
