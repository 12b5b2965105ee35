package predicate

import (
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

func (p *planner) fold(e ast.Expr) node {
	c := e.AsComprehension()
	n := &fold{site: p.site(e, c.IterRange()), over: p.node(c.IterRange()), second: -1}
	init := p.node(c.AccuInit())
	around := len(p.scope)
	defer func() { p.scope = p.scope[:around] }()
	if n := p.collect(e); n != nil {
		return n
	}
	n.accu = p.bind(c.AccuVar(), init).slot
	inside := len(p.scope)
	n.item = p.bind(c.IterVar(), nil).slot
	if c.HasIterVar2() {
		n.second = p.bind(c.IterVar2(), nil).slot
	}
	n.test, n.step = p.node(c.LoopCondition()), p.node(c.LoopStep())
	p.scope = p.scope[:inside]
	n.result = p.node(c.Result())
	return n
}

// collect plans a fold that appends to a list, as map and filter do: accu + [x],
// or keep ? accu + [x] : accu. Adding to CEL's lists again and again costs more.
// No user can write the accumulator's name, so nothing else reads it.
func (p *planner) collect(e ast.Expr) node {
	c := e.AsComprehension()
	accu := c.AccuVar()
	if c.HasIterVar2() || !strings.HasPrefix(accu, "@") || !isEmptyList(c.AccuInit()) || !isName(c.Result(), accu) || !isTrue(c.LoopCondition()) {
		return nil
	}
	step, keep := c.LoopStep(), ast.Expr(nil)
	if args := argsOf(step, operators.Conditional); len(args) == 3 && isName(args[2], accu) {
		keep, step = args[0], args[1]
	}
	args := argsOf(step, operators.Add)
	if len(args) != 2 || !isName(args[0], accu) || args[1].Kind() != ast.ListKind {
		return nil
	}
	added := args[1].AsList()
	if added.Size() != 1 || added.IsOptional(0) {
		return nil
	}
	n := &collect{site: p.site(e, c.IterRange()), over: p.node(c.IterRange()), item: p.bind(c.IterVar(), nil).slot}
	if keep != nil {
		keeper := p.site(c.LoopStep(), keep)
		n.keep, n.keeper = p.node(keep), &keeper
	}
	n.elem = p.node(added.Elements()[0])
	return n
}

func argsOf(e ast.Expr, function string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != function {
		return nil
	}
	return e.AsCall().Args()
}

func isName(e ast.Expr, name string) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == name }

func isEmptyList(e ast.Expr) bool { return e.Kind() == ast.ListKind && e.AsList().Size() == 0 }

func isTrue(e ast.Expr) bool { return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.True }
