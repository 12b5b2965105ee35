package term

import (
	"cel.dev/cel-go/common/ast"

	"github.com/feedmill/feedmill/internal/offer"
)

// areComparable reports whether two scalars have an order between them.
func (b *builder) areComparable(x, y ID) bool {
	j, k := Base(b.table.Terms[x].Type.Kind), Base(b.table.Terms[y].Type.Kind)
	return IsScalar(j) && IsScalar(k) && (j == k || isNumber(j) && isNumber(k))
}

// isCalm reports whether a value is never an error. Of two that are not, the first
// error is that of the comparison, so that they must not change places.
func (t *Table) isCalm(id ID) bool {
	x := &t.Terms[id]
	return x.Op == Column || x.Op == Elem || x.Op == Field && t.isCalm(x.Args[0])
}

// equal puts a constant last, and calm values in order.
func (b *builder) equal(args []ID) (ID, error) {
	x, y := args[0], args[1]
	if b.table.Terms[x].Op == Const || y < x && b.table.isCalm(x) && b.table.isCalm(y) {
		x, y = y, x
	}
	if b.table.isNull(y) || b.areComparable(x, y) {
		return b.table.decision(Equal, x, y), nil
	}
	return unsupported("%s == %s", kindName(b.table.Terms[x].Type), kindName(b.table.Terms[y].Type))
}

// mirrored is what an ordering is when its operands change places.
var mirrored = map[Op]Op{Less: Greater, LessEqual: GreaterEqual, Greater: Less, GreaterEqual: LessEqual}

// ordering puts a constant last; a > b of calm values is b < a, but of doubles,
// since NaN is an error to an order.
func (b *builder) ordering(op Op, args []ID) (ID, error) {
	x, y := args[0], args[1]
	if !b.areComparable(x, y) {
		return unsupported("%s %s %s", kindName(b.table.Terms[x].Type), opNames[op], kindName(b.table.Terms[y].Type))
	}
	calm := b.table.isCalm(x) && b.table.isCalm(y) && !b.isDouble(x) && !b.isDouble(y)
	if b.table.isConst(x) || calm && (op == Greater || op == GreaterEqual) {
		x, y, op = y, x, mirrored[op]
	}
	return b.table.decision(op, x, y), nil
}

// in is `x in y`: of constants, of a list, or of a map's keys.
func (b *builder) in(args []ast.Expr) (ID, error) {
	x, err := b.value(args[0])
	if err != nil {
		return 0, err
	}
	y, err := b.value(args[1])
	if err != nil {
		return 0, err
	}
	switch t := &b.table.Terms[y]; {
	case t.Type.Kind == offer.Map:
		if key := &b.table.Terms[x]; key.Op == Const && key.Type.Kind == offer.String {
			return b.table.add(Term{Op: HasKey, Args: []ID{y}, Name: key.Value.(string), Type: boolean}), nil
		}
		return unsupported("a computed key of a map")
	case t.Op == List && b.closed[args[1].ID()] && IsScalar(b.table.Terms[x].Type.Kind) && !b.table.isConst(x):
		return b.inConstants(x, t.Args)
	case t.Type.Kind == offer.List:
		return b.inList(x, y)
	default:
		return unsupported("in %s", kindName(t.Type))
	}
}

func (b *builder) inConstants(x ID, list []ID) (ID, error) {
	for _, c := range list {
		if !b.table.isConst(c) || !b.areComparable(x, c) {
			return unsupported("in a list of other types")
		}
	}
	return b.table.add(Term{Op: In, Args: append([]ID{x}, b.table.sortedConstants(list)...), Type: boolean}), nil
}

// inList compares with the elements in their space, which lies in that of x.
func (b *builder) inList(x, list ID) (ID, error) {
	loop, elem := b.enter(list, b.table.Terms[x].Space)
	same, err := b.equal([]ID{elem, x})
	if err != nil {
		return 0, err
	}
	return b.table.add(Term{Op: Member, Args: []ID{x, list, same}, Loop: loop, Type: boolean}), nil
}

// matches is with a constant pattern, else a call.
func (b *builder) matches(e ast.Expr, args []ast.Expr) (ID, error) {
	ids, err := b.values(args)
	if err != nil {
		return 0, err
	}
	if b.isText(ids[0]) && b.table.isConst(ids[1]) && args[1].Kind() == ast.LiteralKind {
		return b.table.decision(Match, ids...), nil
	}
	return b.called(e, ids)
}

func (b *builder) isDouble(id ID) bool { return Base(b.table.Terms[id].Type.Kind) == offer.Double }

func (b *builder) isText(id ID) bool { return b.table.Terms[id].Type.Kind == offer.String }
