package term

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/feedmill/feedmill/internal/offer"
)

// A crossing is a loop that was taken out of the one around it, although it reads
// that one's variable.
type crossing struct{ unsaid }

// enter returns the space of a list's elements and their variable. The space
// lies in that of the list, and of what else the body may read; a loop within one
// over the same list lies in that one.
func (b *builder) enter(list ID, at Space) (Space, ID) {
	parent := b.table.inner(b.table.Terms[list].Space, at)
	if len(b.scope) > 0 && (b.nested || b.inLoopOver(list, parent)) {
		parent = b.table.inner(parent, b.table.Terms[b.scope[len(b.scope)-1].elem].Loop)
	}
	loop := b.table.loop(parent, list)
	elem := *b.table.Terms[list].Type.Elem
	return loop, b.table.add(Term{Op: Elem, Loop: loop, Type: elem})
}

func (b *builder) inLoopOver(list ID, parent Space) bool {
	return slices.ContainsFunc(b.scope, func(v variable) bool {
		around := b.table.Loops[b.table.Terms[v.elem].Loop]
		return around.List == list && around.Parent == parent
	})
}

// A folded is the parts of a loop that a macro made.
type folded struct {
	op         Op
	list       ast.Expr
	name       string
	body, keep ast.Expr
	negated    bool // all()
}

func (b *builder) comprehension(e ast.Expr) (ID, error) {
	f, ok := unfold(e.AsComprehension())
	if !ok {
		return unsupported("a loop of an unknown kind")
	}
	list, err := b.value(f.list)
	if err != nil {
		return 0, err
	}
	if b.table.Terms[list].Type.Kind != offer.List {
		return unsupported("a loop over a map")
	}
	loop, elem := b.enter(list, Rows)
	around := b.read
	b.read = nil
	b.scope = append(b.scope, variable{f.name, elem})
	id, err := b.folded(f, list, loop)
	b.scope = b.scope[:len(b.scope)-1]
	for _, s := range b.read {
		if !b.table.within(loop, s) {
			return 0, crossing{"loops that read each other's variables"}
		}
		if s != loop {
			around = append(around, s)
		}
	}
	b.read = around
	return id, err
}

func (b *builder) folded(f folded, list ID, loop Space) (ID, error) {
	body, err := b.value(f.body)
	if err != nil {
		return 0, err
	}
	switch f.op {
	case Exists:
		if f.negated {
			body = b.table.negation(body)
		}
		id := b.table.add(Term{Op: Exists, Args: []ID{list, body}, Loop: loop, Type: boolean})
		if f.negated {
			return b.table.negation(id), nil
		}
		return id, nil
	case ExistsOne:
		return b.table.add(Term{Op: ExistsOne, Args: []ID{list, body}, Loop: loop, Type: boolean}), nil
	}
	return b.collected(f, list, body, loop)
}

// collected is what filter and map make.
func (b *builder) collected(f folded, list, body ID, loop Space) (ID, error) {
	args := []ID{list, body}
	if f.keep != nil {
		keep, err := b.value(f.keep)
		if err != nil {
			return 0, err
		}
		args = append(args, keep)
	}
	elem := b.table.Terms[body].Type
	if elem.Kind == Null {
		return unsupported("a list of nulls")
	}
	if x := &b.table.Terms[body]; f.keep != nil && x.Op == Elem && x.Loop == loop {
		return b.table.add(Term{Op: Filter, Args: []ID{list, args[2]}, Loop: loop, Type: offer.ListOf(elem)}), nil
	}
	return b.table.add(Term{Op: Map, Args: args, Loop: loop, Type: offer.ListOf(elem)}), nil
}

// unfold recognises exists, all, exists_one, filter and map.
func unfold(c ast.ComprehensionExpr) (folded, bool) {
	f := folded{list: c.IterRange(), name: c.IterVar()}
	if c.HasIterVar2() {
		return f, false
	}
	step, accu := c.LoopStep(), c.AccuVar()
	switch args := argsOf(step); {
	case isCall(step, operators.LogicalOr, 2) && isName(args[0], accu):
		f.op, f.body = Exists, args[1]
		return f, isLiteral(c.AccuInit(), types.False) && isName(c.Result(), accu)
	case isCall(step, operators.LogicalAnd, 2) && isName(args[0], accu):
		f.op, f.body, f.negated = Exists, args[1], true
		return f, isLiteral(c.AccuInit(), types.True) && isName(c.Result(), accu)
	case isCall(step, operators.Conditional, 3) && isName(args[2], accu) && isCall(c.Result(), operators.Equals, 2):
		f.op, f.body = ExistsOne, args[0]
		return f, isLiteral(c.AccuInit(), types.IntZero)
	}
	return f.collecting(c)
}

func (f folded) collecting(c ast.ComprehensionExpr) (folded, bool) {
	step, accu := c.LoopStep(), c.AccuVar()
	if args := argsOf(step); isCall(step, operators.Conditional, 3) && isName(args[2], accu) {
		f.keep, step = args[0], args[1]
	}
	args := argsOf(step)
	if !isCall(step, operators.Add, 2) || !isName(args[0], accu) || args[1].Kind() != ast.ListKind || args[1].AsList().Size() != 1 {
		return f, false
	}
	f.op, f.body = Map, args[1].AsList().Elements()[0]
	return f, isName(c.Result(), accu) && len(args[1].AsList().OptionalIndices()) == 0
}

func argsOf(e ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind {
		return nil
	}
	return e.AsCall().Args()
}

func isCall(e ast.Expr, function string, args int) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == function && len(e.AsCall().Args()) == args
}

func isName(e ast.Expr, name string) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == name }

func isLiteral(e ast.Expr, v any) bool { return e.Kind() == ast.LiteralKind && e.AsLiteral() == v }
