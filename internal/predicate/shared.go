package predicate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/common/ast"

	"github.com/feedmill/feedmill/internal/diag"
)

// Shared is the named expressions that others use as `shared.name`.
type Shared map[string]diag.Text

const (
	sharedRoot   = "shared"   // how expressions call them
	unknownIdent = "@unknown" // a dynamic variable that cannot be written
)

// maxNodes bounds what an expression may grow to when shared ones are put in.
const maxNodes = 100_000

// A macros is the shared expressions of an environment, each parsed, with others
// put into it, and checked alone.
type macros struct {
	texts Shared
	once  sync.Once
	trees map[string]*macro
}

// A macro is one of them; without a tree where it is mistaken.
type macro struct {
	tree     *tree
	mistakes diag.List // its own and those of all it uses
}

// compiled returns all of them; a cycle is reported where the alphabetically
// first of its expressions is used again.
func (e *Env) compiled() map[string]*macro {
	e.shared.once.Do(func() {
		e.shared.trees = map[string]*macro{}
		for _, name := range slices.Sorted(maps.Keys(e.shared.texts)) {
			e.compileShared(name, nil)
		}
	})
	return e.shared.trees
}

func (e *Env) compileShared(name string, users []string) *macro {
	if m, ok := e.shared.trees[name]; ok {
		return m
	}
	m := &macro{}
	text := e.shared.texts[name]
	t, mistakes := e.parse(&text)
	if t != nil {
		users = append(users, name)
		mistakes = e.expand(t, func(use use) *macro { return e.useShared(t, use, users) })
		_, found := e.check(t)
		mistakes = append(mistakes, found...)
	}
	if m.mistakes = mistakes.Sorted(); len(mistakes) == 0 {
		m.tree = t
	}
	e.shared.trees[name] = m
	return m
}

// useShared returns what a shared expression uses, unless it uses itself so.
func (e *Env) useShared(t *tree, u use, users []string) *macro {
	if i := slices.Index(users, u.name); i >= 0 {
		cycle := strings.Join(append(slices.Clone(users[i:]), u.name), " -> ")
		return &macro{mistakes: diag.List{u.mistake(t, "shared.%s uses itself: %s", u.name, cycle)}}
	}
	return e.compileShared(u.name, users)
}

// A use is a place that says shared.name.
type use struct {
	expr ast.Expr
	name string
}

func (u use) mistake(t *tree, format string, args ...any) diag.Diagnostic {
	return t.atField(u.expr.ID(), u.name, format, args...)
}

// expand puts shared expressions into a tree, and in the place of mistaken ones
// something of unknown type; find returns the one that a use names, which exists.
func (e *Env) expand(t *tree, find func(use) *macro) diag.List {
	if e.shared == nil {
		return nil
	}
	var mistakes diag.List
	for _, u := range usesOf(t, &mistakes) {
		m := e.lookUp(t, u, find)
		mistakes = append(mistakes, m.mistakes...)
		if m.tree != nil && t.nextID+m.tree.nextID > maxNodes {
			mistakes = append(mistakes, u.mistake(t, "the expression grows too large with shared.%s", u.name))
			m = &macro{}
		}
		if m.tree == nil {
			u.expr.SetKindCase(ast.NewExprFactory().NewIdent(u.expr.ID(), unknownIdent))
			continue
		}
		t.graft(u.expr, m.tree)
		t.shared[u.expr.ID()] = u.name
	}
	return mistakes
}

func (e *Env) lookUp(t *tree, u use, find func(use) *macro) *macro {
	if _, ok := e.shared.texts[u.name]; ok {
		return find(u)
	}
	hint := diag.DidYouMean(u.name, slices.Sorted(maps.Keys(e.shared.texts)))
	return &macro{mistakes: diag.List{u.mistake(t, "there is no shared expression %s", u.name).WithHint("%s", hint)}}
}

// usesOf returns the uses of shared expressions in a tree.
func usesOf(t *tree, mistakes *diag.List) []use {
	var uses []use
	ast.PreOrderVisit(t.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.SelectKind {
			return
		}
		s := e.AsSelect()
		if s.Operand().Kind() != ast.IdentKind || s.Operand().AsIdent() != sharedRoot {
			return
		}
		u := use{expr: e, name: s.FieldName()}
		if s.IsTestOnly() {
			*mistakes = append(*mistakes, u.mistake(t, "has() asks for a column, and shared.%s is an expression", u.name))
			e.SetKindCase(ast.NewExprFactory().NewIdent(e.ID(), unknownIdent))
			return
		}
		uses = append(uses, u)
	}))
	return uses
}

// CheckShared returns the mistakes of all shared expressions, used or not.
func (e *Env) CheckShared() diag.List {
	if e.shared == nil {
		return nil
	}
	var mistakes diag.List
	for _, m := range e.compiled() {
		mistakes = append(mistakes, m.mistakes...)
	}
	if len(mistakes) == 0 {
		return nil
	}
	return mistakes.Sorted()
}

// Describe returns an expression's meaning, with that of the shared ones that it uses,
// however they are nested: equal texts mean the same.
func (s Shared) Describe(x *Expr) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q\n", x.Meaning())
	pending := []string{x.Meaning()}
	seen := map[string]bool{}
	for len(pending) > 0 {
		text := pending[0]
		pending = pending[1:]
		for _, name := range slices.Sorted(maps.Keys(s)) {
			if !seen[name] && strings.Contains(text, name) {
				seen[name] = true
				pending = append(pending, s[name].Value)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		fmt.Fprintf(&b, "shared %s %q\n", name, s[name].Value)
	}
	return b.String()
}
