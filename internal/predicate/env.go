package predicate

import (
	"fmt"
	_ "time/tzdata" // getHours("Asia/Hong_Kong") works on every machine

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/containers"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/interpreter"
	"cel.dev/cel-go/parser"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// An Env is what the expressions of one place may refer to. It is safe for
// concurrent use.
type Env struct {
	*provider
	cel        *cel.Env
	parser     *parser.Parser
	checker    *checker.Env
	dispatcher interpreter.Dispatcher
	roots      []string
	shared     *macros // nil where there are none
	dynamic    bool    // whether a predicate may be dynamic
}

// A RowShape says which variables stand beside `row` in a source.
type RowShape struct {
	Item bool // the source is exploded: `item` is the element
	Path bool // the path pattern has names: `path.name`
}

// OfferOptions says what stands beside `offer`.
type OfferOptions struct {
	Now    bool   // `now`, the start of the run
	Shared Shared // `shared.name`, each checked when it is first used
}

// The root variables.
const (
	rowRoot   = "row"
	itemRoot  = "item"
	pathRoot  = "path"
	offerRoot = "offer"
	itRoot    = "it"
	nowRoot   = "now"
)

// RowEnv is the environment of a source's expressions: row, item and path are
// dynamic, an absent field is null.
func RowEnv(shape RowShape) *Env {
	roots := []root{{rowRoot, types.DynType}}
	if shape.Item {
		roots = append(roots, root{itemRoot, types.DynType})
	}
	if shape.Path {
		roots = append(roots, root{pathRoot, types.DynType})
	}
	e := mustEnv(func(*provider) []root { return roots })
	e.dynamic = true
	return e
}

// OfferEnv is the environment of expressions over offers of a schema.
func OfferEnv(schema offer.Schema, options OfferOptions) *Env {
	e := mustEnv(func(p *provider) []root {
		roots := []root{{offerRoot, p.add(offerRoot, schema).typ}}
		if options.Now {
			roots = append(roots, root{nowRoot, types.TimestampType})
		}
		return roots
	})
	if options.Shared != nil {
		e.roots = append(e.roots, sharedRoot)
		e.shared = &macros{texts: options.Shared}
	}
	return e
}

// ItEnv is the environment of a join's expressions over the joined source's
// columns, as `it`.
func ItEnv(schema offer.Schema) *Env {
	return mustEnv(func(p *provider) []root { return []root{{itRoot, p.add(itRoot, schema).typ}} })
}

// A root is a variable that expressions begin with.
type root struct {
	name string
	typ  *types.Type
}

// mustEnv builds an environment. Its parts are constant but for the schema, which
// cannot make it fail.
func mustEnv(declare func(*provider) []root) *Env {
	e, err := newEnv(declare, extensions()...)
	if err != nil {
		panic(fmt.Sprintf("predicate: %v", err))
	}
	return e
}

// extensions is what expressions may use beyond the standard.
func extensions() []cel.EnvOption {
	return append([]cel.EnvOption{ext.Strings(), ext.Lists(), ext.Math()}, library()...)
}

func newEnv(declare func(*provider) []root, extensions ...cel.EnvOption) (*Env, error) {
	p, err := newProvider()
	if err != nil {
		return nil, err
	}
	e := &Env{provider: p}
	options := []cel.EnvOption{
		cel.OptionalTypes(), cel.CustomTypeProvider(p), cel.CustomTypeAdapter(adapter{}),
		cel.CrossTypeNumericComparisons(true), cel.Variable(unknownIdent, types.DynType),
	}
	for _, r := range declare(p) {
		e.roots = append(e.roots, r.name)
		options = append(options, cel.Variable(r.name, r.typ))
	}
	if e.cel, err = cel.NewEnv(append(options, extensions...)...); err != nil {
		return nil, err
	}
	return e, e.prepare()
}

// prepare makes the parser, checker and functions that expressions are compiled
// with. They are cel-go's own: its Env keeps to itself the types that a failed
// check found, and promote needs those.
func (e *Env) prepare() (err error) {
	if e.parser, err = parser.NewParser(parser.Macros(e.cel.Macros()...), parser.EnableOptionalSyntax(true),
		parser.EnablePrattParser(true), parser.PopulateMacroCalls(true), parser.EnableVariadicOperatorASTs(true), parser.EnableHiddenAccumulatorName(true)); err != nil {
		return err
	}
	container, err := containers.NewContainer()
	if err != nil {
		return err
	}
	if e.checker, err = checker.NewEnv(container, e.provider, checker.CrossTypeNumericComparisons(true)); err != nil {
		return err
	}
	if err := e.checker.AddIdents(e.cel.Variables()...); err != nil {
		return err
	}
	e.dispatcher = interpreter.NewDispatcher()
	for _, fn := range e.cel.Functions() {
		if err := e.declare(fn); err != nil {
			return err
		}
	}
	return nil
}

func (e *Env) declare(fn *decls.FunctionDecl) error {
	if !fn.IsDeclarationDisabled() {
		if err := e.checker.AddFunctions(fn); err != nil {
			return err
		}
	}
	bindings, err := fn.Bindings()
	if err != nil {
		return err
	}
	if fn.Name() == overloads.TypeConvertTimestamp {
		bindings = inUTC(bindings)
	}
	return e.dispatcher.Add(bindings...)
}

// rootTypes returns the struct types of the roots that have one.
func (e *Env) rootTypes() []*structType {
	var out []*structType
	for _, name := range e.roots {
		if s, ok := e.structs["@"+name]; ok {
			out = append(out, s)
		}
	}
	return out
}

// Value compiles an expression of any type.
func (e *Env) Value(text diag.Text) (*Expr, diag.List) {
	x, mistakes := e.compile(&text)
	if len(mistakes) > 0 {
		return nil, mistakes.Sorted()
	}
	return x, nil
}

// Predicate compiles an expression that must be a bool. Over source rows it may
// be dynamic.
func (e *Env) Predicate(text diag.Text) (*Expr, diag.List) {
	x, mistakes := e.compile(&text)
	if len(mistakes) > 0 {
		return nil, mistakes.Sorted()
	}
	if t := x.typ; t.Kind() != types.BoolKind && !(e.dynamic && t.Kind() == types.DynKind) {
		d := text.At(0, max(1, len([]rune(text.Value))), "a condition must be a bool, not %s", e.typeName(t))
		if t.Kind() == types.DynKind {
			d = d.WithHint("compare it with something")
		}
		return nil, diag.List{d}
	}
	return x, nil
}

func (e *Env) compile(text *diag.Text) (*Expr, diag.List) {
	t, mistakes := e.parse(text)
	if t == nil {
		return nil, mistakes
	}
	mistakes = append(mistakes, e.expand(t, func(u use) *macro { return e.compiled()[u.name] })...)
	checked, found := e.check(t)
	if mistakes = append(mistakes, found...); len(mistakes) > 0 {
		return nil, mistakes
	}
	x := e.plan(text.Written(), checked)
	x.parts.tree, x.meaning = t, text.Value
	return x, nil
}
