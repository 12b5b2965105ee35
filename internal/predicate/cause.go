package predicate

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"
)

// A site is a call, or what acts like one, in an expression: where errors begin.
type site struct {
	expr  ast.Expr
	nulls []*types.Err // why it has no value, by the argument that is null
}

func newSite(expr ast.Expr, args ...ast.Expr) site {
	s := site{expr: expr, nulls: make([]*types.Err, len(args))}
	for i, arg := range args {
		s.nulls[i] = types.WrapErr(&cause{expr: arg}).(*types.Err)
	}
	return s
}

// fail tells where an error happened that no null caused.
func (s *site) fail(err ref.Val) ref.Val {
	return types.WrapErr(&cause{expr: s.expr, err: err.(*types.Err).Unwrap()})
}

// checked returns what a call made of its arguments, none of which is an error.
// An error is the call's own: it is caused by null when an argument is null.
func (s *site) checked(result ref.Val, args ...ref.Val) ref.Val {
	if !types.IsError(result) {
		return result
	}
	return s.failed(result, args)
}

func (s *site) failed(result ref.Val, args []ref.Val) ref.Val {
	for i, arg := range args {
		if arg == types.NullValue {
			return s.nulls[i]
		}
	}
	if strings.HasPrefix(result.(*types.Err).Error(), noOverload) {
		result = types.NewErr("%s for (%s)", noOverload, typeNames(args))
	}
	return s.fail(result)
}

const noOverload = "no such overload"

func typeNames(args []ref.Val) string {
	names := make([]string, len(args))
	for i, arg := range args {
		names[i] = strings.TrimPrefix(arg.Type().TypeName(), "google.protobuf.")
	}
	return strings.Join(names, ", ")
}

// A cause is why an expression has no value.
type cause struct {
	expr ast.Expr // what is null, or the call that failed
	err  error    // nil when null is the reason
}

func (c *cause) byNull() bool { return c.err == nil }

func (c *cause) Error() string {
	if c.byNull() {
		return describe(c.expr) + " is null"
	}
	return describe(c.expr) + ": " + c.err.Error()
}

func (c *cause) Unwrap() error { return c.err }

// aLoop stands for the text of a part with a loop in it.
const aLoop = "a loop"

// describe is the text of a part of an expression.
func describe(e ast.Expr) string {
	text, err := parser.Unparse(collapsed(e), ast.NewSourceInfo(nil))
	if err != nil {
		return aLoop // its macro is not kept
	}
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "@", "")
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return text
}

// collapsed returns an expression with coalesce(a, b, c) as it was written, where
// its macro has made calls in calls of it.
func collapsed(e ast.Expr) ast.Expr {
	nested := false
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(n ast.Expr) { nested = nested || len(argsOf(n, coalesceCall)) > 1 }))
	if !nested {
		return e
	}
	factory := ast.NewExprFactory()
	out := factory.CopyExpr(e)
	ast.PostOrderVisit(out, ast.NewExprVisitor(func(n ast.Expr) {
		args := argsOf(n, coalesceCall)
		if len(args) < 2 {
			return
		}
		last := len(args) - 1
		if rest := argsOf(args[last], coalesceCall); rest != nil {
			n.SetKindCase(factory.NewCall(n.ID(), coalesceCall, append(slices.Clone(args[:last]), rest...)...))
		}
	}))
	return out
}

// isNull reports whether a value is null or an error caused by it.
func isNull(v ref.Val) bool {
	if v == types.NullValue {
		return true
	}
	err, ok := v.(*types.Err)
	return ok && causedByNull(err)
}

func causedByNull(err *types.Err) bool {
	c, ok := err.Unwrap().(*cause)
	return ok && c.byNull()
}
