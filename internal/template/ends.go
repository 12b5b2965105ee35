package template

import (
	"regexp"

	"github.com/feedmill/feedmill/internal/diag"
)

// An opening is an action that an {{end}} ends.
type opening struct {
	word     string
	at, size int
}

// action matches a comment, or an action with its first word.
var action = regexp.MustCompile("(?s)\\{\\{(?:- )?\\s*(?:/\\*.*?\\*/|(\\w+)?(?:\"(?:[^\"\\\\\\n]|\\\\.)*\"|`[^`]*`|[^\"`}]|\\}[^}])*?)\\s*(?: -)?\\}\\}")

// unended finds the action whose {{end}} is missing, where the parser only says that
// the template ends too early or another block begins.
func unended(src *source) (diag.Diagnostic, bool) {
	var open []opening
	var last opening // that was ended
	ended := 0
	for _, m := range action.FindAllStringSubmatchIndex(src.text, -1) {
		if m[2] < 0 {
			continue
		}
		o := opening{word: src.text[m[2]:m[3]], at: m[0], size: m[1] - m[0]}
		switch o.word {
		case "define":
			if len(open) > 0 {
				return missingEnd(src, open, last, ended), true
			}
			open = append(open, o)
		case "if", "range", "with", "block":
			open = append(open, o)
		case "end":
			if len(open) == 0 {
				return diag.Diagnostic{}, false
			}
			last, ended = open[len(open)-1], m[0]
			open = open[:len(open)-1]
		}
	}
	if len(open) == 0 {
		return diag.Diagnostic{}, false
	}
	return missingEnd(src, open, last, ended), true
}

// missingEnd is about the innermost opening, or about the one that took the {{end}} of
// the block around it.
func missingEnd(src *source, open []opening, last opening, ended int) diag.Diagnostic {
	o := open[len(open)-1]
	if o.word != "define" || last.at <= o.at {
		return src.at(o.at, o.size, "this %s has no {{end}}", o.word).WithHint("write {{end}} where it ends")
	}
	line, _ := src.place(ended)
	begun, _ := src.place(o.at)
	return src.at(last.at, last.size, "this %s, or what is in it, lacks an {{end}}", last.word).
		WithHint("it takes the one in line %d, and none is left for the define in line %d", line, begun)
}
