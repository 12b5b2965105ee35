package template

import (
	"fmt"
	"text/template/parse"
)

// An atom is a part of an item that is rendered as one: a node of the item block,
// or a piece of a text.
type atom struct {
	key    string // equal for those that render the same of an offer; "" for one that nobody else has
	keeps  bool   // what it renders is worth keeping: it is more than a text of the template
	level  int    // 1: an element begins that rules are about; -1: one ends
	render step
}

// atoms compiles the item.
func (c *compiler) atoms(root *parse.ListNode) []atom {
	var out []atom
	for _, n := range root.Nodes {
		if text, ok := n.(*parse.TextNode); ok {
			out = append(out, c.pieces(text)...)
			continue
		}
		c.marked, c.level, c.lowest = false, 0, 0
		if s := c.node(n); s != nil {
			out = append(out, c.atom(n, s))
		}
	}
	return out
}

// atom makes an atom of a node that was just compiled. One that ends an element
// that began before it, or the other way round, nobody else has: what rules say
// depends on more than it.
func (c *compiler) atom(n parse.Node, render step) atom {
	key, ok := c.sharing.key(n)
	if !ok || c.level != 0 || c.lowest < 0 {
		return atom{render: render}
	}
	rules := c.rules
	if !c.marked {
		rules = nil
	}
	return atom{key: fmt.Sprintf("%v %+v %s", c.contexts(n), rules, key), keeps: true, render: render}
}

// contexts are those of the values in a node of the item.
func (c *compiler) contexts(n parse.Node) []context {
	r := &reads{}
	r.node(n)
	var out []context
	for _, printed := range r.printed {
		out = append(out, c.layout.contexts[place{printed, c.entry}])
	}
	return out
}

// A stretch is atoms from..to-1.
type stretch struct{ from, to int }

// balanced cuts a stretch where an element begins that does not end in it, or ends
// that did not begin in it.
func balanced(atoms []atom, s stretch) []stretch {
	var open, alone []int
	for i := s.from; i < s.to; i++ {
		switch {
		case atoms[i].level > 0:
			open = append(open, i)
		case atoms[i].level < 0 && len(open) > 0:
			open = open[:len(open)-1]
		case atoms[i].level < 0:
			alone = append(alone, i)
		}
	}
	var out []stretch
	from := s.from
	for _, i := range append(alone, append(open, s.to)...) {
		if from < i {
			out = append(out, stretch{from, i})
		}
		from = i + 1
	}
	return out
}
