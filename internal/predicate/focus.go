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
	if written, found := t.argument(id); found {
		id = written // the selection that has() was given, whose own place is the parenthesis
	}
	return t.mistake(id, t.nameShift(id), utf8.RuneCountInString(name), format, args...)
}

// textAt returns what stands at a node's place and after it.
func (t *tree) textAt(id int64) string {
	p := t.places[id]
	if p.text == nil {
		return ""
	}
	return p.text.Value[p.offset:]
}

// nameShift returns how far after a node's place the name after its dot begins.
func (t *tree) nameShift(id int64) int {
	text := t.textAt(id)
	return len(text) - len(strings.TrimLeft(text, ".? \t\n"))
}

// argument returns the first argument of the macro that a node was written as.
func (t *tree) argument(id int64) (first int64, found bool) {
	call, found := t.SourceInfo().GetMacroCall(id)
	if !found || call.Kind() != ast.CallKind || len(call.AsCall().Args()) == 0 {
		return 0, false
	}
	return call.AsCall().Args()[0].ID(), true
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

// atChain is a mistake of a whole chain of names or use of a shared expression, of a
// call's name, or at a node.
func (t *tree) atChain(e ast.Expr, format string, args ...any) diag.Diagnostic {
	if name, found := t.shared[e.ID()]; found {
		return t.atShared(e.ID(), name, format, args...)
	}
	switch e.Kind() {
	case ast.CallKind:
		if sign, ok := operators.FindReverse(e.AsCall().FunctionName()); !ok || sign == "" {
			return t.atName(e.ID(), e.AsCall().FunctionName(), format, args...)
		}
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

// atShared is a mistake of a use of a shared expression, which keeps the place of its
// dot.
func (t *tree) atShared(id int64, name, format string, args ...any) diag.Diagnostic {
	p := t.places[id]
	if p.text == nil {
		return t.mistake(id, 0, 1, format, args...)
	}
	from := strings.LastIndex(p.text.Value[:p.offset], sharedRoot)
	end := p.offset + t.nameShift(id) + len(name)
	if from < 0 || end > len(p.text.Value) {
		return t.mistake(id, 0, 1, format, args...)
	}
	return t.mistake(id, from-p.offset, utf8.RuneCountInString(p.text.Value[from:end]), format, args...)
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
