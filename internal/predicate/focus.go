package predicate

import (
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/feedmill/feedmill/internal/diag"
)

// The parser puts a selection at its dot and a call at its parenthesis. These
// find what to underline.

// atField is a mistake at the name of a selected field.
func (t *tree) atField(id int64, name, format string, args ...any) diag.Diagnostic {
	return t.mistake(id, t.nameShift(id), utf8.RuneCountInString(name), format, args...)
}

// nameShift returns how far after a node's place the name after its dot begins.
func (t *tree) nameShift(id int64) int {
	p := t.places[id]
	if p.text == nil {
		return 0
	}
	text := p.text.Value[p.offset:]
	return len(text) - len(strings.TrimLeft(text, ".? \t\n"))
}

// atName is a mistake at a call's name, which ends before its parenthesis, with
// the namespace that name may have.
func (t *tree) atName(id int64, name, format string, args ...any) diag.Diagnostic {
	p := t.places[id]
	if p.text != nil {
		before := strings.TrimRight(p.text.Value[:p.offset], " ")
		for _, name := range []string{name, name[strings.LastIndexByte(name, '.')+1:]} {
			if strings.HasSuffix(before, name) {
				return t.mistake(id, len(before)-len(name)-p.offset, len(name), format, args...)
			}
		}
	}
	return t.mistake(id, 0, 1, format, args...)
}

// atChain is a mistake of a whole chain of names, or at a node.
func (t *tree) atChain(e ast.Expr, format string, args ...any) diag.Diagnostic {
	switch e.Kind() {
	case ast.IdentKind:
		return t.mistake(e.ID(), 0, utf8.RuneCountInString(e.AsIdent()), format, args...)
	case ast.SelectKind:
		root, ok := rootOf(e)
		from, to := t.places[root], t.places[e.ID()]
		end := to.offset + t.nameShift(e.ID()) + len(e.AsSelect().FieldName())
		if ok && from.text == to.text && from.text != nil && from.offset < end && end <= len(from.text.Value) {
			return t.mistake(root, 0, utf8.RuneCountInString(from.text.Value[from.offset:end]), format, args...)
		}
	}
	return t.mistake(e.ID(), 0, 1, format, args...)
}

// rootOf returns the variable that a chain of selections and indexes begins with.
func rootOf(e ast.Expr) (id int64, ok bool) {
	for {
		switch {
		case e.Kind() == ast.IdentKind:
			return e.ID(), true
		case e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly():
			e = e.AsSelect().Operand()
		case len(argsOf(e, operators.Index)) == 2:
			e = e.AsCall().Args()[0]
		default:
			return 0, false
		}
	}
}
