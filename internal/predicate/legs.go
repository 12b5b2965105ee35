package predicate

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// A Junction is how the legs of a condition are joined.
type Junction string

// The junctions of a Leg; the zero value joins nothing.
const (
	AllOf Junction = "all of" // &&
	AnyOf Junction = "any of" // ||
)

// A Leg is a condition of a predicate: one of several that && or || join, or
// itself joined of others.
type Leg struct {
	Shared string // the name of the shared expression that it is, or ""
	Expr   *Expr
	Join   Junction
	Legs   []*Leg // in the order in which they were written; none of a leg that joins nothing
}

// Text returns the leg in one line, with what shared expressions stand for.
func (l *Leg) Text() string { return l.Expr.Text() }

// Conjuncts returns the conditions that all have to be true for the leg to be, also
// those of shared expressions.
func (l *Leg) Conjuncts() []*Leg {
	if l.Join != AllOf {
		return []*Leg{l}
	}
	var out []*Leg
	for _, leg := range l.Legs {
		out = append(out, leg.Conjuncts()...)
	}
	return out
}

// Legs returns the predicate as a tree of conditions: a && b && c is one node of
// three legs, however it was put in parentheses, unless a shared expression stands
// between.
func (x *Expr) Legs() *Leg { return x.parts.leg(x.parts.root) }

func (c *Checked) leg(e ast.Expr) *Leg {
	l := &Leg{Expr: c.Part(e)}
	if c.tree != nil {
		l.Shared = c.tree.shared[e.ID()]
	}
	if l.Join = junctionOf(e); l.Join != "" {
		c.addLegs(l, e)
	}
	return l
}

// addLegs adds the legs of e to those of l, which are joined alike.
func (c *Checked) addLegs(l *Leg, e ast.Expr) {
	for _, a := range e.AsCall().Args() {
		named := c.tree != nil && c.tree.shared[a.ID()] != ""
		if junctionOf(a) == l.Join && !named {
			c.addLegs(l, a)
			continue
		}
		l.Legs = append(l.Legs, c.leg(a))
	}
}

func junctionOf(e ast.Expr) Junction {
	if e.Kind() != ast.CallKind {
		return ""
	}
	switch e.AsCall().FunctionName() {
	case operators.LogicalAnd:
		return AllOf
	case operators.LogicalOr:
		return AnyOf
	default:
		return ""
	}
}
