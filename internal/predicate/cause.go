package predicate

import (
	"math"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"
)

// A site is a call, or what acts like one, in an expression: where errors begin.
type site struct {
	written
	nulls []*types.Err // why it has no value, by the argument that is null
}

func newSite(info *ast.SourceInfo, expr ast.Expr, args ...ast.Expr) site {
	s := site{written: written{expr, info}, nulls: make([]*types.Err, len(args))}
	for i, arg := range args {
		s.nulls[i] = types.WrapErr(&cause{written: written{arg, info}}).(*types.Err)
	}
	return s
}

// fail tells where an error happened that no null caused.
func (s *site) fail(err ref.Val) ref.Val {
	return types.WrapErr(&cause{written: s.written, err: err.(*types.Err).Unwrap()})
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
	written       // what is null, or the call that failed
	err     error // nil when null is the reason
}

func (c *cause) byNull() bool { return c.err == nil }

func (c *cause) Error() string {
	if c.byNull() {
		return brief(c.text()) + " is null"
	}
	return brief(c.text()) + ": " + c.err.Error()
}

func (c *cause) Unwrap() error { return c.err }

// A written is a part of an expression and what is known of how it was written.
type written struct {
	expr ast.Expr
	info *ast.SourceInfo
}

// text is the part in one line of CEL, whatever line breaks, quotes and parentheses
// it was written with: parts with the same text say the same.
func (w written) text() string {
	text, err := parser.Unparse(inPairs(w.expr), w.info, parser.WrapOnColumn(math.MaxInt), parser.EscapeIdentifiers(true))
	if err != nil {
		return "a part of a loop" // that its macro has made
	}
	return unquoted.Replace(text)
}

// The unparser puts a name in backquotes that is no identifier, part by part of what
// dots divide. A verbatim name comes out of it as it is.
const quoteMark, dotMark = "\uE000", "\uE001" // of private use

func verbatim(text string) string {
	return quoteMark + strings.ReplaceAll(text, ".", dotMark) + quoteMark
}

var unquoted = strings.NewReplacer("`"+quoteMark, "", quoteMark+"`", "", dotMark, ".")

// inPairs returns the expression with every && and || of two operands, the first of
// which may be another: that is all that cel-go's unparser prints of them.
func inPairs(expr ast.Expr) ast.Expr {
	factory := ast.NewExprFactory()
	out := factory.CopyExpr(expr)
	ast.PostOrderVisit(out, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || !isJunction(e.AsCall().FunctionName()) {
			return
		}
		args, last := e.AsCall().Args(), len(e.AsCall().Args())-1
		first := args[0]
		for _, arg := range args[1:last] {
			first = factory.NewCall(0, e.AsCall().FunctionName(), first, arg)
		}
		e.SetKindCase(factory.NewCall(e.ID(), e.AsCall().FunctionName(), first, args[last]))
	}))
	return out
}

func isJunction(function string) bool {
	return function == operators.LogicalAnd || function == operators.LogicalOr
}

// brief is a text cut to what fits beside others.
func brief(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return text
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
