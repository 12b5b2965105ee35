package predicate

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// namesOf returns the names of a chain that only selects from a root variable, or
// nil. A root's name is never a loop's.
func (e *Env) namesOf(expr ast.Expr) []string {
	switch expr.Kind() {
	case ast.IdentKind:
		if slices.Contains(e.roots, expr.AsIdent()) {
			return []string{expr.AsIdent()}
		}
	case ast.SelectKind:
		if s := expr.AsSelect(); !s.IsTestOnly() {
			return extend(e.namesOf(s.Operand()), s.FieldName())
		}
	case ast.CallKind:
		c := expr.AsCall()
		if c.FunctionName() != operators.Index {
			return nil
		}
		if name, ok := literalText(c.Args()[1]); ok {
			return extend(e.namesOf(c.Args()[0]), name)
		}
	}
	return nil
}

func extend(names []string, name string) []string {
	if names == nil {
		return nil
	}
	return append(names, name)
}

// pathsOf returns the longest chains in an expression.
func (e *Env) pathsOf(root ast.Expr) [][]string {
	inner := map[int64]bool{} // parts of a longer chain
	var paths [][]string
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(expr ast.Expr) {
		if operand := operandOf(expr); operand != nil && (inner[expr.ID()] || e.namesOf(expr) != nil) {
			inner[operand.ID()] = true
		}
		if inner[expr.ID()] {
			return
		}
		if expr.Kind() == ast.SelectKind && expr.AsSelect().IsTestOnly() {
			if names := e.namesOf(expr.AsSelect().Operand()); names != nil {
				inner[expr.AsSelect().Operand().ID()] = true
				paths = append(paths, extend(names, expr.AsSelect().FieldName()))
			}
			return
		}
		if names := e.namesOf(expr); names != nil {
			paths = append(paths, names)
		}
	}))
	slices.SortFunc(paths, slices.Compare[[]string])
	return slices.CompactFunc(paths, slices.Equal[[]string])
}

// operandOf is what an expression selects a name from.
func operandOf(expr ast.Expr) ast.Expr {
	switch expr.Kind() {
	case ast.SelectKind:
		if s := expr.AsSelect(); !s.IsTestOnly() {
			return s.Operand()
		}
	case ast.CallKind:
		if c := expr.AsCall(); c.FunctionName() == operators.Index {
			return c.Args()[0]
		}
	}
	return nil
}
