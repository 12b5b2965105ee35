package template

import (
	"strings"
	"text/template/parse"
)

// A memo keeps the texts without tags of a column, for all renderers that ask for them
// in different atoms.
type memo struct {
	users int
	cells []stripping // by row
	bytes []byte      // of all cells
}

// A stripping is what striphtml makes of a text, if that is not the text itself.
type stripping struct {
	turn     uint32
	plain    bool
	from, to int // in bytes
}

// memo finds or makes the memo of a chain of names of an offer.
func (s *Shared) memo(names []string) *memo {
	key := strings.Join(names, ".")
	m := s.memos[key]
	if m == nil {
		m = &memo{}
		s.memos[key] = m
	}
	m.users++
	return m
}

// stripped is striphtml of what names lead to.
func (m *memo) stripped(s *Shared, value, strip expression) expression {
	return func(p *press) operand {
		v := value(p)
		if v.kind != isText || m.users < 2 || p.row < s.first || p.row >= s.first+s.rows {
			return strip(p)
		}
		m.cells = roomFor(m.cells, s.rows)
		c := &m.cells[p.row-s.first]
		if c.turn != s.turn {
			m.fill(s, c, v.s)
		}
		if c.plain {
			return v
		}
		return textOperand(viewOf(m.bytes[c.from:c.to]))
	}
}

func (m *memo) fill(s *Shared, c *stripping, text string) {
	*c = stripping{turn: s.turn, plain: isPlain(text), from: len(m.bytes)}
	if !c.plain {
		m.bytes = appendStripped(m.bytes, text)
		c.to = len(m.bytes)
	}
}

// namesOf returns the names by which a node leads from what the item sees, nil if it
// does not.
func (c *compiler) namesOf(n parse.Node) []string {
	switch n := n.(type) {
	case *parse.DotNode:
		return c.dot
	case *parse.FieldNode:
		if c.atRoot {
			return n.Ident
		}
	case *parse.VariableNode:
		if c.inItem && n.Ident[0] == "$" {
			return n.Ident[1:]
		}
	}
	return nil
}

// single returns the only node of a pipeline, nil if there are more.
func single(n *parse.PipeNode) parse.Node {
	if len(n.Cmds) != 1 || len(n.Cmds[0].Args) != 1 {
		return nil
	}
	return n.Cmds[0].Args[0]
}
