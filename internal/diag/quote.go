package diag

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// A line of the users' file is quoted through a window of so many cells, with
// so many of them before the place.
const (
	window = 120
	before = 60
)

// quote returns the source line as a terminal shows it and the underline below
// it. Wide characters take two cells, characters without a shape become spaces
// or disappear, and a long line is cut around the place.
func quote(d Diagnostic) (source, under string) {
	runes := []rune(d.Source)
	from, to := min(max(d.Col-1, 0), len(runes)), 0
	to = max(min(from+d.Length, len(runes)), from+1)
	start, end := cut(runes, from)
	var line, mark strings.Builder
	if start > 0 {
		line.WriteString("... ")
		mark.WriteString("    ")
	}
	for i := start; i < max(end, from+1); i++ {
		shape, cells := " ", 1
		if i < len(runes) {
			shape, cells = shown(runes[i])
		}
		line.WriteString(shape)
		under := " "
		if i >= from && i < to {
			under = "^"
		}
		if i == from {
			cells = max(cells, 1) // also below what has no width
		}
		mark.WriteString(strings.Repeat(under, cells))
	}
	if end < len(runes) {
		line.WriteString(" ...")
	}
	return strings.TrimRight(line.String(), " "), strings.TrimRight(mark.String(), " ")
}

func cut(runes []rune, at int) (start, end int) {
	if len(runes) <= window {
		return 0, len(runes)
	}
	start = min(max(at-before, 0), len(runes)-window)
	return start, start + window
}

// shown returns what is printed for a character and how many cells it takes.
func shown(r rune) (string, int) {
	switch {
	case r == '\t':
		return " ", 1
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
		return string(r), 0
	case unicode.Is(unicode.Cf, r):
		return "", 0
	case !unicode.IsPrint(r):
		return " ", 1
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return string(r), 2
	default:
		return string(r), 1
	}
}
