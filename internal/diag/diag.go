// Package diag describes mistakes in users' files: where they are, what is
// wrong and what to do about it.
//
// Its promise: every diagnostic prints the same way (file:line:col, message,
// the line with the place underlined, a hint), and a List prints sorted and
// without repeats, so that its text can be a golden.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A File is a text that diagnostics quote.
type File struct {
	Name  string // as the user would type it
	Lines []string
}

// NewFile splits data into lines, without the byte order mark that some editors
// put before the first.
func NewFile(name string, data []byte) *File {
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	return &File{Name: name, Lines: strings.Split(text, "\n")}
}

// At is a diagnostic for length code points from a 1-based line and column, in
// code points.
func (f *File) At(line, col, length int, format string, args ...any) Diagnostic {
	d := Diagnostic{File: f.Name, Line: line, Col: col, Length: length, Message: fmt.Sprintf(format, args...)}
	if line >= 1 && line <= len(f.Lines) {
		d.Source = f.Lines[line-1]
	}
	return d
}

// A Diagnostic is one mistake. Line and Col are 1-based, in code points; zero
// when the whole file is meant.
type Diagnostic struct {
	File      string
	Line, Col int
	Length    int // code points to underline, at least 1 is drawn
	Source    string
	Message   string
	Hint      string
}

// WithHint returns d with a hint, which may be empty.
func (d Diagnostic) WithHint(format string, args ...any) Diagnostic {
	d.Hint = fmt.Sprintf(format, args...)
	return d
}

// Error prints the diagnostic over several lines, without a final newline.
func (d Diagnostic) Error() string {
	var b strings.Builder
	b.WriteString(d.File)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", d.Line, d.Col)
	}
	b.WriteString(": " + d.Message)
	if d.Line > 0 && d.Source != "" {
		source, under := quote(d)
		b.WriteString("\n    " + source + "\n    " + under)
	}
	if d.Hint != "" {
		b.WriteString("\n    hint: " + d.Hint)
	}
	return b.String()
}

// A List is all mistakes found; as an error it prints each of them.
type List []Diagnostic

// Sorted returns the list by file, line, column and message, each once.
func (l List) Sorted() List {
	out := slices.Clone(l)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(out)
}

func (l List) Error() string {
	var b strings.Builder
	for i, d := range l.Sorted() {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.Error())
	}
	return b.String()
}

// Err returns the sorted list as an error, or nil when it is empty.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l.Sorted()
}
