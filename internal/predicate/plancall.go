package predicate

import (
	"regexp"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

func (p *planner) call(e ast.Expr) node {
	c := e.AsCall()
	args := c.Args()
	switch c.FunctionName() {
	case operators.LogicalAnd:
		return &logic{site: p.site(e, args...), legs: p.nodes(args), absorb: types.False}
	case operators.LogicalOr:
		return &logic{site: p.site(e, args...), legs: p.nodes(args), absorb: types.True}
	case operators.NotStrictlyFalse:
		return lenient{p.node(args[0])}
	case operators.Conditional:
		return &conditional{site: p.site(e, args[0]), test: p.node(args[0]), yes: p.node(args[1]), no: p.node(args[2])}
	case operators.Equals, operators.NotEquals:
		return &equality{site: p.site(e, args...), left: p.node(args[0]), right: p.node(args[1]), unequal: c.FunctionName() == operators.NotEquals}
	case operators.Index:
		return &access{site: p.site(e, args...), operand: p.node(args[0]), key: p.node(args[1]), manner: strict}
	case operators.OptIndex:
		return &access{site: p.site(e, args...), operand: p.node(args[0]), key: p.node(args[1]), manner: optional}
	case operators.OptSelect:
		name, _ := literalText(args[1])
		return p.member(e, args[0], name, optional)
	case coalesceCall:
		return coalesce{p.coalesced(args)}
	default:
		return p.function(e)
	}
}

// coalesced flattens what the macro nested.
func (p *planner) coalesced(args []ast.Expr) []node {
	nodes := p.nodes(args)
	if last, ok := nodes[len(nodes)-1].(coalesce); ok {
		return append(nodes[:len(nodes)-1], last.args...)
	}
	return nodes
}

func (p *planner) function(e ast.Expr) node {
	c := e.AsCall()
	args := c.Args()
	if c.IsMemberFunction() {
		args = append([]ast.Expr{c.Target()}, args...)
	}
	n := call{site: p.site(e, args...), function: c.FunctionName(), args: p.nodes(args)}
	if special := p.special(n, args); special != nil {
		return special
	}
	if r := p.ReferenceMap()[e.ID()]; r != nil && len(r.OverloadIDs) == 1 {
		n.overload = r.OverloadIDs[0]
		n.impl, _ = p.dispatcher.FindOverload(n.overload)
	}
	if n.impl == nil {
		n.impl, _ = p.dispatcher.FindOverload(n.function)
	}
	switch len(args) {
	case 1:
		return &unary{n}
	case 2:
		return &binary{n}
	default:
		return &n
	}
}

// special is a call that is done another way, with the same result.
func (p *planner) special(n call, args []ast.Expr) node {
	if len(args) != 2 {
		return nil
	}
	switch n.function {
	case "or", "orValue":
		return &orElse{site: n.site, left: n.args[0], right: n.args[1], unwrap: n.function == "orValue"}
	case "matches":
		text, ok := literalText(args[1])
		if !ok {
			return nil
		}
		return &pattern{site: n.site, arg: n.args[0], re: regexp.MustCompile(text)}
	case operators.In:
		if c, ok := n.args[1].(constant); ok {
			return membership(n, c.v)
		}
	}
	return nil
}

func membership(n call, list ref.Val) node {
	l, ok := list.(traits.Lister)
	if !ok {
		return nil
	}
	m := &member{site: n.site, arg: n.args[0], list: l, set: map[ref.Val]bool{}}
	loop(list, false, func(v, _ ref.Val) bool {
		if _, isText := v.(types.String); !isText {
			m.set = nil
			return false
		}
		m.set[v] = true
		return true
	})
	return m
}
