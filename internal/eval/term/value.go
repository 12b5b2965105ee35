package term

import (
	"strconv"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/feedmill/feedmill/internal/offer"
)

// choice is an operation whose value is that of one of its arguments, scalars.
func (b *builder) choice(op Op, args, among []ID) (ID, error) {
	t, ok := b.alike(among)
	if !ok {
		return unsupported("a choice of %s", kindName(b.table.Terms[among[0]].Type))
	}
	return b.table.add(Term{Op: op, Args: args, Type: t}), nil
}

// coalesce flattens what the macro nested.
func (b *builder) coalesce(args []ID) (ID, error) {
	last := len(args) - 1
	if t := &b.table.Terms[args[last]]; t.Op == Coalesce {
		args = append(args[:last:last], t.Args...)
	}
	return b.choice(Coalesce, args, args)
}

// extreme is min or max of scalars that are not in a list.
func (b *builder) extreme(name string, exprs []ast.Expr) (ID, error) {
	args, err := b.values(exprs)
	if err != nil {
		return 0, err
	}
	t, ok := b.alike(args)
	if !ok {
		return unsupported("%s of different types", name)
	}
	op := Least
	if name == "max" {
		op = Most
	}
	return b.table.add(Term{Op: op, Args: args, Type: t}), nil
}

// index is a map's value or a list's element.
func (b *builder) index(e ast.Expr, args []ast.Expr) (ID, error) {
	if names := b.checked.Names(e); len(names) == 2 {
		return b.column(names)
	}
	ids, err := b.values(args)
	if err != nil {
		return 0, err
	}
	operand, key := &b.table.Terms[ids[0]], &b.table.Terms[ids[1]]
	name, isName := key.Value.(string)
	switch {
	case key.Op == Const && isName:
		if operand.Type.Kind == offer.Struct && operand.Op != Column && operand.Op != Field {
			return unsupported("a field by its name in brackets")
		}
		return b.member(ids[0], name)
	case operand.Type.Kind == offer.List && key.Type.Kind == offer.Int:
		return b.table.add(Term{Op: Index, Args: ids, Type: *operand.Type.Elem}), nil
	default:
		return unsupported("a computed key of a map")
	}
}

// arithmetic is of two numbers of one kind, or of texts.
func (b *builder) arithmetic(op Op, args []ID) (ID, bool) {
	t, ok := b.alike(args)
	switch {
	case !ok || b.hasNull(args):
		return 0, false
	case op == Modulo && t.Kind != offer.Int:
		return 0, false
	case t.Kind == offer.Int, t.Kind == offer.Double, t.Kind == offer.String && op == Add:
		return b.table.add(Term{Op: op, Args: args, Type: t}), true
	default:
		return 0, false
	}
}

func (b *builder) hasNull(ids []ID) bool {
	for _, id := range ids {
		if b.table.isNull(id) {
			return true
		}
	}
	return false
}

// named is a function by its name.
func (b *builder) named(e ast.Expr, name string, args []ID) (ID, error) {
	if len(args) == 0 {
		return unsupported("%s()", name)
	}
	t := b.table.Terms[args[0]].Type
	switch {
	case name == "size" && len(args) == 1 && (t.Kind == offer.String || t.Kind == offer.List || t.Kind == offer.Map):
		return b.table.add(Term{Op: Size, Args: args, Type: offer.Type{Kind: offer.Int}}), nil
	case name == "first" && t.Kind == offer.List:
		return b.table.add(Term{Op: First, Args: args, Type: *t.Elem}), nil
	case name == "double" && t.Kind == offer.Int:
		return b.table.add(Term{Op: ToDouble, Args: args, Type: offer.Type{Kind: offer.Double}}), nil
	case t.Kind == offer.List && len(args) == 1:
		return b.aggregate(name, args)
	}
	if op, ok := searches[name]; ok && len(args) == 2 && b.isText(args[0]) && b.isText(args[1]) && b.table.isConst(args[1]) {
		return b.table.decision(op, args...), nil
	}
	return b.called(e, args)
}

var searches = map[string]Op{"contains": Contains, "startsWith": Prefix, "endsWith": Suffix}

// aggregate is a function of a list of scalars.
func (b *builder) aggregate(name string, args []ID) (ID, error) {
	elem := *b.table.Terms[args[0]].Type.Elem
	k := Base(elem.Kind)
	t := offer.Type{Kind: k}
	ok := false
	switch name {
	case "count":
		t.Kind, ok = offer.Int, true
	case "avg":
		t.Kind, ok = offer.Double, isNumber(k)
	case "sum":
		ok = isNumber(k)
	case "min", "max":
		ok = IsScalar(k) && k != offer.Bool
	}
	if !ok {
		return unsupported("%s of a list", name)
	}
	return b.table.add(Term{Op: Aggregate, Args: args, Name: name, Type: t}), nil
}

// spoken is a function as users write it.
func spoken(function string) string {
	if symbol, ok := operators.FindReverse(function); ok && symbol != "" {
		return symbol
	}
	switch function {
	case "math.@max":
		return "math.greatest"
	case "math.@min":
		return "math.least"
	}
	return function
}

// called is a strict function of scalars, as predicates call it.
func (b *builder) called(e ast.Expr, args []ID) (ID, error) {
	for _, a := range args {
		if k := b.table.Terms[a].Type.Kind; !IsScalar(k) && k != Null {
			return unsupported("%s of a %s", spoken(e.AsCall().FunctionName()), kindName(b.table.Terms[a].Type))
		}
	}
	t, ok := typeOf(b.checked, b.checked.TypeOf(e))
	if !ok || !IsScalar(t.Kind) {
		return unsupported("what %s gives", spoken(e.AsCall().FunctionName()))
	}
	n, ok := b.function(e, args)
	if !ok {
		return unsupported("%s", e.AsCall().FunctionName())
	}
	return b.table.add(Term{Op: Call, Args: args, Name: strconv.Itoa(n), Type: t}), nil
}
