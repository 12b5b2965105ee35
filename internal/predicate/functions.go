package predicate

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/feedmill/feedmill/internal/offer"
)

// coalesceCall is what the macro coalesce expands to: calls of one or two
// arguments. Its name cannot be written in an expression.
const coalesceCall = "@coalesce"

// library declares the functions that we add to CEL's.
func library() []cel.EnvOption {
	of, list := types.NewTypeParamType("T"), types.NewListType(types.NewTypeParamType("T"))
	text := types.StringType
	return []cel.EnvOption{
		cel.Macros(cel.GlobalVarArgMacro("coalesce", expandCoalesce),
			cel.GlobalVarArgMacro("min", expandList("min")), cel.GlobalVarArgMacro("max", expandList("max"))),
		cel.Function(coalesceCall,
			cel.Overload("coalesce_last", []*types.Type{of}, of, cel.OverloadIsNonStrict(), cel.UnaryBinding(orNull)),
			cel.Overload("coalesce_more", []*types.Type{of, of}, of, cel.OverloadIsNonStrict(), cel.BinaryBinding(eitherOrNull))),
		cel.Function("first", cel.Overload("first_list", []*types.Type{list}, of, cel.UnaryBinding(first))),
		cel.Function("count", cel.Overload("count_list", []*types.Type{list}, types.IntType, cel.UnaryBinding(count))),
		cel.Function("sum",
			aggregate("sum_int", types.IntType, types.IntType, sum(types.IntZero)),
			aggregate("sum_double", types.DoubleType, types.DoubleType, sum(types.Double(0)))),
		cel.Function("avg",
			aggregate("avg_int", types.IntType, types.DoubleType, avg),
			aggregate("avg_double", types.DoubleType, types.DoubleType, avg)),
		cel.Function("min", extremes("min", types.IntNegOne)...),
		cel.Function("max", extremes("max", types.IntOne)...),
		cel.Function("round",
			cel.Overload("round_int", []*types.Type{types.IntType}, types.IntType, cel.UnaryBinding(same)),
			cel.Overload("round_double", []*types.Type{types.DoubleType}, types.DoubleType, cel.UnaryBinding(round)),
			cel.Overload("round_double_int", []*types.Type{types.DoubleType, types.IntType}, types.DoubleType, cel.BinaryBinding(roundTo)),
			cel.Overload("round_int_int", []*types.Type{types.IntType, types.IntType}, types.DoubleType, cel.BinaryBinding(roundTo))),
		cel.Function("json", cel.Overload("json_string", []*types.Type{text}, types.DynType, cel.UnaryBinding(parseJSON))),
		cel.Function("pairs", cel.Overload("pairs_map", []*types.Type{types.NewMapType(text, types.DynType), text, text},
			types.NewMapType(text, types.DynType), cel.FunctionBinding(pairs))),
	}
}

// aggregate declares an overload over lists whose elements may be null.
func aggregate(id string, elem, result *types.Type, op functions.UnaryOp) cel.FunctionOpt {
	list := types.NewListType(types.NewNullableType(elem))
	return cel.Overload(id, []*types.Type{list}, result, cel.UnaryBinding(op))
}

// extremes declares min or max for each ordered type; sign is how the winner
// compares with the others.
func extremes(name string, sign types.Int) []cel.FunctionOpt {
	var overloads []cel.FunctionOpt
	for _, t := range []*types.Type{types.IntType, types.DoubleType, types.StringType, types.TimestampType, types.DurationType} {
		overloads = append(overloads, aggregate(name+"_"+t.TypeName(), t, types.NewNullableType(t), extreme(sign)))
	}
	return overloads
}

// expandCoalesce turns coalesce(a, b, c) into calls of two arguments.
func expandCoalesce(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if len(args) == 0 {
		return nil, f.NewError(0, "coalesce needs arguments")
	}
	last := len(args) - 1
	expr := f.NewCall(coalesceCall, args[last])
	for i := last - 1; i >= 0; i-- {
		expr = f.NewCall(coalesceCall, args[i], expr)
	}
	return expr, nil
}

// expandList turns min(a, b) into min([a, b]); min(list) stays.
func expandList(name string) cel.MacroFactory {
	return func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		if len(args) < 2 {
			return nil, nil
		}
		return f.NewCall(name, f.NewList(args...)), nil
	}
}

// orNull is how cel-go's own programs see coalesce: see Reference.
func orNull(v ref.Val) ref.Val {
	if types.IsError(v) {
		return types.NullValue
	}
	return v
}

func eitherOrNull(a, b ref.Val) ref.Val {
	if a = orNull(a); a != types.NullValue {
		return a
	}
	return orNull(b)
}

func same(v ref.Val) ref.Val { return v }

func first(v ref.Val) ref.Val {
	list := v.(traits.Lister)
	if list.Size() == types.IntZero {
		return types.NullValue
	}
	return list.Get(types.IntZero)
}

// parseJSON reads a cell's JSON text. A blank cell is null.
func parseJSON(v ref.Val) ref.Val {
	text := string(v.(types.String))
	if strings.TrimSpace(text) == "" {
		return types.NullValue
	}
	value, err := offer.ParseJSON([]byte(text))
	if err != nil {
		return types.WrapErr(err)
	}
	return adapt(value)
}
