package template

import (
	"slices"
	"strings"
	"text/template/parse"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// pipe is the shape of a pipeline, whose variables it declares or assigns.
func (c *checker) pipe(n *parse.PipeNode, dot shape) shape {
	s := c.value(n, dot)
	for _, v := range n.Decl {
		if n.IsAssign {
			c.assign(n, v, s)
		} else {
			c.declare(v, s)
		}
	}
	return s
}

func (c *checker) declare(v *parse.VariableNode, s shape) {
	s.constant = nil
	c.vars = append(c.vars, variable{v.Ident[0], s})
}

func (c *checker) assign(n parse.Node, v *parse.VariableNode, s shape) {
	if len(v.Ident) > 1 || v.Ident[0] == "$" {
		c.add(c.src.node(v, "%s cannot be assigned to", v))
		return
	}
	was := c.variable(v.Ident[0])
	if was.t != nil && s.t != nil && either(was, s).t == nil {
		c.add(c.src.node(n, "%s is %s and cannot become %s", v, was.name(), s.name()))
	}
}

func (c *checker) variable(name string) shape {
	for i := len(c.vars) - 1; i >= 0; i-- {
		if c.vars[i].name == name {
			return c.vars[i].shape
		}
	}
	return unknown
}

func (c *checker) value(n *parse.PipeNode, dot shape) shape {
	var last *argument
	for _, cmd := range n.Cmds {
		s := c.command(cmd, dot, last)
		last = &argument{cmd, s}
	}
	return last.shape
}

// command is the shape of a command to which last, unless it is nil, is piped.
func (c *checker) command(n *parse.CommandNode, dot shape, last *argument) shape {
	if name, ok := n.Args[0].(*parse.IdentifierNode); ok {
		var args []argument
		for _, a := range n.Args[1:] {
			args = append(args, argument{a, c.argument(a, dot)})
		}
		if last != nil {
			args = append(args, *last)
		}
		return c.function(name, n, args)
	}
	if len(n.Args) > 1 || last != nil {
		c.add(c.src.node(n.Args[0], "%s is not a function and takes no arguments", n.Args[0]))
	}
	return c.argument(n.Args[0], dot)
}

func (c *checker) argument(n parse.Node, dot shape) shape {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return c.chain(n, dot, n.Ident)
	case *parse.VariableNode:
		return c.chain(n, c.variable(n.Ident[0]), n.Ident[1:])
	case *parse.ChainNode:
		return c.chained(n, dot)
	case *parse.PipeNode:
		return c.parenthesised(n, dot)
	case *parse.IdentifierNode:
		return c.function(n, n, nil)
	case *parse.BoolNode:
		return shape{t: kind(offer.Bool).t, constant: n.True}
	case *parse.StringNode:
		return shape{t: kind(offer.String).t, constant: n.Text}
	case *parse.NumberNode:
		return c.number(n)
	default:
		c.add(c.src.node(n, "%s is not supported", n).WithHint("null is false: test it with if or not"))
		return unknown
	}
}

func (c *checker) number(n *parse.NumberNode) shape {
	switch v := numberOf(n).(type) {
	case float64:
		return shape{t: kind(offer.Double).t, constant: v}
	case int64:
		return shape{t: kind(offer.Int).t, constant: v}
	}
	c.add(c.src.node(n, "%s is neither an int nor a double", n))
	return unknown
}

// numberOf is a constant: text/template makes a double of one that is written
// with a point or an exponent. It is nil for what is neither an int nor a double.
func numberOf(n *parse.NumberNode) any {
	written := strings.ToLower(n.Text)
	fraction := strings.ContainsAny(written, ".p") || strings.Contains(written, "e") && !strings.Contains(written, "0x")
	switch {
	case n.IsComplex || written[0] == '\'':
	case n.IsFloat && fraction:
		return n.Float64
	case n.IsInt:
		return n.Int64
	}
	return nil
}

func (c *checker) parenthesised(n *parse.PipeNode, dot shape) shape {
	if len(n.Decl) > 0 {
		c.add(c.src.node(n, "a variable cannot be declared in parentheses").WithHint("declare it in an action of its own"))
	}
	return c.value(n, dot)
}

// isSeen reports whether a block sees something of a name.
func isSeen(name string) bool {
	return slices.Contains([]string{"offer", "fields", "params", "feed"}, name)
}

// dotted is what stands before the name of what a block sees.
func dotted(dot shape) string {
	if dot.whole == theRoot {
		return "."
	}
	return "$."
}

func (c *checker) chained(n *parse.ChainNode, dot shape) shape {
	pipe, ok := n.Node.(*parse.PipeNode)
	if !ok {
		hint := "put the call in parentheses"
		if name, ok := n.Node.(*parse.IdentifierNode); ok && isSeen(name.Ident) {
			hint = "write " + dotted(dot) + n.String()
		}
		c.add(c.src.node(n, "%s is not supported", n).WithHint("%s", hint))
		return unknown
	}
	return c.chain(n, c.parenthesised(pipe, dot), n.Field)
}

// chain follows names from a shape; n ends with them.
func (c *checker) chain(n parse.Node, s shape, names []string) shape {
	for i, name := range names {
		s = c.member(s, name, func(format string, args ...any) diag.Diagnostic {
			return c.src.name(n, names, i, format, args...)
		})
	}
	return s
}

// member is the shape of what a name selects from s.
func (c *checker) member(s shape, name string, at func(format string, args ...any) diag.Diagnostic) shape {
	c.uses.add(s.whole, name)
	switch {
	case s.t == nil:
		return unknown
	case s.is(offer.Map):
		return of(*s.t.Elem)
	case s.is(offer.List):
		c.add(at("%s has no names to select", s.name()).WithHint("use range, or index LIST NUMBER"))
		return unknown
	}
	t, found := s.t.Field(name)
	switch {
	case s.is(offer.Struct) && found:
		return c.wholeOf(s, name, t)
	case s.is(offer.Struct):
		d := at("there is no %s here", name).WithHint("%s", c.near(s, name))
		c.add(d)
		if s.whole == theFields {
			c.uses.lack(name, d)
		}
	default:
		c.add(at("%s has no names to select", s.name()))
	}
	return unknown
}

func (c *checker) near(s shape, name string) string {
	if hint := diag.DidYouMean(name, s.names()); hint != "" {
		return hint
	}
	if s.whole == theRoot {
		return "the " + c.block + " sees ." + strings.Join(s.names(), " and .")
	}
	if names := s.names(); len(names) > 0 && len(names) <= 12 {
		return "there is " + strings.Join(names, ", ")
	}
	return ""
}

// wholeOf is the shape of a member that may be one of the things around values.
func (c *checker) wholeOf(s shape, name string, t offer.Type) shape {
	member := of(t)
	switch {
	case t.Kind == Unknown:
		return unknown
	case s.whole != theRoot:
		return member
	}
	switch name {
	case "offer":
		member.whole = theOffer
	case "fields":
		member.whole = theFields
		if t.Kind != offer.Struct {
			member.t = nil
		}
	case "params":
		member.whole = theParams
	case "feed":
		member.whole = theFeed
	}
	return member
}

// function is the shape of what a call gives.
func (c *checker) function(name *parse.IdentifierNode, call parse.Node, args []argument) shape {
	f, known := signatures[name.Ident]
	if !known {
		c.unknownFunction(name)
		return unknown
	}
	if !f.arity(len(args)) {
		c.add(c.src.node(call, "%s is not called so", name.Ident).WithHint("%s", f.usage))
		return unknown
	}
	ok := true
	for i, a := range args {
		if w, bound := f.want(i); bound && !a.fits(w.kinds...) {
			c.add(c.src.node(a.node, "%s takes %s, not %s", name.Ident, w.what, a.name()).WithHint("%s", f.usage))
			ok = false
		}
	}
	if !ok {
		return unknown
	}
	return f.check(c, call, args)
}

func (f signature) arity(n int) bool {
	switch extra := n - len(f.wants); {
	case f.wants == nil:
		return n > 0
	case len(f.more) == 0:
		return extra == 0
	default:
		return extra >= 0 && extra%len(f.more) == 0
	}
}

// want is what the i-th argument has to be; bound is false when check decides.
func (f signature) want(i int) (w want, bound bool) {
	switch {
	case f.wants == nil:
		return want{}, false
	case i < len(f.wants):
		return f.wants[i], true
	default:
		return f.more[(i-len(f.wants))%len(f.more)], true
	}
}

func (c *checker) unknownFunction(name *parse.IdentifierNode) {
	d := c.src.node(name, "there is no function %s", name.Ident)
	if hint, left := refused[name.Ident]; left {
		c.add(d.WithHint("%s", hint))
		return
	}
	if isSeen(name.Ident) {
		c.add(d.WithHint("write .%s", name.Ident))
		return
	}
	names := make(map[string]bool, len(signatures))
	for f := range signatures {
		names[f] = true
	}
	hint := diag.DidYouMean(name.Ident, sorted(names))
	if hint == "" {
		hint = "there is " + strings.Join(sorted(names), ", ")
	}
	c.add(d.WithHint("%s", hint))
}
