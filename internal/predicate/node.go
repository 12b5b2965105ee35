package predicate

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// A node is a planned part of an expression. Its value may be a *types.Err.
type node interface {
	eval(f *frame) ref.Val
}

// A frame is one evaluation: the variables, and what loops bind.
type frame struct {
	vars  *Vars
	slots []ref.Val
}

type constant struct{ v ref.Val }

func (n constant) eval(*frame) ref.Val { return n.v }

// A local is a variable that a loop binds. An accumulator begins with init when
// it is first read.
type local struct {
	slot int
	init node
}

func (n local) eval(f *frame) ref.Val {
	if f.slots[n.slot] == nil {
		f.slots[n.slot] = n.init.eval(f)
	}
	return f.slots[n.slot]
}

// A listNode makes a list. Optional elements without a value are left out.
type listNode struct {
	site
	elems    []node
	optional []bool
}

func (n *listNode) eval(f *frame) ref.Val {
	values := make([]ref.Val, 0, len(n.elems))
	for i, e := range n.elems {
		v := e.eval(f)
		if types.IsError(v) {
			return v
		}
		if n.optional[i] {
			opt, ok := v.(*types.Optional)
			if !ok {
				return n.fail(types.NewErr("cannot initialize optional list element from non-optional value %v", v))
			}
			if !opt.HasValue() {
				continue
			}
			v = opt.GetValue()
		}
		values = append(values, v)
	}
	return types.NewRefValList(adapter{}, values)
}

// A mapNode makes a map. Optional values that are none are left out.
type mapNode struct {
	site
	keys, values []node
	optional     []bool
}

func (n *mapNode) eval(f *frame) ref.Val {
	entries := make(map[ref.Val]ref.Val, len(n.keys))
	for i := range n.keys {
		key, value := n.keys[i].eval(f), n.values[i].eval(f)
		if types.IsError(key) {
			return key
		}
		if types.IsError(value) {
			return value
		}
		if !isKey(key) {
			return n.fail(types.NewErr("unsupported key type: %s", key.Type().TypeName()))
		}
		if n.optional[i] {
			opt, ok := value.(*types.Optional)
			if !ok {
				return n.fail(types.NewErr("cannot initialize optional entry from non-optional value %v", value))
			}
			if !opt.HasValue() {
				delete(entries, key)
				continue
			}
			value = opt.GetValue()
		}
		entries[key] = value
	}
	return types.NewRefValMap(adapter{}, entries)
}

func isKey(v ref.Val) bool {
	switch v.(type) {
	case types.Bool, types.Int, types.Uint, types.String:
		return true
	default:
		return false
	}
}

// A member says whether a value is in a list of constants.
type member struct {
	site
	arg  node
	list traits.Container
	set  map[ref.Val]bool // the constants when all are texts, else nil
}

func (n *member) eval(f *frame) ref.Val {
	v := n.arg.eval(f)
	if types.IsError(v) {
		return v
	}
	if s, ok := v.(types.String); ok && n.set != nil {
		return types.Bool(n.set[s])
	}
	return n.checked(n.list.Contains(v), v)
}
