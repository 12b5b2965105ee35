package template

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template/parse"
)

// Shared lets renderers of the same offers render once what stands in several of
// them alike, such as a description without its tags. It is for one goroutine.
type Shared struct {
	items  []*sharedItem
	linked int // items
	units  map[string]*unit
	memos  map[string]*memo
	first  int    // the row that cells begin with
	rows   int    // cells of a unit
	turn   uint32 // of Next: cells of earlier turns are empty
}

// NewShared returns a Shared without renderers.
func NewShared() *Shared { return &Shared{turn: 1, memos: map[string]*memo{}} }

// Renderer returns a renderer that shares with the others. By fields' names it
// gets the expressions that they stand for, those of equal texts being equal.
func (s *Shared) Renderer(t *Template, params, fields map[string]string) *Renderer {
	return newRenderer(t, params, &sharing{s, params, fields})
}

// Next has to be called before other rows than before are rendered, with the
// first and the number of those that come next.
func (s *Shared) Next(first, rows int) {
	s.first, s.rows = first, rows
	s.turn++
	if s.linked < len(s.items) {
		s.link()
	}
	for _, u := range s.units {
		u.bytes = u.bytes[:0]
	}
	for _, m := range s.memos {
		m.bytes = m.bytes[:0]
	}
}

// A unit is a part of items that renders to the same bytes wherever it stands.
type unit struct {
	users int
	cells []cell // by row
	bytes []byte // of all cells
}

// A cell is what a unit rendered for a row, and what that meant for the item.
type cell struct {
	from, to uint32 // in bytes
	filled   uint64
	turn     uint32
	unsure   bool
	dropped  int64
}

// sharing is what a renderer needs to share.
type sharing struct {
	*Shared
	params, fields map[string]string
}

// step shares what a step renders.
func (u *unit) step(s *Shared, render step) step {
	return func(p *press) { u.render(s, p, render) }
}

// render appends the cell of a row, which it renders unless that was done. What
// gives an item up is not kept.
func (u *unit) render(s *Shared, p *press, render step) {
	u.cells = roomFor(u.cells, s.rows)
	c := &u.cells[p.row-s.first]
	if c.turn != s.turn {
		u.fill(s, c, p, render)
		return
	}
	p.out = append(p.out, u.bytes[c.from:c.to]...)
	p.dropped += c.dropped
	p.filled |= c.filled
	p.unsure = p.unsure || c.unsure
}

// roomFor returns cells, n of them at least.
func roomFor[T any](cells []T, n int) []T {
	if len(cells) < n {
		return slices.Grow(cells, n-len(cells))[:n]
	}
	return cells
}

// fill renders for an item and keeps that in a cell.
func (u *unit) fill(s *Shared, c *cell, p *press, render step) {
	from, outer := len(p.out), p.state
	p.dropped, p.filled, p.unsure = 0, 0, false
	render(p)
	if p.err != nil {
		return
	}
	if text := p.out[from:]; len(u.bytes)+len(text) <= math.MaxUint32 {
		begin := uint32(len(u.bytes))
		u.bytes = append(u.bytes, text...)
		*c = cell{begin, begin + uint32(len(text)), p.filled, s.turn, p.unsure, p.dropped}
	}
	outer.dropped += p.dropped
	outer.filled |= p.filled
	outer.unsure = outer.unsure || p.unsure
	p.state = outer
}

// key is equal for nodes that render the same of an offer; false says that a node
// depends on more than the offer, params and fields that it names.
func (s *sharing) key(n parse.Node) (key string, ok bool) {
	r := &reads{}
	r.node(n)
	if r.more {
		return "", false
	}
	var b strings.Builder
	for _, name := range sortedOnce(r.fields) {
		expression, known := s.fields[name]
		if !known {
			return "", false
		}
		fmt.Fprintf(&b, "field %s %q ", name, expression)
	}
	for _, name := range sortedOnce(r.params) {
		value, set := s.params[name]
		fmt.Fprintf(&b, "param %s %t %q ", name, set, value)
	}
	fmt.Fprintf(&b, "%s", n)
	return b.String(), true
}

// reads is what a node of the item reads beside columns of the offer.
type reads struct {
	fields, params []string
	declared       []string // variables
	printed        []parse.Node
	level          int  // branches around
	inside         int  // of them those in which the dot is not what the item sees
	more           bool // anything else
}

func (r *reads) node(n parse.Node) {
	switch n := n.(type) {
	case *parse.TextNode:
	case *parse.ActionNode:
		r.pipe(n.Pipe)
		if len(n.Pipe.Decl) > 0 {
			r.more = r.more || r.level == 0
		} else {
			r.printed = append(r.printed, n)
		}
	case *parse.IfNode:
		r.branch(&n.BranchNode, 0)
	case *parse.WithNode:
		r.branch(&n.BranchNode, 1)
	case *parse.RangeNode:
		r.branch(&n.BranchNode, 1)
	default: // a call of a block
		r.more = true
	}
}

func (r *reads) branch(n *parse.BranchNode, inside int) {
	r.level++
	r.pipe(n.Pipe)
	r.inside += inside
	r.list(n.List)
	r.inside -= inside
	r.list(n.ElseList)
	r.level--
}

func (r *reads) list(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		r.node(n)
	}
}

func (r *reads) pipe(n *parse.PipeNode) {
	for _, cmd := range n.Cmds {
		for _, a := range cmd.Args {
			r.argument(a)
		}
	}
	for _, v := range n.Decl {
		if n.IsAssign {
			r.more = r.more || !slices.Contains(r.declared, v.Ident[0])
		}
		r.declared = append(r.declared, v.Ident[0])
	}
}

func (r *reads) argument(n parse.Node) {
	switch n := n.(type) {
	case *parse.DotNode:
		r.more = r.more || r.inside == 0
	case *parse.FieldNode:
		if r.inside == 0 {
			r.root(n.Ident)
		}
	case *parse.VariableNode:
		switch {
		case n.Ident[0] == "$":
			r.root(n.Ident[1:])
		case !slices.Contains(r.declared, n.Ident[0]):
			r.more = true
		}
	case *parse.ChainNode:
		r.argument(n.Node)
	case *parse.PipeNode:
		r.pipe(n)
	}
}

// root notes a chain of names that begins with what the item sees.
func (r *reads) root(names []string) {
	switch {
	case len(names) > 0 && names[0] == "offer":
	case len(names) > 1 && names[0] == "fields":
		r.fields = append(r.fields, names[1])
	case len(names) > 1 && names[0] == "params":
		r.params = append(r.params, names[1])
	default:
		r.more = true
	}
}

func sortedOnce(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
