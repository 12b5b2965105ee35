package predicate

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// promote turns int literals that stand beside a double into doubles, given the
// types that the checker found so far, and says whether it changed anything. CEL
// compares ints with doubles by order, but refuses offer.price == 12 and all the
// like that users will write.
func promote(root ast.Expr, typeOf map[int64]*types.Type) bool {
	p := promotion{typeOf: typeOf}
	ast.PostOrderVisit(root, ast.NewExprVisitor(p.visit))
	return p.changed
}

type promotion struct {
	typeOf  map[int64]*types.Type
	changed bool
}

func (p *promotion) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.CallKind:
		p.call(e.AsCall())
	case ast.ListKind:
		p.beside(e.AsList().Elements())
	case ast.MapKind:
		var values []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			values = append(values, entry.AsMapEntry().Value())
		}
		p.beside(values)
	}
}

func (p *promotion) call(c ast.CallExpr) {
	args := c.Args()
	switch c.FunctionName() {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
		operators.Add, operators.Subtract, operators.Multiply, operators.Divide, coalesceCall:
		p.beside(args)
	case operators.Conditional:
		p.beside(args[1:])
	case operators.In:
		p.in(args)
	case "orValue":
		if c.IsMemberFunction() && len(args) == 1 && p.isOptionalDouble(c.Target()) {
			p.double(args[0])
		}
	}
}

func (p *promotion) in(args []ast.Expr) {
	switch {
	case len(args) != 2:
	case p.isDouble(args[0]) && args[1].Kind() == ast.ListKind:
		p.double(args[1])
	case p.isDoubleList(args[1]):
		p.double(args[0])
	}
}

// beside promotes all of some expressions when one of them is a double or a list
// of doubles.
func (p *promotion) beside(exprs []ast.Expr) {
	for _, e := range exprs {
		if p.isDouble(e) || p.isDoubleList(e) {
			for _, other := range exprs {
				p.double(other)
			}
			return
		}
	}
}

// double turns the int literals that make up the value of e into doubles, unless
// a double does not hold them.
func (p *promotion) double(e ast.Expr) {
	switch e.Kind() {
	case ast.LiteralKind:
		n, ok := e.AsLiteral().(types.Int)
		const exact = 1 << 53
		if ok && -exact <= n && n <= exact {
			e.SetKindCase(ast.NewExprFactory().NewLiteral(e.ID(), types.Double(n)))
			p.changed = true
		}
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			p.double(element)
		}
	case ast.CallKind:
		p.doubleCall(e.AsCall())
	}
}

func (p *promotion) doubleCall(c ast.CallExpr) {
	args := c.Args()
	switch c.FunctionName() {
	case operators.Conditional:
		args = args[1:]
	case operators.Negate, coalesceCall:
	default:
		return
	}
	for _, arg := range args {
		p.double(arg)
	}
}

func (p *promotion) isDouble(e ast.Expr) bool { return isDouble(p.typeOf[e.ID()]) }

func (p *promotion) isDoubleList(e ast.Expr) bool {
	t := p.typeOf[e.ID()]
	return t.Kind() == types.ListKind && isDouble(t.Parameters()[0])
}

func (p *promotion) isOptionalDouble(e ast.Expr) bool {
	t := p.typeOf[e.ID()]
	return t.Kind() == types.OpaqueKind && t.TypeName() == types.OptionalType.TypeName() && isDouble(t.Parameters()[0])
}

func isDouble(t *types.Type) bool { return t.Kind() == types.DoubleKind }
