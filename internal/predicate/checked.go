package predicate

import (
	"slices"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/feedmill/feedmill/internal/offer"
)

// A Checked is what the checker found out about an expression, for those who
// compile it to something else. It is safe for concurrent use.
type Checked struct {
	env  *Env
	ast  *ast.AST
	root ast.Expr
	tree *tree // that was checked; nil where it is not known
}

// Checked returns the expression as the checker left it.
func (x *Expr) Checked() *Checked { return x.parts }

// Root returns the whole expression. It must not be changed.
func (c *Checked) Root() ast.Expr { return c.root }

// TypeOf returns the type of a part.
func (c *Checked) TypeOf(part ast.Expr) *types.Type { return c.ast.GetType(part.ID()) }

// Names returns the names of a part that only selects from a root variable, as
// Expr.Path does, or nil.
func (c *Checked) Names(part ast.Expr) []string { return c.env.namesOf(part) }

// Column returns the type that a chain of names leads to; ok is false where it
// leads out of the offer's columns.
func (c *Checked) Column(names []string) (t offer.Type, ok bool) {
	if len(names) < 2 || c.env.chain(c.root, names) == nil {
		return offer.Type{}, false
	}
	return c.env.typeOfChain(names)
}

// Fields returns the fields of a struct type, or nil.
func (c *Checked) Fields(t *types.Type) []offer.Field {
	if s := c.env.structs[t.TypeName()]; s != nil {
		return s.fields
	}
	return nil
}

// Part makes a part ready to run alone. No variable of a loop around it may stand
// in it.
func (c *Checked) Part(part ast.Expr) *Expr {
	x := c.env.planPart(written{part, c.ast.SourceInfo()}.text(), c.ast, part)
	x.parts.tree = c.tree
	return x
}

// Fold evaluates a part that reads no row. Its value may be a *types.Err; byNull
// says that it is one and that null caused it.
func (c *Checked) Fold(part ast.Expr, now time.Time) (v ref.Val, byNull bool) {
	v = c.Part(part).run(&Vars{Now: now})
	err, failed := v.(*types.Err)
	return v, failed && causedByNull(err)
}

// A Function is a strict call, of the values of its arguments, of which none is
// an error. Its value may be an error; byNull says that null caused it.
type Function func(args []ref.Val) (v ref.Val, byNull bool)

// Function returns the call that a part is, or nil where it is one that the
// language treats specially, such as && and ?:.
func (c *Checked) Function(part ast.Expr) Function {
	p := &planner{Env: c.env, AST: c.ast}
	ast.PreOrderVisit(part, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && !slices.Contains(c.env.roots, e.AsIdent()) {
			p.bind(e.AsIdent(), nil) // of a loop around it; arguments are given
		}
	}))
	n := withGivenArguments(p.call(part))
	if n == nil {
		return nil
	}
	return func(args []ref.Val) (ref.Val, bool) {
		v := n.eval(&frame{slots: args})
		err, failed := v.(*types.Err)
		return v, failed && causedByNull(err)
	}
}

// withGivenArguments exchanges the arguments of a planned call for what the
// frame's slots hold.
func withGivenArguments(n node) node {
	switch n := n.(type) {
	case *unary:
		return &unary{n.given()}
	case *binary:
		return &binary{n.given()}
	case *call:
		c := n.given()
		return &c
	case *pattern:
		return &pattern{site: n.site, arg: local{slot: 0}, re: n.re}
	default:
		return nil
	}
}

func (n call) given() call {
	args := make([]node, len(n.args))
	for i := range args {
		args[i] = local{slot: i}
	}
	n.args = args
	return n
}
