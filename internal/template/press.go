package template

import (
	"text/template/parse"

	"github.com/apache/arrow-go/v18/arrow"
)

// A press renders items of one compiled item block, whose parts are functions of
// it. It is for one goroutine.
type press struct {
	offers, fields arrow.RecordBatch
	columns        []arrow.Array // those that the item names, nil for one that is not there
	row            int
	params         map[string]any

	out     []byte // ends in the item
	scratch []byte // texts that were made on the way
	err     error  // the first: the item is given up
	state

	dot  operand
	vars []operand
	base int // where the variables of the block begin
}

// A state is what there is to say of an item, as far as it is rendered.
type state struct {
	dropped int64 // characters that XML forbids
	obeys
}

// A step renders a part of an item; an expression computes a value of it.
type (
	step       func(p *press)
	expression func(p *press) operand
)

// item appends the item of a row of the bound batch to out.
func (p *press) item(body step, row int) error {
	p.row, p.scratch, p.err = row, p.scratch[:0], nil
	p.dot, p.base = operand{kind: isRoot}, 0
	p.state = state{obeys: obeys{begun: p.begun[:0]}}
	body(p)
	return p.err
}

// A compiler turns the item block, and the blocks that it uses, into a step. The
// caches of what it makes are a press's own.
type compiler struct {
	trees   map[string]*parse.Tree
	layout  layout
	params  map[string]string
	rules   []rule
	marked  bool     // in what was compiled a rule looks at an element
	level   int      // how many such elements it left open
	lowest  int      // the least that level was: below 0, elements ended that began before
	sharing *sharing // nil: with nobody
	entry   context
	first   parse.Node // of the item
	inItem  bool       // the block is the item itself: $ is what the item sees
	atRoot  bool       // so is the dot
	dot     []string   // the names by which the dot is reached from there, nil if it is not
	scope   []string   // names of the variables of the block, by slot
	blocks  map[string]*block
	columns []columnName
}

// A block is compiled once for each context in which it is called.
type block struct{ body step }

// program is a compiled item, and the columns that it names.
type program struct {
	body    step
	columns []columnName
}

func (t *Template) compile(params map[string]string, with *sharing) program {
	c := &compiler{trees: t.trees, layout: t.layout, params: params, sharing: with, blocks: map[string]*block{}}
	if !t.layout.torn {
		c.rules = t.rules
	}
	c.inItem, c.atRoot = true, true
	if nodes := t.trees[itemBlock].Root.Nodes; len(nodes) > 0 {
		c.first = nodes[0]
	}
	body := c.block(itemBlock, inText)
	return program{body, c.columns}
}

// called compiles a block that another calls.
func (c *compiler) called(name string, entry context) step {
	inItem, atRoot, dot := c.inItem, c.atRoot, c.dot
	c.inItem, c.atRoot, c.dot = false, false, nil
	body := c.block(name, entry)
	c.inItem, c.atRoot, c.dot = inItem, atRoot, dot
	return body
}

// block compiles a block whose dot has been set.
func (c *compiler) block(name string, entry context) step {
	outer, scope := c.entry, c.scope
	c.entry, c.scope = entry, []string{"$"}
	body := c.body(c.trees[name].Root)
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

// body compiles what a block is of, in atoms if it is the item and shares.
func (c *compiler) body(root *parse.ListNode) step {
	if c.inItem && c.sharing != nil {
		return c.sharing.item(c.atoms(root))
	}
	return sequence(c.steps(root))
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
	return sequence(c.steps(list))
}

func (c *compiler) steps(list *parse.ListNode) []step {
	var steps []step
	for _, n := range list.Nodes {
		if s := c.node(n); s != nil {
			steps = append(steps, s)
		}
	}
	return steps
}

func sequence(steps []step) step {
	if len(steps) == 1 {
		return steps[0]
	}
	return func(p *press) {
		for _, s := range steps {
			if s(p); p.err != nil {
				return
			}
		}
	}
}

func (c *compiler) node(n parse.Node) step {
	switch n := n.(type) {
	case *parse.TextNode:
		return c.text(n)
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
	level := c.level
	var then step
	if with {
		then = c.elsewhere(n.List, c.namesOf(single(n.Pipe)))
	} else {
		then = c.list(n.List)
	}
	c.level = level // of two branches one is taken
	otherwise := c.list(n.ElseList)
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

// elsewhere compiles a list in which the dot is something else, which names lead to from
// what the item sees, or none do.
func (c *compiler) elsewhere(list *parse.ListNode, names []string) step {
	atRoot, dot := c.atRoot, c.dot
	c.atRoot, c.dot = false, names
	s := c.list(list)
	c.atRoot, c.dot = atRoot, dot
	return s
}

// loop is range.
func (c *compiler) loop(n *parse.BranchNode) step {
	mark := len(c.scope)
	over := c.pipe(n.Pipe)
	var slots []int
	for _, v := range n.Pipe.Decl {
		slots = append(slots, c.slot(v.Ident[0]))
	}
	body, otherwise := c.elsewhere(n.List, nil), c.list(n.ElseList)
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
		b.body = c.called(n.Name, entry)
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
