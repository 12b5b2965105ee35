package predicate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common"

	"github.com/feedmill/feedmill/internal/diag"
)

// syntaxMistake tells of the first of a parser's errors.
func syntaxMistake(text *diag.Text, source common.Source, errs []*common.Error) diag.Diagnostic {
	if strings.TrimSpace(text.Value) == "" {
		return text.At(0, 1, "an expression is missing")
	}
	first := slices.MinFunc(errs, compareErrors)
	offset, _ := source.LocationOffset(first.Location)
	at := byteOffsets(text.Value)(int(offset))
	if d, found := strangeMistake(text, at); found {
		return d
	}
	if s, from, found := slipAt(text.Value, at); found {
		return text.At(from, len(s.sign), "unexpected %s", text.Value[from:from+len(s.sign)]).WithHint("%s", s.hint)
	}
	rest := text.Value[at:]
	said := strings.TrimPrefix(first.Message, "Syntax error: ")
	length := max(1, utf8.RuneCountInString(word(rest)))
	return text.At(at, length, "%s", syntaxMessage(said, rest)).WithHint("%s", syntaxHint(said, text.Value[:at], rest))
}

// What the parser says of texts.
const (
	badLiteral = "unterminated string literal"
	badEscape  = "unable to unescape string"
)

// badHas is a macro's error that follows where has() holds an error of syntax.
const badHas = "invalid argument to has() macro"

// compareErrors orders errors by place, consequences last.
func compareErrors(a, b *common.Error) int {
	if (a.Message == badHas) != (b.Message == badHas) {
		if a.Message == badHas {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(a.Location.Line(), b.Location.Line()), cmp.Compare(a.Location.Column(), b.Location.Column()))
}

func syntaxMessage(message, rest string) string {
	wanted, expects := strings.CutPrefix(message, "expected ")
	reserved, isReserved := strings.CutPrefix(message, "reserved identifier: ")
	switch {
	case strings.TrimSpace(rest) == "" && expects:
		return "the expression ends too early: expected " + wanted
	case strings.TrimSpace(rest) == "":
		return "the expression ends too early"
	case strings.HasPrefix(message, "unexpected token"):
		return "unexpected " + token(rest)
	case isReserved:
		return reserved + " is a reserved word"
	}
	switch message {
	case badHas:
		return "has() takes a column, such as has(offer.name)"
	case "argument must be a simple name", "argument is not an identifier":
		return "a loop's variable is a simple name"
	case badLiteral:
		return "the text has no closing quote"
	case badEscape:
		return "the text has an escape that does not exist"
	case "invalid int literal", "invalid uint literal":
		return "the number has more than 64 bits"
	default:
		return message
	}
}

// token is the word or sign that a text begins with.
func token(text string) string {
	if w := word(text); w != "" {
		return w
	}
	r, _ := utf8.DecodeRuneInString(text)
	return fmt.Sprintf("%c", r)
}

// word returns the letters, digits and _ that a text begins with.
func word(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end < 0 {
		return text
	}
	return text[:end]
}

// syntaxHint knows the habits of other languages.
func syntaxHint(message, before, rest string) string {
	before = strings.TrimSpace(before)
	switch strings.ToLower(word(rest)) {
	case "and":
		return "write &&"
	case "or":
		return "write ||"
	case "is":
		return "write =="
	case "like":
		return `write .contains("..."), .startsWith("...") or .matches("...")`
	}
	switch {
	case strings.HasSuffix(before, ".") && word(rest) != "":
		return "it is a reserved word: write [\"" + word(rest) + "\"] after the name"
	case strings.HasPrefix(rest, "="):
		return "compare with =="
	case strings.HasPrefix(rest, ","):
		return commaHint(before, rest)
	case message == badLiteral, message == badEscape:
		return `inside a text write \" for a quote and \\ for a backslash, or r"..." for a text without escapes`
	default:
		return ""
	}
}
