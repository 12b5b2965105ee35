package predicate

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// plan makes a checked expression ready to run.
func (e *Env) plan(text string, checked *ast.AST) *Expr {
	return e.planPart(text, checked, checked.Expr())
}

// planPart makes a part of a checked expression ready to run.
func (e *Env) planPart(text string, checked *ast.AST, expr ast.Expr) *Expr {
	x := &Expr{text: text, meaning: text, typ: checked.GetType(expr.ID()), path: e.namesOf(expr), paths: e.pathsOf(expr)}
	x.parts = &Checked{env: e, ast: checked, root: expr}
	x.column, x.known = e.columnType(x.typ)
	if x.path != nil {
		if t, ok := e.typeOfChain(x.path); ok {
			x.column, x.known = t, true
		}
		x.chain = e.chain(expr, x.path)
	}
	p := &planner{Env: e, AST: checked}
	x.root = p.node(expr)
	x.frames.New = func() any { return &frame{slots: make([]ref.Val, p.slots)} }
	return x
}

type planner struct {
	*Env
	*ast.AST
	scope []binding
	slots int
}

func (p *planner) site(expr ast.Expr, args ...ast.Expr) site {
	return newSite(p.SourceInfo(), expr, args...)
}

// A binding is a variable of a loop around what is planned.
type binding struct {
	name string
	node local
}

func (p *planner) bind(name string, init node) local {
	n := local{slot: p.slots, init: init}
	p.slots++
	p.scope = append(p.scope, binding{name, n})
	return n
}

func (p *planner) node(e ast.Expr) node {
	if c := p.chain(e, p.namesOf(e)); c != nil {
		return c
	}
	switch e.Kind() {
	case ast.LiteralKind:
		return constant{e.AsLiteral()}
	case ast.IdentKind:
		return p.ident(e)
	case ast.SelectKind:
		return p.selection(e)
	case ast.CallKind:
		return p.call(e)
	case ast.ListKind:
		return p.list(e)
	case ast.MapKind:
		return p.mapping(e)
	case ast.ComprehensionKind:
		return p.fold(e)
	default:
		panic("predicate: expression of an unexpected kind")
	}
}

func (p *planner) nodes(exprs []ast.Expr) []node {
	nodes := make([]node, len(exprs))
	for i, e := range exprs {
		nodes[i] = p.node(e)
	}
	return nodes
}

func (p *planner) ident(e ast.Expr) node {
	name := strings.TrimPrefix(e.AsIdent(), ".")
	for _, b := range slices.Backward(p.scope) {
		if b.name == name && name == e.AsIdent() {
			return b.node
		}
	}
	if r := p.ReferenceMap()[e.ID()]; r != nil && r.Value != nil {
		return constant{r.Value}
	}
	if v, ok := p.provider.FindIdent(name); ok {
		return constant{v}
	}
	panic("predicate: nothing is called " + name)
}

func (p *planner) selection(e ast.Expr) node {
	if r := p.ReferenceMap()[e.ID()]; r != nil {
		return constant{r.Value} // a qualified name of a constant
	}
	s := e.AsSelect()
	how := strict
	if s.IsTestOnly() {
		how = presence
		if c := p.chain(e, extend(p.namesOf(s.Operand()), s.FieldName())); c != nil {
			return test{c}
		}
	}
	return p.member(e, s.Operand(), s.FieldName(), how)
}

// A test is has() of a chain.
type test struct{ reader }

func (n test) eval(f *frame) ref.Val { return n.has(f) }

func (p *planner) member(e, operand ast.Expr, name string, how manner) node {
	if s := p.structIn(p.GetType(operand.ID())); s != nil {
		return &field{operand: p.node(operand), index: s.index(name), manner: how}
	}
	return &access{site: p.site(e, operand, operand), operand: p.node(operand), key: constant{types.String(name)}, manner: how}
}

func (p *planner) list(e ast.Expr) node {
	l := e.AsList()
	n := &listNode{site: p.site(e), elems: p.nodes(l.Elements()), optional: make([]bool, l.Size())}
	constants := true
	for i := range n.elems {
		n.optional[i] = l.IsOptional(int32(i))
		_, isConstant := n.elems[i].(constant)
		constants = constants && isConstant && !n.optional[i]
	}
	if constants {
		return constant{n.eval(nil)}
	}
	return n
}

func (p *planner) mapping(e ast.Expr) node {
	n := &mapNode{site: p.site(e)}
	for _, entry := range e.AsMap().Entries() {
		m := entry.AsMapEntry()
		n.keys, n.values = append(n.keys, p.node(m.Key())), append(n.values, p.node(m.Value()))
		n.optional = append(n.optional, m.IsOptional())
	}
	return n
}
