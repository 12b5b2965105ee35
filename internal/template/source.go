package template

import (
	"sort"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"github.com/feedmill/feedmill/internal/diag"
)

// A source is a template's text, which knows where each byte stands.
type source struct {
	file   *diag.File
	text   string
	starts []int // the offset of each line
}

func newSource(file *diag.File) *source {
	s := &source{file: file, text: strings.Join(file.Lines, "\n")}
	at := 0
	for _, line := range file.Lines {
		s.starts = append(s.starts, at)
		at += len(line) + 1
	}
	return s
}

// at is a mistake in the length bytes from an offset on.
func (s *source) at(offset, length int, format string, args ...any) diag.Diagnostic {
	offset = min(max(offset, 0), len(s.text))
	end := min(offset+length, len(s.text))
	line, col := s.place(offset)
	return s.file.At(line, col, utf8.RuneCountInString(s.text[offset:end]), format, args...)
}

// place is the line and column of an offset.
func (s *source) place(offset int) (line, col int) {
	line = sort.SearchInts(s.starts, offset+1)
	return line, utf8.RuneCountInString(s.text[s.starts[line-1]:offset]) + 1
}

// node is a mistake in a node of the parse tree.
func (s *source) node(n parse.Node, format string, args ...any) diag.Diagnostic {
	if call, ok := n.(*parse.TemplateNode); ok {
		return s.at(start(n), len(strconv.Quote(call.Name)), format, args...)
	}
	return s.at(start(n), len(n.String()), format, args...)
}

// start is the offset of a node. The parser gives for a chain of names the
// place of its second name.
func start(n parse.Node) int {
	at := int(n.Position())
	switch n := n.(type) {
	case *parse.FieldNode:
		if len(n.Ident) > 1 {
			at -= len(n.Ident[0]) + 1
		}
	case *parse.VariableNode:
		if len(n.Ident) > 1 {
			at -= len(n.Ident[0])
		}
	case *parse.ChainNode:
		at = start(n.Node)
	}
	return at
}

// name is a mistake in the i-th name of a chain that ends with node n.
func (s *source) name(n parse.Node, chain []string, i int, format string, args ...any) diag.Diagnostic {
	at := start(n)
	switch n := n.(type) {
	case *parse.FieldNode:
		at++
	case *parse.VariableNode:
		at += len(n.Ident[0]) + 1
	case *parse.ChainNode:
		at = int(n.Pos) + 1
	}
	for _, name := range chain[:i] {
		at += len(name) + 1
	}
	return s.at(at, len(chain[i]), format, args...)
}
