package predicate

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/feedmill/feedmill/internal/diag"
)

// syntaxMistake tells of the first of a parser's errors.
func syntaxMistake(text *diag.Text, source common.Source, errs []*common.Error) diag.Diagnostic {
	first := slices.MinFunc(errs, func(a, b *common.Error) int {
		if a.Location.Line() != b.Location.Line() {
			return a.Location.Line() - b.Location.Line()
		}
		return a.Location.Column() - b.Location.Column()
	})
	offset, _ := source.LocationOffset(first.Location)
	at := byteOffsets(text.Value)(int(offset))
	message := strings.TrimPrefix(first.Message, "Syntax error: ")
	if strings.TrimSpace(text.Value) == "" {
		return text.At(0, 1, "an expression is missing")
	}
	rest := text.Value[at:]
	hint := syntaxHint(rest)
	if rest == "" || strings.Contains(message, "<EOF>") {
		message = "the expression ends too early"
		if wanted, ok := strings.CutPrefix(first.Message, "Syntax error: expected "); ok {
			message += ": expected " + wanted
		}
	}
	return text.At(at, max(1, utf8.RuneCountInString(word(rest))), "%s", message).WithHint("%s", hint)
}

// syntaxHint knows the habits of other languages.
func syntaxHint(rest string) string {
	lower := strings.ToLower(word(rest))
	switch {
	case lower == "and":
		return "write &&"
	case lower == "or":
		return "write ||"
	case lower == "not":
		return "write !"
	case lower == "is":
		return "write =="
	case lower == "like":
		return "write .contains(\"...\"), .startsWith(\"...\") or .matches(\"...\")"
	case strings.HasPrefix(rest, "="):
		return "compare with =="
	case strings.HasPrefix(rest, "<>"):
		return "write !="
	case strings.HasPrefix(rest, "'"), strings.HasPrefix(rest, `"`):
		return `inside a text write \" for a quote and \\ for a backslash, or r"..." for a text without escapes`
	default:
		return ""
	}
}

// word returns the letters, digits and _ that a text begins with.
func word(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end < 0 {
		return text
	}
	return text[:end]
}

// explain says in our words what the checker found, each place once.
func (e *Env) explain(t *tree, checked *ast.AST, errs []*common.Error) diag.List {
	if len(errs) == 0 {
		return nil
	}
	x := explanation{Env: e, tree: t, typeOf: checked.TypeMap(), nodes: map[int64]ast.Expr{}}
	ast.PostOrderVisit(t.Expr(), ast.NewExprVisitor(func(node ast.Expr) { x.nodes[node.ID()] = node }))
	var mistakes diag.List
	for _, err := range errs {
		mistakes = append(mistakes, x.mistake(err))
	}
	return mistakes
}

type explanation struct {
	*Env
	*tree
	typeOf map[int64]*types.Type
	nodes  map[int64]ast.Expr
}

func (x explanation) mistake(err *common.Error) diag.Diagnostic {
	if name, ok := quoted(err.Message, "undefined field "); ok {
		return x.undefined(err.ExprID, name)
	}
	if name, ok := quoted(err.Message, "undeclared reference to "); ok {
		return x.undeclared(err.ExprID, name)
	}
	node := x.nodes[err.ExprID]
	if strings.HasPrefix(err.Message, "found no matching overload") && node != nil && node.Kind() == ast.CallKind {
		return x.mismatch(node)
	}
	message := x.readable(err.Message)
	if strings.HasSuffix(message, "does not support field selection") && node != nil {
		field := node.AsSelect().FieldName()
		operand := x.typeOf[node.AsSelect().Operand().ID()]
		return x.atField(err.ExprID, field, "a %s has no %s", x.typeName(operand), field)
	}
	if strings.HasPrefix(message, "expression of type") && node != nil && node.Kind() != ast.UnspecifiedExprKind {
		return x.tree.mistake(err.ExprID, 0, 1, "a %s has no elements", x.typeName(x.typeOf[err.ExprID]))
	}
	return x.tree.mistake(err.ExprID, 0, 1, "%s", message)
}

// quoted returns the quoted word after a prefix.
func quoted(message, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(message, prefix+"'")
	if !ok {
		return "", false
	}
	name, _, ok := strings.Cut(rest, "'")
	return name, ok
}

// readable turns a message that has no words of ours yet into plainer ones.
func (x explanation) readable(message string) string {
	for _, typ := range []string{"string", "bool", "int", "double"} {
		message = strings.ReplaceAll(message, "wrapper("+typ+")", typ)
	}
	message = strings.NewReplacer("expected type", "expected", "but found", "found", "'", "", "@", "", "google.protobuf.", "").Replace(message)
	return message
}

func (x explanation) undefined(id int64, name string) diag.Diagnostic {
	node := x.nodes[id]
	s := x.structs[x.typeOf[node.AsSelect().Operand().ID()].TypeName()]
	what := "field"
	if slices.Contains(x.roots, s.title) {
		what = "column"
	}
	return x.atField(id, name, "%s has no %s %s", s.title, what, name).WithHint("%s", diag.DidYouMean(name, s.names()))
}

// atField is a mistake at the name of a selected field.
func (x explanation) atField(id int64, name, format string, args ...any) diag.Diagnostic {
	p := x.places[id]
	shift := 0
	if p.text != nil {
		shift = fieldShift(p.text.Value[p.offset:])
	}
	return x.tree.mistake(id, shift, utf8.RuneCountInString(name), format, args...)
}

// fieldShift returns where the name begins in a text that begins with its dot.
func fieldShift(text string) int { return len(text) - len(strings.TrimLeft(text, ".? \t\n")) }

func (x explanation) undeclared(id int64, name string) diag.Diagnostic {
	node := x.nodes[id]
	name = strings.TrimPrefix(name, ".")
	if node != nil && node.Kind() == ast.CallKind {
		return x.atName(id, name, "there is no function %s", name).WithHint("%s", diag.DidYouMean(name, x.functionNames()))
	}
	return x.tree.mistake(id, 0, utf8.RuneCountInString(name), "there is no %s here", name).WithHint("%s", x.rootHint(name))
}

// atName is a mistake at a call's name, which ends before its parenthesis.
func (x explanation) atName(id int64, name, format string, args ...any) diag.Diagnostic {
	p := x.places[id]
	last := name[strings.LastIndexByte(name, '.')+1:]
	if p.text == nil || !strings.HasSuffix(strings.TrimRight(p.text.Value[:p.offset], " "), last) {
		return x.tree.mistake(id, 0, 1, format, args...)
	}
	end := len(strings.TrimRight(p.text.Value[:p.offset], " "))
	return x.tree.mistake(id, end-len(last)-p.offset, len(last), format, args...)
}

func (x explanation) functionNames() []string {
	var names []string
	for name := range x.cel.Functions() {
		if word(name) != "" && !strings.HasPrefix(name, "_") {
			names = append(names, name)
		}
	}
	for _, m := range x.cel.Macros() {
		names = append(names, m.Function())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// rootHint says what a name that stands alone was meant to be.
func (e *Env) rootHint(name string) string {
	switch name {
	case "item":
		return "item exists in sources with explode"
	case "path":
		return "path exists in sources whose path has names in braces"
	case "now":
		return "now exists in feeds"
	case sharedRoot:
		return "shared expressions exist in feeds; each is used as shared.name"
	}
	for _, s := range e.rootTypes() {
		if s.index(name) >= 0 {
			return "did you mean " + s.title + "." + name + "?"
		}
	}
	return diag.DidYouMean(name, e.roots)
}

// mismatch tells which types do not go together.
func (x explanation) mismatch(node ast.Expr) diag.Diagnostic {
	c := node.AsCall()
	var args []string
	if c.IsMemberFunction() {
		args = append(args, x.typeName(x.typeOf[c.Target().ID()]))
	}
	for _, arg := range c.Args() {
		args = append(args, x.typeName(x.typeOf[arg.ID()]))
	}
	hint := mismatchHint(c.FunctionName(), args)
	if sign, ok := operators.FindReverse(c.FunctionName()); ok && sign != "" {
		return x.tree.mistake(node.ID(), 0, len(sign), "%s", operatorMismatch(sign, args)).WithHint("%s", hint)
	}
	name := strings.TrimPrefix(c.FunctionName(), "@")
	switch c.FunctionName() {
	case operators.Index, operators.OptIndex:
		return x.tree.mistake(node.ID(), 0, 1, "a %s has no element [%s]", args[0], args[1]).WithHint("%s", hint)
	case operators.Conditional:
		return x.tree.mistake(node.ID(), 0, 1, "? chooses by a bool between two of one type, not %s ? %s : %s", args[0], args[1], args[2]).WithHint("%s", hint)
	}
	return x.atName(node.ID(), name, "%s does not take (%s)", name, strings.Join(args, ", ")).WithHint("%s", hint)
}

func operatorMismatch(sign string, args []string) string {
	switch {
	case len(args) == 1:
		return fmt.Sprintf("%s does not take a %s", sign, args[0])
	case slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, sign):
		return fmt.Sprintf("%s cannot compare %s with %s", sign, args[0], args[1])
	default:
		return fmt.Sprintf("%s does not take %s and %s", sign, args[0], args[1])
	}
}

func mismatchHint(function string, args []string) string {
	has := func(name string) bool { return slices.Contains(args, name) }
	switch {
	case has("int") && has("double"):
		return "turn the int into a double: double(...)"
	case has("null") && slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "list") || strings.HasPrefix(a, "map") }):
		return "a list or map is never null but empty: ask has(...) or size(...) == 0"
	case has("timestamp") && has("string"):
		return `write timestamp("2026-01-31T00:00:00Z")`
	case has("string") && (has("int") || has("double")) && function == operators.Add:
		return "turn the number into a text: string(...)"
	case has("string") && (has("int") || has("double")):
		return "compare texts with texts and numbers with numbers: int(...), double(...), string(...)"
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
