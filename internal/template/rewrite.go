package template

import (
	"text/template"
	"text/template/parse"
)

// Names of the functions that only a rewritten template calls.
const (
	selectFunction  = "select"
	rangeFunction   = "elements"
	textFunction    = "text"
	valueFunction   = "attribute"
	sectionFunction = "section"
)

var printFunction = [...]string{inText: textFunction, inAttribute: valueFunction, inSection: sectionFunction}

// A rewriter turns the blocks, whose names and escaping are implied, into a
// text/template that says all of it: every chain of names becomes a call of
// select, every action that prints ends in the function that escapes for its
// context, range goes over elements, and a block is copied for each context in
// which it is called.
type rewriter struct {
	trees  map[string]*parse.Tree
	layout layout
	out    *template.Template
	entry  context
	err    error
}

// rewrite returns a set of templates named as the three blocks.
func rewrite(trees map[string]*parse.Tree, found layout) (*template.Template, error) {
	r := &rewriter{trees: trees, layout: found, out: template.New("").Funcs(functions()).Funcs((&run{}).functions())}
	for _, block := range []string{headerBlock, itemBlock, footerBlock} {
		r.copy(block, block, inText)
	}
	return r.out, r.err
}

// copy adds a rewritten copy of a block to the set.
func (r *rewriter) copy(block, name string, entry context) {
	outer := r.entry
	r.entry = entry
	tree := r.trees[block].Copy()
	tree.Name, tree.Root = name, r.list(r.trees[block].Root)
	if _, err := r.out.AddParseTree(name, tree); err != nil && r.err == nil {
		r.err = err
	}
	r.entry = outer
}

func (r *rewriter) list(list *parse.ListNode) *parse.ListNode {
	if list == nil {
		return nil
	}
	out := &parse.ListNode{NodeType: parse.NodeList, Pos: list.Pos}
	for _, n := range list.Nodes {
		out.Nodes = append(out.Nodes, r.node(n))
	}
	return out
}

func (r *rewriter) node(n parse.Node) parse.Node {
	switch n := n.(type) {
	case *parse.ActionNode:
		return r.action(n)
	case *parse.IfNode:
		return &parse.IfNode{BranchNode: r.branch(&n.BranchNode)}
	case *parse.WithNode:
		return &parse.WithNode{BranchNode: r.branch(&n.BranchNode)}
	case *parse.RangeNode:
		loop := &parse.RangeNode{BranchNode: r.branch(&n.BranchNode)}
		loop.Pipe.Cmds = append(loop.Pipe.Cmds, command(n.Pos, rangeFunction))
		return loop
	case *parse.TemplateNode:
		return r.call(n)
	default:
		return n
	}
}

func (r *rewriter) action(n *parse.ActionNode) parse.Node {
	out := &parse.ActionNode{NodeType: n.NodeType, Pos: n.Pos, Line: n.Line, Pipe: r.pipe(n.Pipe)}
	if len(n.Pipe.Decl) == 0 {
		in := r.layout.contexts[place{n, r.entry}]
		out.Pipe.Cmds = append(out.Pipe.Cmds, command(n.Pos, printFunction[in]))
	}
	return out
}

func (r *rewriter) branch(n *parse.BranchNode) parse.BranchNode {
	return parse.BranchNode{NodeType: n.NodeType, Pos: n.Pos, Line: n.Line,
		Pipe: r.pipe(n.Pipe), List: r.list(n.List), ElseList: r.list(n.ElseList)}
}

func (r *rewriter) call(n *parse.TemplateNode) parse.Node {
	entry := r.layout.entries[place{n, r.entry}]
	name := printFunction[entry] + " " + n.Name
	if r.out.Lookup(name) == nil {
		r.copy(n.Name, name, entry)
	}
	return &parse.TemplateNode{NodeType: n.NodeType, Pos: n.Pos, Line: n.Line, Name: name, Pipe: r.pipe(n.Pipe)}
}

func (r *rewriter) pipe(n *parse.PipeNode) *parse.PipeNode {
	out := &parse.PipeNode{NodeType: n.NodeType, Pos: n.Pos, Line: n.Line, IsAssign: n.IsAssign, Decl: n.Decl}
	for _, cmd := range n.Cmds {
		rewritten := &parse.CommandNode{NodeType: cmd.NodeType, Pos: cmd.Pos}
		for _, a := range cmd.Args {
			rewritten.Args = append(rewritten.Args, r.argument(a))
		}
		out.Cmds = append(out.Cmds, rewritten)
	}
	return out
}

func (r *rewriter) argument(n parse.Node) parse.Node {
	switch n := n.(type) {
	case *parse.FieldNode:
		return selection(n.Pos, &parse.DotNode{NodeType: parse.NodeDot, Pos: n.Pos}, n.Ident)
	case *parse.VariableNode:
		if len(n.Ident) == 1 {
			return n
		}
		root := &parse.VariableNode{NodeType: n.NodeType, Pos: n.Pos, Ident: n.Ident[:1]}
		return selection(n.Pos, root, n.Ident[1:])
	case *parse.ChainNode:
		return selection(n.Pos, r.argument(n.Node), n.Field)
	case *parse.PipeNode:
		return r.pipe(n)
	default:
		return n
	}
}

// selection is the parenthesised call (select from "name" "name").
func selection(at parse.Pos, from parse.Node, names []string) parse.Node {
	call := command(at, selectFunction)
	call.Args = append(call.Args, from)
	for _, name := range names {
		call.Args = append(call.Args, &parse.StringNode{NodeType: parse.NodeString, Pos: at, Quoted: name, Text: name})
	}
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{call}}
}

func command(at parse.Pos, function string) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{parse.NewIdentifier(function).SetPos(at)}}
}
