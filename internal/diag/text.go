package diag

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

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
	Raw   string // the text as written, where Value has something else in place of ${NAME}

	Values []Value // what Value has in place of something else; ascending
}

// A Value is a part of a text that stands there in place of what was written, such as
// ${NAME}.
type Value struct {
	From, To int // byte offsets
	Raw      string
}

// Plain is a text without a place, for values that no user wrote.
func Plain(value string) Text { return Text{Value: value} }

// Written returns the text without the values of environment variables: what
// may be stored and shown.
func (t Text) Written() string {
	if t.Raw != "" {
		return t.Raw
	}
	return t.Value
}

// WrittenPart is Written for the part from byte offset i to j; differs is false where no
// value stands in it. A value that is only begun or ended in it counts whole.
func (t Text) WrittenPart(i, j int) (written string, differs bool) {
	at := i
	for _, v := range t.Values {
		if v.To <= i && v.From < v.To || v.From >= j {
			continue
		}
		written += t.Value[at:max(at, v.From)] + v.Raw
		at, differs = max(at, v.To), true
	}
	return written + t.Value[min(at, j):j], differs
}

// Slice returns the part from byte offset i to j, with its places. What was
// written of it is known only where nothing was put in its place.
func (t Text) Slice(i, j int) Text {
	out := Text{File: t.File, Value: t.Value[i:j]}
	if t.Raw != "" {
		out.Raw = t.Raw
	}
	k, found := slices.BinarySearchFunc(t.Marks, i, func(m Mark, at int) int { return cmp.Compare(m.Offset, at) })
	if line, col := t.Place(i); !found && line > 0 {
		out.Marks = append(out.Marks, Mark{Line: line, Col: col})
	}
	for _, v := range t.Values {
		if v.From < j && v.To > i {
			out.Values = append(out.Values, Value{max(v.From, i) - i, min(v.To, j) - i, v.Raw})
		}
	}
	for ; k < len(t.Marks) && t.Marks[k].Offset <= j; k++ {
		m := t.Marks[k]
		out.Marks = append(out.Marks, Mark{Offset: m.Offset - i, Line: m.Line, Col: m.Col})
	}
	return out
}

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
