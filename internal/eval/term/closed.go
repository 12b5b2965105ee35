package term

import (
	"slices"

	"cel.dev/cel-go/common/ast"

	"github.com/feedmill/feedmill/internal/predicate"
)

// closedParts finds what reads no row and no variable of a loop around it.
func closedParts(c *predicate.Checked) map[int64]bool {
	w := &closure{checked: c, closed: map[int64]bool{}}
	w.visit(c.Root())
	return w.closed
}

type closure struct {
	checked *predicate.Checked
	closed  map[int64]bool
	scope   []string
}

// open is how deep in the scope the outermost variable is that a part reads; a
// row's is -1.
type open int

const none open = 1 << 30

// visit returns the outermost thing that a part reads.
func (w *closure) visit(e ast.Expr) open {
	o := w.reads(e)
	if int(o) >= len(w.scope) {
		w.closed[e.ID()] = true
	}
	return o
}

func (w *closure) reads(e ast.Expr) open {
	switch e.Kind() {
	case ast.IdentKind:
		return w.ident(e)
	case ast.SelectKind:
		return w.visit(e.AsSelect().Operand())
	case ast.CallKind:
		o := w.all(e.AsCall().Args())
		if e.AsCall().IsMemberFunction() {
			o = min(o, w.visit(e.AsCall().Target()))
		}
		return o
	case ast.ListKind:
		return w.all(e.AsList().Elements())
	case ast.MapKind:
		return w.mapping(e.AsMap())
	case ast.ComprehensionKind:
		return w.comprehension(e.AsComprehension())
	default:
		return none
	}
}

func (w *closure) all(exprs []ast.Expr) open {
	o := none
	for _, e := range exprs {
		o = min(o, w.visit(e))
	}
	return o
}

func (w *closure) mapping(m ast.MapExpr) open {
	o := none
	for _, entry := range m.Entries() {
		o = min(o, w.visit(entry.AsMapEntry().Key()), w.visit(entry.AsMapEntry().Value()))
	}
	return o
}

func (w *closure) ident(e ast.Expr) open {
	for i, name := range slices.Backward(w.scope) {
		if name == e.AsIdent() {
			return open(i)
		}
	}
	if names := w.checked.Names(e); names != nil && names[0] != "now" {
		return -1
	}
	return none
}

func (w *closure) comprehension(c ast.ComprehensionExpr) open {
	o := min(w.visit(c.IterRange()), w.visit(c.AccuInit()))
	around := len(w.scope)
	w.scope = append(w.scope, c.AccuVar(), c.IterVar())
	if c.HasIterVar2() {
		w.scope = append(w.scope, c.IterVar2())
	}
	inside := min(w.visit(c.LoopCondition()), w.visit(c.LoopStep()), w.visit(c.Result()))
	w.scope = w.scope[:around]
	if int(inside) >= around {
		inside = none
	}
	return min(o, inside)
}
