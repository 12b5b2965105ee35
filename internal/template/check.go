package template

import (
	"slices"
	"strings"
	"text/template/parse"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// The blocks of a template.
const (
	headerBlock = "header"
	itemBlock   = "item"
	footerBlock = "footer"
)

// A checker looks at what the actions of one block refer to.
type checker struct {
	src    *source
	trees  map[string]*parse.Tree
	block  string // which of the three is being checked
	uses   *uses
	vars   []variable
	active []string // the blocks being walked, outermost first
	walked map[string]bool
	found  diag.List
}

type variable struct {
	name string
	shape
}

// checkBlock checks a block that sees dot, with all blocks it uses.
func checkBlock(src *source, trees map[string]*parse.Tree, block string, dot offer.Type) (*uses, diag.List) {
	c := &checker{src: src, trees: trees, block: block, uses: newUses(), walked: map[string]bool{}}
	c.enter(block, shape{t: &dot, whole: theRoot})
	return c.uses, c.found
}

func (c *checker) add(d diag.Diagnostic) { c.found = append(c.found, d) }

// enter walks a block with its own variables, once for each shape of its dot.
func (c *checker) enter(name string, dot shape) {
	key := name + " " + dot.name()
	if c.walked[key] {
		return
	}
	c.walked[key] = true
	c.uses.blocks[name] = true
	dot.constant = nil // the next call may bring another
	outer := c.vars
	c.vars = []variable{{"$", dot}}
	c.active = append(c.active, name)
	c.list(c.trees[name].Root, dot)
	c.active = c.active[:len(c.active)-1]
	c.vars = outer
}

func (c *checker) list(list *parse.ListNode, dot shape) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		c.node(n, dot)
	}
}

func (c *checker) node(n parse.Node, dot shape) {
	switch n := n.(type) {
	case *parse.TextNode:
	case *parse.ActionNode:
		if s := c.pipe(n.Pipe, dot); len(n.Pipe.Decl) == 0 {
			c.prints(n.Pipe, s)
		}
	case *parse.IfNode:
		c.branch(&n.BranchNode, dot, func(shape) shape { return dot })
	case *parse.WithNode:
		c.branch(&n.BranchNode, dot, func(s shape) shape { return s })
	case *parse.RangeNode:
		c.loop(n, dot)
	case *parse.TemplateNode:
		c.call(n, dot)
	default:
		c.add(c.src.node(n, "%s is not supported", n))
	}
}

func (c *checker) branch(n *parse.BranchNode, dot shape, inside func(shape) shape) {
	mark := len(c.vars)
	s := c.pipe(n.Pipe, dot)
	c.uses.allParams = c.uses.allParams || s.whole == theParams // whether there are any
	c.list(n.List, inside(s))
	c.list(n.ElseList, dot)
	c.vars = c.vars[:mark]
}

func (c *checker) loop(n *parse.RangeNode, dot shape) {
	mark := len(c.vars)
	key, elem := c.elements(n.Pipe, c.value(n.Pipe, dot))
	if n.Pipe.IsAssign {
		c.add(c.src.node(n.Pipe, "range declares its variables with :="))
	}
	switch decl := n.Pipe.Decl; len(decl) {
	case 1:
		c.declare(decl[0], elem)
	case 2:
		c.declare(decl[0], key)
		c.declare(decl[1], elem)
	}
	c.list(n.List, elem)
	c.list(n.ElseList, dot)
	c.vars = c.vars[:mark]
}

// elements is the shapes of what range goes over.
func (c *checker) elements(n parse.Node, s shape) (key, elem shape) {
	switch {
	case s.t == nil && s.whole == noWhole:
		return unknown, unknown
	case s.is(offer.List):
		return kind(offer.Int), of(*s.t.Elem)
	case s.is(offer.Map):
		c.uses.allParams = c.uses.allParams || s.whole == theParams
		return kind(offer.String), of(*s.t.Elem)
	}
	c.add(c.src.node(n, "range goes over a list or a map, not %s", s.name()))
	return unknown, unknown
}

func (c *checker) call(n *parse.TemplateNode, dot shape) {
	c.uses.blocks[n.Name] = true
	if strings.HasSuffix(strings.TrimRight(c.src.text[:n.Pos], " \t\r\n"), "block") {
		c.add(c.src.node(n, "block is not supported").WithHint("write a define and a template action"))
		return
	}
	s := unknown
	if n.Pipe != nil {
		s = c.pipe(n.Pipe, dot)
	}
	switch {
	case n.Pipe == nil:
		c.add(c.src.node(n, "template %q is given nothing to see", n.Name).WithHint("{{template %q .}}", n.Name))
	case n.Name == "" || c.trees[n.Name] == nil:
		c.add(c.src.node(n, "there is no block %q", n.Name).WithHint("%s", diag.DidYouMean(n.Name, c.blocks())))
	case slices.Contains(c.active, n.Name):
		c.add(c.src.node(n, "block %q uses itself", n.Name))
	default:
		c.enter(n.Name, s)
	}
}

func (c *checker) blocks() []string {
	var names []string
	for name := range c.trees {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// prints checks that a value has a text.
func (c *checker) prints(n parse.Node, s shape) {
	switch {
	case s.fits(scalars...):
	case s.is(offer.List):
		c.add(c.src.node(n, "%s does not print", s.name()).WithHint("use join LIST SEPARATOR, or range"))
	case s.is(offer.Map):
		c.add(c.src.node(n, "%s does not print", s.name()).WithHint("use index MAP KEY, or range"))
	default:
		c.add(c.src.node(n, "%s does not print", s.name()).WithHint("select one of %s", strings.Join(s.names(), ", ")))
	}
}
