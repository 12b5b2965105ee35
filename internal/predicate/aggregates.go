package predicate

import (
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// each calls do for the elements of a list that are not null, until it returns
// something.
func each(list ref.Val, do func(ref.Val) ref.Val) ref.Val {
	for it := list.(traits.Lister).Iterator(); it.HasNext() == types.True; {
		v := it.Next()
		if v == types.NullValue {
			continue
		}
		if failed := do(v); failed != nil {
			return failed
		}
	}
	return nil
}

func count(list ref.Val) ref.Val {
	n := types.IntZero
	each(list, func(ref.Val) ref.Val { n++; return nil })
	return n
}

// sum adds from zero, whose type is that of an empty sum. An int beside a double
// becomes one.
func sum(zero ref.Val) functions.UnaryOp {
	return func(list ref.Val) ref.Val {
		total := zero
		failed := each(list, func(v ref.Val) ref.Val {
			a, b, ok := alike(total, v)
			if !ok {
				return types.NewErr("no such overload: sum of %s", v.Type().TypeName())
			}
			if total = a.(traits.Adder).Add(b); types.IsError(total) {
				return total
			}
			return nil
		})
		if failed != nil {
			return failed
		}
		return total
	}
}

// alike returns two numbers as two of one type.
func alike(a, b ref.Val) (ref.Val, ref.Val, bool) {
	_, wholeA := a.(types.Int)
	_, wholeB := b.(types.Int)
	if wholeA && wholeB {
		return a, b, true
	}
	x, okA := toDouble(a)
	y, okB := toDouble(b)
	return x, y, okA && okB
}

func toDouble(v ref.Val) (types.Double, bool) {
	switch v := v.(type) {
	case types.Double:
		return v, true
	case types.Int:
		return types.Double(v), true
	case types.Uint:
		return types.Double(v), true
	default:
		return 0, false
	}
}

func avg(list ref.Val) ref.Val {
	total, n := types.Double(0), types.Double(0)
	failed := each(list, func(v ref.Val) ref.Val {
		x, ok := toDouble(v)
		if !ok {
			return types.NewErr("no such overload: avg of %s", v.Type().TypeName())
		}
		total, n = total+x, n+1
		return nil
	})
	if failed != nil {
		return failed
	}
	if n == 0 {
		return types.NullValue
	}
	return total / n
}

// extreme is the element that compares with all others by sign; of equal ones
// the first.
func extreme(sign types.Int) functions.UnaryOp {
	return func(list ref.Val) ref.Val {
		var best ref.Val = types.NullValue
		failed := each(list, func(v ref.Val) ref.Val {
			order, ok := v.(traits.Comparer)
			if !ok {
				return types.NewErr("no such overload: %s has no order", v.Type().TypeName())
			}
			if best == types.NullValue {
				best = v
				return nil
			}
			switch c := order.Compare(best); {
			case types.IsError(c):
				return c
			case c == sign:
				best = v
			}
			return nil
		})
		if failed != nil {
			return failed
		}
		return best
	}
}
