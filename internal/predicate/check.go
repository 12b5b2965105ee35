package predicate

import (
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/feedmill/feedmill/internal/diag"
)

// check finds the types of a tree's nodes and all mistakes that can be found
// without a row.
func (e *Env) check(t *tree) (*ast.AST, diag.List) {
	source := common.NewTextSource(t.text.Value)
	checked, errs := checker.Check(t.AST, source, e.checker)
	for promote(t.Expr(), checked.TypeMap()) {
		checked, errs = checker.Check(t.AST, source, e.checker)
	}
	mistakes := e.explain(t, checked, errs.GetErrors())
	ast.PostOrderVisit(t.Expr(), ast.NewExprVisitor(func(node ast.Expr) {
		mistakes = append(mistakes, e.lint(t, node)...)
	}))
	return checked, mistakes
}

// lint finds what CEL's checker lets pass.
func (e *Env) lint(t *tree, node ast.Expr) diag.List {
	switch node.Kind() {
	case ast.StructKind:
		return diag.List{t.mistake(node.ID(), 0, 1, "an expression makes no messages, only lists and maps")}
	case ast.ComprehensionKind:
		c := node.AsComprehension()
		return slices.Concat(e.lintVariable(t, node, c.IterVar()), e.lintVariable(t, node, c.IterVar2()))
	case ast.CallKind:
		return lintCall(t, node.AsCall())
	default:
		return nil
	}
}

// lintVariable keeps variables of exists() and the like apart from the roots,
// which shared expressions mean wherever they are put.
func (e *Env) lintVariable(t *tree, node ast.Expr, name string) diag.List {
	if !slices.Contains(e.roots, name) {
		return nil
	}
	at, found := t.argument(node.ID())
	if !found {
		at = node.ID()
	}
	return diag.List{t.mistake(at, 0, utf8.RuneCountInString(name), "%s has a meaning already", name).WithHint("give the variable another name")}
}

func lintCall(t *tree, c ast.CallExpr) diag.List {
	args := c.Args()
	if len(args) == 0 {
		return nil
	}
	last := args[len(args)-1]
	text, ok := literalText(last)
	if !ok {
		return nil
	}
	length := utf8.RuneCountInString(strconv.Quote(text))
	refused := func(format string, args ...any) diag.Diagnostic {
		return t.mistake(last.ID(), 0, length, format, args...)
	}
	switch c.FunctionName() {
	case "matches":
		if _, err := regexp.Compile(text); err != nil {
			return diag.List{refused("bad pattern: %s", patternReason(err)).WithHint("patterns are RE2: https://github.com/google/re2/wiki/Syntax")}
		}
	case "timestamp":
		if isBad(text, types.TimestampType) {
			return diag.List{refused("%q is no timestamp", text).WithHint(`such as "2026-01-31T00:00:00Z"`)}
		}
	case "duration":
		if isBad(text, types.DurationType) {
			return diag.List{refused("%q is no duration", text).WithHint(`such as "36h" or "90s"`)}
		}
	}
	return nil
}

func isBad(text string, t ref.Type) bool { return types.IsError(types.String(text).ConvertToType(t)) }

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}
