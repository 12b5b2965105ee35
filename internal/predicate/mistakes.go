package predicate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/feedmill/feedmill/internal/diag"
)

// explain says in our words what the checker found.
func (e *Env) explain(t *tree, checked *ast.AST, errs []*common.Error) diag.List {
	if len(errs) == 0 {
		return nil
	}
	x := explanation{Env: e, tree: t, typeOf: checked.TypeMap(), nodes: map[int64]ast.Expr{}, prefixes: map[int64]string{}}
	ast.PostOrderVisit(t.Expr(), ast.NewExprVisitor(func(node ast.Expr) { x.nodes[node.ID()] = node }))
	for _, err := range errs {
		x.notePrefix(err)
	}
	var mistakes diag.List
	for _, err := range errs {
		if _, isPrefix := x.prefixes[err.ExprID]; !isPrefix {
			mistakes = append(mistakes, x.mistake(err))
		}
	}
	return mistakes
}

type explanation struct {
	*Env
	*tree
	typeOf   map[int64]*types.Type
	nodes    map[int64]ast.Expr
	prefixes map[int64]string // names such as math before a function that does not exist
}

// notePrefix notes the math of math.flor(x): of the two errors about it only that
// about the function is told.
func (x explanation) notePrefix(err *common.Error) {
	node := x.nodes[err.ExprID]
	if _, ok := quoted(err.Message, "undeclared reference to "); !ok || node == nil || node.Kind() != ast.CallKind {
		return
	}
	c := node.AsCall()
	if c.IsMemberFunction() && c.Target().Kind() == ast.IdentKind && x.typeOf[c.Target().ID()].Kind() == types.ErrorKind {
		x.prefixes[c.Target().ID()] = c.Target().AsIdent()
	}
}

func (x explanation) mistake(err *common.Error) diag.Diagnostic {
	if name, ok := quoted(err.Message, "undefined field "); ok {
		return x.undefined(err.ExprID, name)
	}
	if name, ok := quoted(err.Message, "undeclared reference to "); ok {
		return x.undeclared(err.ExprID, strings.TrimPrefix(name, "."))
	}
	node := x.nodes[err.ExprID]
	if node == nil {
		return x.tree.mistake(err.ExprID, 0, 1, "%s", readable(err.Message))
	}
	switch {
	case strings.HasPrefix(err.Message, "found no matching overload") && node.Kind() == ast.CallKind:
		return x.mismatch(node)
	case strings.HasSuffix(err.Message, "does not support field selection") && node.Kind() == ast.SelectKind:
		s := node.AsSelect()
		return x.atField(err.ExprID, s.FieldName(), "%s has no %s", article(x.typeName(x.typeOf[s.Operand().ID()])), s.FieldName()).
			WithHint("%s", cmp.Or(functionHints[strings.ToLower(s.FieldName())], x.sharedHint(s.Operand())))
	case strings.HasPrefix(err.Message, "expression of type"):
		return x.atChain(node, "%s has no elements", article(x.typeName(x.typeOf[err.ExprID]))).WithHint("%s", x.sharedHint(node))
	default:
		return x.atChain(node, "%s", readable(err.Message)).WithHint("%s", x.sharedHint(node))
	}
}

// sharedHint says where a shared expression stands that one of the nodes is.
func (x explanation) sharedHint(nodes ...ast.Expr) string {
	for _, node := range nodes {
		name, found := x.tree.shared[node.ID()]
		if !found {
			continue
		}
		if text := x.Env.shared.texts[name]; text.File != nil {
			line, _ := text.Place(0)
			return fmt.Sprintf("shared.%s is %s: %s:%d", name, article(x.typeName(x.typeOf[node.ID()])), text.File.Name, line)
		}
	}
	return ""
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

// readable turns a message that has no words of ours into plainer ones.
func readable(message string) string {
	for _, typ := range []string{"string", "bool", "int", "double"} {
		message = strings.ReplaceAll(message, "wrapper("+typ+")", typ)
	}
	return strings.NewReplacer("expected type", "expected", " but found", ", found", "'", "", "@", "", "google.protobuf.", "").Replace(message)
}

// article puts a or an before a word.
func article(word string) string {
	if strings.IndexByte("aeio", word[0]) >= 0 {
		return "an " + word
	}
	return "a " + word
}

func (x explanation) undefined(id int64, name string) diag.Diagnostic {
	operand, s := x.selectedFrom(x.nodes[id])
	if s == nil {
		return x.tree.mistake(id, 0, 1, "there is no field %s", name)
	}
	what := "field"
	if slices.Contains(x.roots, s.title) {
		what = "column"
	}
	return x.atField(id, name, "%s has no %s %s", x.titleOf(operand, s), what, name).WithHint("%s", diag.DidYouMean(name, s.names()))
}

// titleOf says what a struct is called where it stands.
func (x explanation) titleOf(operand ast.Expr, s *structType) string {
	names := x.namesOf(operand)
	switch {
	case names != nil:
		return strings.Join(names, ".")
	case s.shared && operand.Kind() == ast.IdentKind:
		return operand.AsIdent()
	default:
		return s.title
	}
}

// selectedFrom returns what a node selects from, also by a.?b, and its struct
// type, nil where it has none.
func (x explanation) selectedFrom(node ast.Expr) (operand ast.Expr, s *structType) {
	if node == nil {
		return nil, nil
	}
	switch args := argsOf(node, operators.OptSelect); {
	case node.Kind() == ast.SelectKind:
		operand = node.AsSelect().Operand()
	case len(args) == 2:
		operand = args[0]
	default:
		return nil, nil
	}
	return operand, x.structIn(x.typeOf[operand.ID()])
}

func (x explanation) undeclared(id int64, name string) diag.Diagnostic {
	node := x.nodes[id]
	if node == nil || node.Kind() != ast.CallKind {
		return x.tree.mistake(id, 0, utf8.RuneCountInString(name), "there is no %s here", name).WithHint("%s", x.rootHint(name))
	}
	if c := node.AsCall(); c.IsMemberFunction() {
		if prefix := x.prefixes[c.Target().ID()]; prefix != "" {
			name = prefix + "." + name
		}
	}
	if takes := x.macroArguments(node.AsCall()); takes > 0 {
		return x.atName(id, name, "%s takes %d arguments, and this one has %d", name, takes, len(node.AsCall().Args()))
	}
	hint, known := functionHints[strings.ToLower(name)]
	if !known {
		hint = diag.DidYouMean(name, x.functionNames())
	}
	return x.atName(id, name, "there is no function %s", name).WithHint("%s", hint)
}

// functionHints are for functions of other languages, by their names in small letters.
var functionHints = map[string]string{
	"not": "write !", "lower": "write text.lowerAscii()", "tolower": "write text.lowerAscii()", "tolowercase": "write text.lowerAscii()", "lowercase": "write text.lowerAscii()",
	"upper": "write text.upperAscii()", "toupper": "write text.upperAscii()", "touppercase": "write text.upperAscii()", "uppercase": "write text.upperAscii()",
	"len": sizeHint, "length": sizeHint, "strip": "write text.trim()", "includes": "write text.contains(...)", "substr": "write text.substring(...)",
	"isnull": "compare with == null", "ifnull": "write coalesce(...)", "nvl": "write coalesce(...)", "isempty": "write size(...) == 0",
	"date": dateHint, "abs": "write math.abs(...)", "floor": "write math.floor(...)", "ceil": "write math.ceil(...)",
}

const (
	sizeHint = "write size(...)"
	dateHint = `write timestamp("2026-01-31T00:00:00Z")`
)

// macroArguments returns how many arguments a macro of the call's name takes at least,
// 0 if there is none.
func (x explanation) macroArguments(c ast.CallExpr) int {
	takes := 0
	for _, m := range x.cel.Macros() {
		if m.Function() == c.FunctionName() && m.IsReceiverStyle() == c.IsMemberFunction() && m.ArgCount() > 0 && (takes == 0 || m.ArgCount() < takes) {
			takes = m.ArgCount()
		}
	}
	return takes
}

func (x explanation) functionNames() []string {
	var names []string
	for name := range x.cel.Functions() {
		if word(name) != "" && !strings.HasPrefix(name, "_") && !strings.Contains(name, "@") {
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
	for _, s := range e.rootTypes() {
		if s.index(name) >= 0 {
			return "did you mean " + s.title + "." + name + "?"
		}
	}
	if e.shared != nil {
		if _, found := e.shared.texts[name]; found {
			return "did you mean " + sharedRoot + "." + name + "?"
		}
	}
	switch strings.ToLower(name) {
	case "null", "none", "nil":
		return "write null"
	case "true", "false":
		return "write " + strings.ToLower(name)
	case "today":
		return diag.DidYouMean(nowRoot, e.roots)
	}
	switch name {
	case rowRoot:
		return "row exists in sources"
	case itemRoot:
		return "item exists in sources with explode"
	case pathRoot:
		return "path exists in sources whose path has names in braces"
	case offerRoot:
		return "offer exists in the offer's definition and in feeds"
	case itRoot:
		return "it exists in the where and order of joins"
	case nowRoot:
		return "now exists in feeds"
	case sharedRoot:
		return "shared expressions exist in feeds; each is used as shared.name"
	default:
		return diag.DidYouMean(name, e.roots)
	}
}
