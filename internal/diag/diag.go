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
	"unicode/utf8"
)

// A File is a text that diagnostics quote.
type File struct {
	Name  string // as the user would type it
	Lines []string
}

// NewFile splits data into lines.
func NewFile(name string, data []byte) *File {
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
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

// A Mark says that the text from a byte offset on stands at a line and column.
type Mark struct {
	Offset    int
	Line, Col int
}

// A Text is a value out of a File that knows where each of its characters
// stands, also when YAML folded it from several lines.
type Text struct {
	File  *File
	Value string
	Marks []Mark // ascending; empty where the text has no place
}

// Plain is a text without a place, for values that no user wrote.
func Plain(value string) Text { return Text{Value: value} }

// Place returns the line and column of a byte offset, or 0, 0.
func (t Text) Place(offset int) (line, col int) {
	i, found := slices.BinarySearchFunc(t.Marks, offset, func(m Mark, at int) int { return cmp.Compare(m.Offset, at) })
	if !found {
		i--
	}
	if i < 0 {
		return 0, 0
	}
	m := t.Marks[i]
	end := min(max(offset, m.Offset), len(t.Value))
	return m.Line, m.Col + utf8.RuneCountInString(t.Value[m.Offset:end])
}

// At is a diagnostic for length code points from a byte offset of the text.
func (t Text) At(offset, length int, format string, args ...any) Diagnostic {
	line, col := t.Place(offset)
	if t.File == nil {
		file := &File{Name: "expression", Lines: strings.Split(t.Value, "\n")}
		before := t.Value[:min(offset, len(t.Value))]
		line = strings.Count(before, "\n") + 1
		col = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
		return file.At(line, col, length, format, args...)
	}
	return t.File.At(line, col, length, format, args...)
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
		b.WriteString("\n    " + strings.ReplaceAll(d.Source, "\t", " "))
		b.WriteString("\n    " + strings.Repeat(" ", max(d.Col-1, 0)) + underline(d))
	}
	if d.Hint != "" {
		b.WriteString("\n    hint: " + d.Hint)
	}
	return b.String()
}

func underline(d Diagnostic) string {
	rest := utf8.RuneCountInString(d.Source) - (d.Col - 1)
	return strings.Repeat("^", max(min(d.Length, rest), 1))
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
