package template

import (
	"cmp"
	"fmt"
	"slices"
	"text/template/parse"

	"github.com/feedmill/feedmill/internal/diag"
)

// A surveyor reads the XML of blocks and finds the contexts of their actions.
type surveyor struct {
	src   *source
	trees map[string]*parse.Tree
	layout
	entry  context         // in which the block being read began
	item   bool            // the block is the item, or called by it
	walked map[string]bool // blocks read, by the state in which they begin
	active []string        // the called blocks being read, outermost first
	at     int             // behind the last byte read
	found  diag.List
	failed bool // the block being read has a mistake; others would follow from it
}

func (s *surveyor) fail(d diag.Diagnostic) {
	if !s.failed {
		s.found = append(s.found, d)
	}
	s.failed = true
}

func (s *surveyor) list(list *parse.ListNode, m markup) markup {
	if list == nil {
		return m
	}
	for _, n := range list.Nodes {
		if s.failed {
			return m
		}
		m = s.node(n, m)
	}
	return m
}

func (s *surveyor) node(n parse.Node, m markup) markup {
	switch n := n.(type) {
	case *parse.TextNode:
		return s.text(n, m)
	case *parse.ActionNode:
		return s.action(n, m)
	case *parse.IfNode:
		return s.branches(&n.BranchNode, s.pause(n, m))
	case *parse.WithNode:
		return s.branches(&n.BranchNode, s.pause(n, m))
	case *parse.RangeNode:
		return s.loop(n, s.pause(n, m))
	case *parse.TemplateNode:
		return s.call(n, s.pause(n, m))
	default:
		return m
	}
}

func (s *surveyor) text(n *parse.TextNode, m markup) markup {
	if at := forbiddenAt(string(n.Text)); at < len(n.Text) {
		s.fail(s.src.at(int(n.Pos)+at, 1, "a character that XML forbids"))
		return m
	}
	var tags []tagPlace
	less := -1 // where the last < is
	for i, c := range n.Text {
		s.at = int(n.Pos) + i
		if c == '<' {
			less = i
		}
		next, p := m.read(c, s.at)
		if p != nil {
			s.fail(s.src.at(s.at, 1, "%s", p.message).WithHint("%s", p.hint))
			return m
		}
		s.note(m, next)
		switch {
		case len(next.open) > len(m.open):
			tags = append(tags, tagPlace{at: i + 1, name: m.tagName()})
		case len(next.open) < len(m.open):
			tags = append(tags, tagPlace{at: less, name: m.word, ends: true})
			s.torn = s.torn || less < 0
		}
		m = next
	}
	s.tags[n] = tags
	return m
}

// tagName is the name of the element whose tag is being read.
func (m markup) tagName() string { return cmp.Or(m.tag, m.word) }

// note remembers the elements of the item.
func (s *surveyor) note(before, after markup) {
	if !s.item || before.tag == "" && before.mode != inName || after.mode != inContent {
		return
	}
	s.elements[before.tagName()] = true
	s.parents[before.innermost()] = true
}

// pause checks that an action may stand here, and gives the state in which its
// own text begins.
func (s *surveyor) pause(n parse.Node, m markup) markup {
	switch {
	case m.mode == inName:
		return m.nameEnded()
	case m.mode == inValue && m.names:
		s.fail(s.src.node(n, "an action cannot stand %s", m.where()))
	case m.mode == inCDATA && m.tail > 0:
		s.fail(s.src.node(n, "an action right behind a ] in a CDATA section").WithHint("put a blank between them"))
	case m.mode == inContent, m.mode == inValue, m.mode == inCDATA, between(m.mode):
	default:
		s.fail(s.src.node(n, "an action cannot stand %s", m.where()))
	}
	return m
}

func (s *surveyor) action(n *parse.ActionNode, m markup) markup {
	m = s.pause(n, m)
	if len(n.Pipe.Decl) > 0 || s.failed {
		return m
	}
	in, ok := m.context()
	switch {
	case !ok:
		s.fail(s.src.node(n, "a value cannot stand %s", m.where()).WithHint(`values stand in text, in CDATA and in name="..."`))
	case in == inText && !m.inside():
		s.fail(s.src.node(n, "a value cannot stand %s", m.where()).WithHint("%s", m.outsideHint()))
	}
	s.contexts[place{n, s.entry}] = in
	return m.resumed()
}

// context is the context of a value that stands here.
func (m markup) context() (in context, ok bool) {
	switch m.mode {
	case inContent:
		return inText, true
	case inValue:
		return inAttribute, true
	case inCDATA:
		return inSection, true
	default:
		return inText, false
	}
}

// resumed is the state behind a value: it may have ended in "]]".
func (m markup) resumed() markup {
	if m.mode == inContent {
		m.tail, m.begun = 2, true
	}
	return m
}

func (s *surveyor) branches(n *parse.BranchNode, m markup) markup {
	then := s.pause(n, s.list(n.List, m))
	otherwise := s.pause(n, s.list(n.ElseList, m))
	if s.failed {
		return m
	}
	merged, ok := merge(then, otherwise)
	if !ok {
		s.fail(s.src.node(n.Pipe, "one branch ends %s, the other %s", then.where(), otherwise.where()).
			WithHint("each branch must end the elements that it begins"))
	}
	return merged
}

func (s *surveyor) loop(n *parse.RangeNode, m markup) markup {
	if between(m.mode) {
		s.fail(s.src.node(n.Pipe, "range cannot stand inside a tag").WithHint("it would repeat an attribute"))
		return m
	}
	begin := m.resumed()
	end := s.pause(n, s.list(n.List, begin))
	otherwise := s.pause(n, s.list(n.ElseList, m))
	if s.failed {
		return m
	}
	again, ok := merge(end, begin)
	merged, same := merge(again, otherwise)
	if end.rooted != begin.rooted {
		s.fail(s.src.node(n.Pipe, "the root element cannot stand inside a range"))
	}
	if !ok || !same || end.attrs != begin.attrs {
		s.fail(s.src.node(n.Pipe, "range begins %s and ends %s", begin.where(), end.where()).
			WithHint("it must end the elements that it begins"))
	}
	return merged
}

// call reads a block where it is called.
func (s *surveyor) call(n *parse.TemplateNode, m markup) markup {
	in, ok := m.context()
	tree := s.trees[n.Name]
	if tree == nil || s.failed {
		return m
	}
	if !ok {
		s.fail(s.src.node(n, "a block cannot be called %s", m.where()))
		return m
	}
	s.entries[place{n, s.entry}] = in
	begin := m.called()
	if key := fmt.Sprintf("%q %t %+v", n.Name, s.item, begin); !s.walked[key] && !slices.Contains(s.active, n.Name) {
		s.walked[key] = true
		s.inner(n, tree, in, begin)
	}
	return m.resumed()
}

func (s *surveyor) inner(n *parse.TemplateNode, tree *parse.Tree, in context, begin markup) {
	outer, at := s.entry, s.at
	s.entry = in
	s.active = append(s.active, n.Name)
	end := s.pause(tree.Root, s.list(tree.Root, begin))
	s.balanced(end, begin, "the block "+n.Name)
	s.active = s.active[:len(s.active)-1]
	s.entry, s.at = outer, at
}
