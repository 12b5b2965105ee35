package predicate

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/feedmill/feedmill/internal/diag"
)

// A slip is a sign or word of another language, of which CEL's parser may have read
// the beginning before it stumbles.
type slip struct{ sign, hint string }

var slips = []slip{
	{"not in", "write ! before the whole: !(x in [...])"},
	{"not", "write !"},
	{"between", "write x >= 1 && x <= 2"},
	{"!==", "write !="},
	{"===", "write =="},
	{"<>", "write !="},
	{"=<", "write <="},
	{"=>", "write >="},
	{":=", "compare with =="},
	{"**", "write x * x"},
	{";", "leave it out"},
}

// slipAt returns the slip that reaches to the offset at which the parser stumbled, or
// begins there.
func slipAt(text string, at int) (s slip, from int, found bool) {
	read := len(strings.TrimRight(text[:at], " \t\n"))
	lower := strings.ToLower(text)
	if len(lower) != len(text) {
		return slip{}, 0, false
	}
	for _, s := range slips {
		from := strings.LastIndex(lower[:min(at+len(s.sign), len(text))], s.sign)
		end := from + len(s.sign)
		if from >= 0 && end >= read && (word(s.sign) == "" || !inWord(text, from, end)) {
			return s, from, true
		}
	}
	return slip{}, 0, false
}

// inWord reports whether a part of a text is a part of a longer word.
func inWord(text string, from, end int) bool {
	return from > 0 && word(text[from-1:from]) != "" || word(text[end:]) != ""
}

// lookalikes are signs that word processors and web pages put in the place of others.
var lookalikes = map[rune]string{
	'“': `"`, '”': `"`, '„': `"`, '«': `"`, '»': `"`, '‘': "'", '’': "'", '‚': "'", '′': "'", '″': `"`,
	'–': "-", '—': "-", '−': "-", '×': "*", '÷': "/", '≠': "!=", '≤': "<=", '≥': ">=", '…': "...",
}

// strangeMistake is about a character that CEL has no use for outside of texts.
func strangeMistake(text *diag.Text, at int) (diag.Diagnostic, bool) {
	r, _ := utf8.DecodeRuneInString(text.Value[at:])
	if r < utf8.RuneSelf || r == utf8.RuneError {
		return diag.Diagnostic{}, false
	}
	sign, known := lookalikes[r]
	switch {
	case known:
		return text.At(at, 1, "%c is no sign of expressions", r).WithHint("write %s", sign), true
	case unicode.IsSpace(r):
		return text.At(at, 1, "a blank of a special kind (U+%04X) stands here", r).WithHint("write an ordinary blank; it may come from text that was copied from a document"), true
	case !unicode.IsPrint(r):
		return text.At(at, 1, "an invisible character (U+%04X) stands here", r).WithHint("delete it; it may come from text that was copied from a document"), true
	case unicode.IsLetter(r):
		return text.At(at, 1, "%c cannot stand in a name", r).WithHint(`names have letters a-z, digits and _; others stand in brackets: row["..."]`), true
	}
	return text.At(at, 1, "unexpected %c", r), true
}

var (
	openIn      = regexp.MustCompile(`\bin\s*\([^()]*$`)
	comesBefore = regexp.MustCompile(`(\d+)$`)
	comesAfter  = regexp.MustCompile(`^,(\d+)`)
)

// commaHint is about a comma where the parser expects none.
func commaHint(before, rest string) string {
	whole, part := comesBefore.FindStringSubmatch(before), comesAfter.FindStringSubmatch(rest)
	switch {
	case openIn.MatchString(before):
		return `a list stands in brackets: in ["a", "b"]`
	case whole != nil && part != nil:
		return fmt.Sprintf("write %s.%s", whole[1], part[1])
	}
	return ""
}
