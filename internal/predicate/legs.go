package predicate

import (
	"strings"

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
	Text   string // for people, on one line
	Shared string // the name of the shared expression that it is, or ""
	Expr   *Expr
	Join   Junction
	Legs   []*Leg // in the order in which they were written; none of a leg that joins nothing
}

// Legs returns the predicate as a tree of conditions: a && b && c is one node of
// three legs, however it was put in parentheses, unless a shared expression stands
// between.
func (x *Expr) Legs() *Leg { return x.parts.leg(x.parts.root) }

func (c *Checked) leg(e ast.Expr) *Leg {
	l := &Leg{Expr: c.Part(e)}
	l.Text = c.text(e)
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

// text is a part as it was written, as far as that can be told: of a loop only
// where it begins is known.
func (c *Checked) text(e ast.Expr) string {
	text := describe(e)
	if text != aLoop || c.tree == nil {
		return text
	}
	first, found := c.tree.places[e.ID()]
	if c.tree.shared[e.ID()] != "" {
		found = false // it is where the name stands; what is inside stands elsewhere
	}
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(n ast.Expr) {
		p, known := c.tree.places[n.ID()]
		if known && n.ID() != e.ID() && (!found || p.text == first.text && p.offset < first.offset) {
			first, found = p, true
		}
	}))
	if !found {
		return text
	}
	return strings.Join(strings.Fields(condition(first.text.Value[first.offset:])), " ")
}

// condition is the beginning of a text up to the next && or || beside it, or the
// parenthesis that encloses it.
func condition(text string) string {
	depth, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case quote != 0:
			if b == '\\' {
				i++
			} else if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'':
			quote = b
		case strings.IndexByte("([{", b) >= 0:
			depth++
		case strings.IndexByte(")]}", b) >= 0:
			if depth--; depth < 0 {
				return text[:i]
			}
		case depth == 0 && (strings.HasPrefix(text[i:], "&&") || strings.HasPrefix(text[i:], "||")):
			return text[:i]
		}
	}
	return text
}
