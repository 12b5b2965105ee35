package term

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// coalesceCall is what predicates call coalesce.
const coalesceCall = "@coalesce"

func (b *builder) call(e ast.Expr) (ID, error) {
	c := e.AsCall()
	args := c.Args()
	if c.IsMemberFunction() {
		args = append([]ast.Expr{c.Target()}, args...)
	}
	switch c.FunctionName() {
	case operators.In:
		return b.in(args)
	case operators.Index:
		return b.index(e, args)
	case "matches":
		return b.matches(e, args)
	case "min", "max":
		if args[0].Kind() == ast.ListKind && len(args[0].AsList().OptionalIndices()) == 0 {
			return b.extreme(c.FunctionName(), args[0].AsList().Elements())
		}
	}
	ids, err := b.values(args)
	if err != nil {
		return 0, err
	}
	return b.operation(e, c.FunctionName(), ids)
}

// operation is a call of terms.
func (b *builder) operation(e ast.Expr, name string, args []ID) (ID, error) {
	switch name {
	case operators.LogicalAnd:
		return b.table.junction(And, args), nil
	case operators.LogicalOr:
		return b.table.junction(Or, args), nil
	case operators.LogicalNot:
		return b.table.negation(args[0]), nil
	case operators.Equals:
		return b.equal(args)
	case operators.NotEquals:
		id, err := b.equal(args)
		if err != nil {
			return 0, err
		}
		return b.table.negation(id), nil
	case operators.Conditional:
		return b.choice(Cond, args, args[1:])
	case coalesceCall:
		return b.coalesce(args)
	}
	if op, ok := orderings[name]; ok {
		return b.ordering(op, args)
	}
	if op, ok := arithmetic[name]; ok {
		if id, ok := b.arithmetic(op, args); ok {
			return id, nil
		}
	}
	return b.named(e, name, args)
}

var orderings = map[string]Op{
	operators.Less: Less, operators.LessEquals: LessEqual, operators.Greater: Greater, operators.GreaterEquals: GreaterEqual,
}

var arithmetic = map[string]Op{
	operators.Add: Add, operators.Subtract: Subtract, operators.Multiply: Multiply, operators.Divide: Divide, operators.Modulo: Modulo, operators.Negate: Negate,
}
