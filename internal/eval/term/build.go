package term

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A Part is a condition in a predicate that terms cannot say.
type Part struct {
	Expr   *predicate.Expr
	Reason string
}

// Add returns the term of a predicate over offers, in whose terms `now` is a
// constant, and the parts that its Opaque terms decide, by their numbers, which
// go on from those that exist.
func (t *Table) Add(x *predicate.Expr, now time.Time, parts []Part) (ID, []Part) {
	b := &builder{table: t, checked: x.Checked(), now: now, parts: parts}
	b.closed = closedParts(b.checked)
	id := b.leg(b.checked.Root())
	return id, b.parts
}

// AddValue returns the term of an expression of any type over offers, in whose
// terms `now` is a constant. The error says why there is none.
func (t *Table) AddValue(x *predicate.Expr, now time.Time) (ID, error) {
	b := &builder{table: t, checked: x.Checked(), now: now}
	b.closed = closedParts(b.checked)
	id, err := b.whole(b.checked.Root())
	if err != nil {
		return 0, err
	}
	if k := t.Terms[id].Type.Kind; !IsScalar(k) && k != Null {
		return unsupported("it is a %s", kindName(t.Terms[id].Type))
	}
	return id, nil
}

// A builder turns one checked predicate into terms.
type builder struct {
	table   *Table
	checked *predicate.Checked
	now     time.Time
	parts   []Part
	closed  map[int64]bool // what reads no row and no variable of a loop around it
	scope   []variable
	read    []Space // of the variables that were read, since the last loop began
	nested  bool    // whether each loop lies in the one around it, even if it need not
}

// A variable is what a loop around binds.
type variable struct {
	name string
	elem ID
}

// An unsaid is why there is no term for a part.
type unsaid string

func (u unsaid) Error() string { return string(u) }

func unsupported(format string, args ...any) (ID, error) {
	return 0, unsaid(fmt.Sprintf(format, args...))
}

// leg is a condition outside of loops. It always has a term.
func (b *builder) leg(e ast.Expr) ID {
	if e.Kind() == ast.CallKind && !b.closed[e.ID()] {
		c := e.AsCall()
		switch c.FunctionName() {
		case operators.LogicalAnd:
			return b.table.junction(And, b.legs(c.Args()))
		case operators.LogicalOr:
			return b.table.junction(Or, b.legs(c.Args()))
		case operators.LogicalNot:
			return b.table.negation(b.leg(c.Args()[0]))
		case operators.Conditional:
			legs := b.legs(c.Args())
			return b.table.add(Term{Op: Cond, Args: legs, Type: boolean})
		}
	}
	id, err := b.whole(e)
	if err != nil {
		return b.opaque(e, err)
	}
	return id
}

func (b *builder) legs(exprs []ast.Expr) []ID {
	out := make([]ID, len(exprs))
	for i, e := range exprs {
		out[i] = b.leg(e)
	}
	return out
}

// whole is a value outside of loops. If loops taken out of others need what is
// inside of those, they stay there.
func (b *builder) whole(e ast.Expr) (ID, error) {
	b.scope, b.read, b.nested = nil, nil, false
	id, err := b.value(e)
	if _, crossed := err.(crossing); crossed {
		b.scope, b.read, b.nested = nil, nil, true
		id, err = b.value(e)
	}
	return id, err
}

func (b *builder) opaque(e ast.Expr, why error) ID {
	n := len(b.parts)
	b.parts = append(b.parts, Part{Expr: b.checked.Part(e), Reason: why.Error()})
	return b.table.add(Term{Op: Opaque, Name: strconv.Itoa(n), Type: boolean})
}

// value is the term of any part.
func (b *builder) value(e ast.Expr) (ID, error) {
	if b.closed[e.ID()] {
		return b.constant(e)
	}
	switch e.Kind() {
	case ast.IdentKind:
		return b.ident(e.AsIdent())
	case ast.SelectKind:
		return b.selection(e)
	case ast.CallKind:
		return b.call(e)
	case ast.ComprehensionKind:
		return b.comprehension(e)
	case ast.ListKind:
		return b.list(e)
	default:
		return unsupported("it makes a map")
	}
}

func (b *builder) values(exprs []ast.Expr) ([]ID, error) {
	out := make([]ID, len(exprs))
	for i, e := range exprs {
		var err error
		if out[i], err = b.value(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// constant is what reads no row.
func (b *builder) constant(e ast.Expr) (ID, error) {
	if e.Kind() == ast.ListKind {
		return b.list(e)
	}
	v, byNull := b.checked.Fold(e, b.now)
	if types.IsError(v) {
		t, ok := typeOf(b.checked, b.checked.TypeOf(e))
		if !ok || !IsScalar(t.Kind) {
			return unsupported("a constant of type %s", b.checked.TypeOf(e))
		}
		name := ""
		if byNull {
			name = "null"
		}
		return b.table.add(Term{Op: Fail, Name: name, Type: t}), nil
	}
	value, kind, ok := plain(v)
	if !ok {
		return unsupported("a constant of type %s", v.Type().TypeName())
	}
	return b.table.constant(value, kind), nil
}

func (b *builder) ident(name string) (ID, error) {
	for _, v := range slices.Backward(b.scope) {
		if v.name == name {
			b.read = append(b.read, b.table.Terms[v.elem].Loop)
			return v.elem, nil
		}
	}
	return unsupported("%s as a whole", name)
}

// selection is a.b and has(a.b).
func (b *builder) selection(e ast.Expr) (ID, error) {
	s := e.AsSelect()
	if s.IsTestOnly() {
		return b.presence(s)
	}
	if names := b.checked.Names(e); len(names) == 2 {
		return b.column(names)
	}
	operand, err := b.value(s.Operand())
	if err != nil {
		return 0, err
	}
	return b.member(operand, s.FieldName())
}

func (b *builder) column(names []string) (ID, error) {
	t, ok := b.checked.Column(names)
	if !ok || names[0] != "offer" {
		return unsupported("%s.%s", names[0], names[1])
	}
	return b.table.add(Term{Op: Column, Name: names[1], Type: t}), nil
}

// member is a field of a struct or a value of a map.
func (b *builder) member(operand ID, name string) (ID, error) {
	switch t := b.table.Terms[operand].Type; t.Kind {
	case offer.Struct:
		ft, ok := t.Field(name)
		if !ok {
			return unsupported("no field %s", name)
		}
		return b.table.add(Term{Op: Field, Args: []ID{operand}, Name: name, Type: ft}), nil
	case offer.Map:
		return b.table.add(Term{Op: Key, Args: []ID{operand}, Name: name, Type: *t.Elem}), nil
	default:
		return unsupported("a selection from %s", kindName(t))
	}
}

func (b *builder) presence(s ast.SelectExpr) (ID, error) {
	if names := b.checked.Names(s.Operand()); len(names) == 1 {
		column, err := b.column(append(names, s.FieldName()))
		if err != nil {
			return 0, err
		}
		return b.table.decision(Present, column), nil
	}
	operand, err := b.value(s.Operand())
	if err != nil {
		return 0, err
	}
	if b.table.Terms[operand].Type.Kind == offer.Map {
		return b.table.add(Term{Op: PresentKey, Args: []ID{operand}, Name: s.FieldName(), Type: boolean}), nil
	}
	field, err := b.member(operand, s.FieldName())
	if err != nil {
		return 0, err
	}
	return b.table.decision(Present, field), nil
}

// list is a list of scalars of one kind.
func (b *builder) list(e ast.Expr) (ID, error) {
	l := e.AsList()
	if len(l.OptionalIndices()) > 0 {
		return unsupported("optional elements")
	}
	args, err := b.values(l.Elements())
	if err != nil {
		return 0, err
	}
	elem, ok := b.alike(args)
	if !ok && len(args) > 0 {
		return unsupported("a list of several types, or of lists")
	}
	return b.table.add(Term{Op: List, Args: args, Type: offer.ListOf(elem)}), nil
}

// alike returns the type of scalars that are of one kind, nulls aside.
func (b *builder) alike(ids []ID) (offer.Type, bool) {
	out := offer.Type{Kind: Null}
	for _, id := range ids {
		k := Base(b.table.Terms[id].Type.Kind)
		switch {
		case k == Null || k == out.Kind:
		case out.Kind == Null && IsScalar(k):
			out.Kind = k
		default:
			return out, false
		}
	}
	return out, out.Kind != Null
}
