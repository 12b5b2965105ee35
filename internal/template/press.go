package template

import (
	"text/template/parse"

	"github.com/apache/arrow-go/v18/arrow"
)

// A press renders items of one compiled item block, whose parts are functions of
// it. It is for one goroutine.
type press struct {
	offers, fields arrow.RecordBatch
	row            int
	params         map[string]any

	out     []byte // the item
	scratch []byte // texts that were made on the way
	dropped int64  // characters that XML forbids
	err     error  // the first: the item is given up

	dot  operand
	vars []operand
	base int // where the variables of the block begin
}

// A step renders a part of an item; an expression computes a value of it.
type (
	step       func(p *press)
	expression func(p *press) operand
)

// item renders the item of a row; the bytes are good until the next call.
func (p *press) item(body step, offers, fields arrow.RecordBatch, row int) ([]byte, error) {
	p.offers, p.fields, p.row = offers, fields, row
	p.out, p.scratch, p.dropped, p.err = p.out[:0], p.scratch[:0], 0, nil
	p.dot, p.base = operand{kind: isRoot}, 0
	body(p)
	return p.out, p.err
}

// A compiler turns the item block, and the blocks that it uses, into a step. The
// caches of what it makes are a press's own.
type compiler struct {
	trees  map[string]*parse.Tree
	layout layout
	entry  context
	scope  []string // names of the variables of the block, by slot
	blocks map[string]*block
}

// A block is compiled once for each context in which it is called.
type block struct{ body step }

func compile(trees map[string]*parse.Tree, found layout) step {
	c := &compiler{trees: trees, layout: found, blocks: map[string]*block{}}
	return c.block(itemBlock, inText)
}

// block compiles a block whose dot has been set.
func (c *compiler) block(name string, entry context) step {
	outer, scope := c.entry, c.scope
	c.entry, c.scope = entry, []string{"$"}
	body := c.list(c.trees[name].Root)
	c.entry, c.scope = outer, scope
	return func(p *press) {
		base := p.base
		p.base = len(p.vars)
		p.set(0, p.dot)
		body(p)
		p.vars = p.vars[:p.base]
		p.base = base
	}
}

// set gives a variable of the block its value.
func (p *press) set(slot int, v operand) {
	for len(p.vars) <= p.base+slot {
		p.vars = append(p.vars, operand{})
	}
	p.vars[p.base+slot] = v
}

// slot returns the slot of a variable; the one declared last counts.
func (c *compiler) slot(name string) int {
	for i := len(c.scope) - 1; i >= 0; i-- {
		if c.scope[i] == name {
			return i
		}
	}
	panic("template: no variable " + name)
}

func (c *compiler) list(list *parse.ListNode) step {
	if list == nil {
		return func(*press) {}
	}
	var steps []step
	for _, n := range list.Nodes {
		if s := c.node(n); s != nil {
			steps = append(steps, s)
		}
	}
	switch len(steps) {
	case 1:
		return steps[0]
	default:
		return func(p *press) {
			for _, s := range steps {
				if s(p); p.err != nil {
					return
				}
			}
		}
	}
}

func (c *compiler) node(n parse.Node) step {
	switch n := n.(type) {
	case *parse.TextNode:
		return func(p *press) { p.out = append(p.out, n.Text...) }
	case *parse.ActionNode:
		return c.action(n)
	case *parse.IfNode:
		return c.branch(&n.BranchNode, false)
	case *parse.WithNode:
		return c.branch(&n.BranchNode, true)
	case *parse.RangeNode:
		return c.loop(&n.BranchNode)
	case *parse.TemplateNode:
		return c.call(n)
	default: // a comment
		return nil
	}
}

func (c *compiler) action(n *parse.ActionNode) step {
	value := c.pipe(n.Pipe)
	if len(n.Pipe.Decl) > 0 {
		return func(p *press) { value(p) }
	}
	in := c.layout.contexts[place{n, c.entry}]
	return func(p *press) { p.print(in, value(p)) }
}

// print prints a value, escaped for where it stands.
func (p *press) print(in context, v operand) {
	switch v.kind {
	case isNull:
	case isInt, isDecimal, isTime:
		p.out = p.appendText(p.out, v) // has nothing to be escaped
	default:
		var dropped int64
		p.out, dropped = appendEscaped(p.out, in, p.text(v))
		p.dropped += dropped
	}
}

// branch is if and with.
func (c *compiler) branch(n *parse.BranchNode, with bool) step {
	mark := len(c.scope)
	test := c.pipe(n.Pipe)
	then, otherwise := c.list(n.List), c.list(n.ElseList)
	c.scope = c.scope[:mark]
	return func(p *press) {
		v := test(p)
		switch {
		case p.err != nil:
		case !v.holds():
			otherwise(p)
		case with:
			dot := p.dot
			p.dot = v
			then(p)
			p.dot = dot
		default:
			then(p)
		}
	}
}

// loop is range.
func (c *compiler) loop(n *parse.BranchNode) step {
	mark := len(c.scope)
	over := c.pipe(n.Pipe)
	var slots []int
	for _, v := range n.Pipe.Decl {
		slots = append(slots, c.slot(v.Ident[0]))
	}
	body, otherwise := c.list(n.List), c.list(n.ElseList)
	c.scope = c.scope[:mark]
	return func(p *press) {
		list := over(p)
		if p.err != nil {
			return
		}
		dot, any := p.dot, false
		p.each(list, func(key, elem operand) bool {
			any = true
			switch len(slots) {
			case 1:
				p.set(slots[0], elem)
			case 2:
				p.set(slots[0], key)
				p.set(slots[1], elem)
			}
			p.dot = elem
			body(p)
			return p.err == nil
		})
		if p.dot = dot; !any {
			otherwise(p)
		}
	}
}

func (c *compiler) call(n *parse.TemplateNode) step {
	dot := func(*press) operand { return operand{} }
	if n.Pipe != nil {
		dot = c.pipe(n.Pipe)
	}
	entry := c.layout.entries[place{n, c.entry}]
	key := printFunction[entry] + " " + n.Name
	b := c.blocks[key]
	if b == nil {
		b = &block{}
		c.blocks[key] = b
		b.body = c.block(n.Name, entry)
	}
	return func(p *press) {
		v, outer := dot(p), p.dot
		if p.err != nil {
			return
		}
		p.dot = v
		b.body(p)
		p.dot = outer
	}
}
