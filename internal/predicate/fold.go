package predicate

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// A fold is what CEL makes of exists, map, filter and the like.
type fold struct {
	site
	over               node
	accu, item, second int // slots; second is -1 without a second variable
	test, step, result node
}

func (n *fold) eval(f *frame) ref.Val {
	over := n.over.eval(f)
	if types.IsError(over) {
		return over
	}
	f.slots[n.accu] = nil
	if !loop(over, n.second >= 0, func(first, second ref.Val) bool { return n.advance(f, first, second) }) {
		return n.failed(types.NewErr("%s", noOverload), []ref.Val{over})
	}
	return n.result.eval(f)
}

func (n *fold) advance(f *frame, first, second ref.Val) bool {
	f.slots[n.item] = first
	if n.second >= 0 {
		f.slots[n.second] = second
	}
	if n.test.eval(f) != types.True {
		return false
	}
	f.slots[n.accu] = n.step.eval(f)
	return true
}

// loop calls do for the elements of a list or the keys of a map, which it sorts;
// with pairs for index and element, or key and value. It returns false for
// anything else.
func loop(over ref.Val, pairs bool, do func(first, second ref.Val) bool) bool {
	switch o := over.(type) {
	case traits.Lister:
		size := o.Size().(types.Int)
		for i := types.IntZero; i < size; i++ {
			first, second := o.Get(i), ref.Val(nil)
			if pairs {
				first, second = i, first
			}
			if !do(first, second) {
				break
			}
		}
		return true
	case traits.Mapper:
		for _, key := range sortedKeys(o) {
			value := ref.Val(nil)
			if pairs {
				value = o.Get(key)
			}
			if !do(key, value) {
				break
			}
		}
		return true
	default:
		return false
	}
}

// sortedKeys puts texts in order, and other keys by type and value: what comes of
// a map must not depend on how Go stores it.
func sortedKeys(m traits.Mapper) []ref.Val {
	var keys []ref.Val
	for it := m.Iterator(); it.HasNext() == types.True; {
		keys = append(keys, it.Next())
	}
	slices.SortFunc(keys, func(a, b ref.Val) int {
		if c := strings.Compare(a.Type().TypeName(), b.Type().TypeName()); c != 0 {
			return c
		}
		order, _ := a.(traits.Comparer).Compare(b).(types.Int)
		return int(order)
	})
	return keys
}

// A collect is a fold that map or filter made: it appends to one list.
type collect struct {
	site
	over   node
	item   int
	keep   node // nil: every element
	keeper *site
	elem   node
}

func (n *collect) eval(f *frame) ref.Val {
	over := n.over.eval(f)
	if types.IsError(over) {
		return over
	}
	var values []ref.Val
	var failure ref.Val
	if !loop(over, false, func(item, _ ref.Val) bool {
		f.slots[n.item] = item
		values, failure = n.add(f, values)
		return failure == nil
	}) {
		return n.failed(types.NewErr("%s", noOverload), []ref.Val{over})
	}
	if failure != nil {
		return failure
	}
	return types.NewRefValList(adapter{}, values)
}

func (n *collect) add(f *frame, values []ref.Val) ([]ref.Val, ref.Val) {
	if n.keep != nil {
		switch keep := n.keep.eval(f).(type) {
		case types.Bool:
			if !keep {
				return values, nil
			}
		case *types.Err:
			return values, keep
		default:
			return values, n.keeper.failed(types.NoSuchOverloadErr(), []ref.Val{keep})
		}
	}
	v := n.elem.eval(f)
	if types.IsError(v) {
		return values, v
	}
	return append(values, v), nil
}
