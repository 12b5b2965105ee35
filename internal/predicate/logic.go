package predicate

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// A logic is && or || over any number of legs. Any leg that is `absorb` decides;
// else an error that null did not cause comes before one that it did.
type logic struct {
	site
	legs   []node
	absorb types.Bool // false for &&, true for ||
}

func (n *logic) eval(f *frame) ref.Val {
	var worst *types.Err
	for i, leg := range n.legs {
		switch v := leg.eval(f).(type) {
		case types.Bool:
			if v == n.absorb {
				return v
			}
		case *types.Err:
			worst = worse(worst, v)
		case types.Null:
			worst = worse(worst, n.nulls[i])
		default:
			worst = worse(worst, n.failed(types.NoSuchOverloadErr(), []ref.Val{v}).(*types.Err))
		}
	}
	if worst != nil {
		return worst
	}
	return !n.absorb
}

func worse(a, b *types.Err) *types.Err {
	if a == nil || causedByNull(a) && !causedByNull(b) {
		return b
	}
	return a
}

// A conditional is c ? a : b.
type conditional struct {
	site
	test, yes, no node
}

func (n *conditional) eval(f *frame) ref.Val {
	switch v := n.test.eval(f).(type) {
	case types.Bool:
		if v {
			return n.yes.eval(f)
		}
		return n.no.eval(f)
	case *types.Err:
		return v
	default:
		return n.failed(types.NoSuchOverloadErr(), []ref.Val{v})
	}
}

// A lenient is @not_strictly_false, which loops go on by: what is not false is
// true.
type lenient struct{ arg node }

func (n lenient) eval(f *frame) ref.Val { return types.Bool(n.arg.eval(f) != types.False) }

// A coalesce is the first argument that is neither null nor an error caused by
// null.
type coalesce struct{ args []node }

func (n coalesce) eval(f *frame) ref.Val {
	for _, arg := range n.args {
		if v := arg.eval(f); !isNull(v) {
			return v
		}
	}
	return types.NullValue
}

// An equality is == or !=.
type equality struct {
	site
	left, right node
	unequal     bool
}

func (n *equality) eval(f *frame) ref.Val {
	left := n.left.eval(f)
	if types.IsError(left) {
		return left
	}
	right := n.right.eval(f)
	if types.IsError(right) {
		return right
	}
	equal := types.Equal(left, right) == types.True
	return types.Bool(equal != n.unequal)
}

// An orElse is optional.or(optional) or optional.orValue(value).
type orElse struct {
	site
	left, right node
	unwrap      bool
}

func (n *orElse) eval(f *frame) ref.Val {
	left := n.left.eval(f)
	opt, ok := left.(*types.Optional)
	switch {
	case types.IsError(left):
		return left
	case !ok:
		return n.failed(types.NoSuchOverloadErr(), []ref.Val{left})
	case !opt.HasValue():
		return n.right.eval(f)
	case n.unwrap:
		return opt.GetValue()
	default:
		return opt
	}
}
