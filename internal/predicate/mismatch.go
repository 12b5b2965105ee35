package predicate

import (
	"cmp"
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/feedmill/feedmill/internal/diag"
)

// mismatch tells which types do not go together.
func (x explanation) mismatch(node ast.Expr) diag.Diagnostic {
	c := node.AsCall()
	operands := c.Args()
	if c.IsMemberFunction() {
		operands = slices.Concat([]ast.Expr{c.Target()}, operands)
	}
	var args []string
	for _, operand := range operands {
		args = append(args, x.typeName(x.typeOf[operand.ID()]))
	}
	hint := cmp.Or(x.styleHint(c), mismatchHint(c.FunctionName(), args), x.sharedHint(operands...))
	if sign, ok := operators.FindReverse(c.FunctionName()); ok && sign != "" {
		return x.tree.mistake(node.ID(), 0, len(sign), "%s", operatorMismatch(sign, args)).WithHint("%s", hint)
	}
	name := strings.TrimPrefix(c.FunctionName(), "@")
	switch c.FunctionName() {
	case operators.Index, operators.OptIndex:
		return x.tree.mistake(node.ID(), 0, 1, "%s has no element [%s]", article(args[0]), args[1]).WithHint("%s", hint)
	case coalesceCall:
		return x.atName(node.ID(), name, "coalesce takes values of one type, not (%s)", strings.Join(args, ", ")).WithHint("%s", hint)
	case operators.Conditional:
		if text := x.textAt(node.ID()); !strings.HasPrefix(text, "?") { // filter() and map() make one
			return x.atChain(c.Args()[0], "expected bool, found %s", args[0]).WithHint("%s", x.sharedHint(c.Args()[0]))
		}
		return x.tree.mistake(node.ID(), 0, 1, "? takes a bool and two values of one type, not %s ? %s : %s", args[0], args[1], args[2]).WithHint("%s", hint)
	}
	return x.atName(node.ID(), name, "%s does not take (%s)", name, strings.Join(args, ", ")).WithHint("%s", hint)
}

// styleHint is for f(x) that is written x.f(), and the other way round.
func (x explanation) styleHint(c ast.CallExpr) string {
	fn := x.cel.Functions()[c.FunctionName()]
	if fn == nil || slices.ContainsFunc(fn.OverloadDecls(), func(o *decls.OverloadDecl) bool { return o.IsMemberFunction() == c.IsMemberFunction() }) {
		return ""
	}
	if c.IsMemberFunction() {
		return "write " + c.FunctionName() + "(...) around it"
	}
	return "write it after a value: value." + c.FunctionName() + "(...)"
}

func operatorMismatch(sign string, args []string) string {
	switch {
	case len(args) == 1:
		return fmt.Sprintf("%s does not take %s", sign, article(args[0]))
	case slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, sign):
		return fmt.Sprintf("%s cannot compare %s with %s", sign, args[0], args[1])
	default:
		return fmt.Sprintf("%s does not take %s and %s", sign, args[0], args[1])
	}
}

func mismatchHint(function string, args []string) string {
	has := func(name string) bool { return slices.Contains(args, name) }
	switch {
	case function == operators.Modulo && has("double"):
		return "% takes ints: write int(...) around what is none"
	case function == "contains" && len(args) == 2 && strings.HasPrefix(args[0], "list("):
		return "a list has elements: write value in list"
	case has("int") && has("double"):
		return "turn the int into a double: double(...)"
	case has("null") && slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "list") || strings.HasPrefix(a, "map") }):
		return "a list or map is never null but empty: ask has(...) or size(...) == 0"
	case has("timestamp") && has("string"):
		return dateHint
	case function == operators.In && len(args) == 2 && args[1] == "string":
		return `a text has parts: text.contains("...")`
	case has("string") && (has("int") || has("double")) && function == operators.Add:
		return "turn the number into a text: string(...)"
	case has("string") && (has("int") || has("double")):
		return "turn one into the other's type: int(...), double(...), string(...)"
	default:
		return ""
	}
}

// typeName calls a type as users do.
func (e *Env) typeName(t *types.Type) string {
	switch t.Kind() {
	case types.ListKind:
		return "list(" + e.typeName(t.Parameters()[0]) + ")"
	case types.MapKind:
		return "map(" + e.typeName(t.Parameters()[0]) + ", " + e.typeName(t.Parameters()[1]) + ")"
	case types.StructKind:
		return "struct " + strings.TrimPrefix(t.TypeName(), "@")
	case types.TimestampKind:
		return "timestamp"
	case types.DurationKind:
		return "duration"
	case types.NullTypeKind:
		return "null"
	case types.DynKind, types.AnyKind, types.TypeParamKind, types.ErrorKind:
		return "dynamic"
	case types.OpaqueKind:
		if len(t.Parameters()) == 1 {
			return "optional(" + e.typeName(t.Parameters()[0]) + ")"
		}
		return t.TypeName()
	default:
		return t.TypeName()
	}
}

// patternReason is what is wrong with a pattern, without the words around it.
func patternReason(err error) string {
	var bad *syntax.Error
	if !errors.As(err, &bad) {
		return err.Error()
	}
	if bad.Expr == "" {
		return bad.Code.String()
	}
	return bad.Code.String() + ": " + bad.Expr
}
