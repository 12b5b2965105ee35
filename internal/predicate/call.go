package predicate

import (
	"regexp"

	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// A call is a strict function: an error of an argument is its own.
type call struct {
	site
	function, overload string
	impl               *functions.Overload // nil: the first argument receives it
	args               []node
}

// A unary is a call of one argument, a binary of two: without a slice a row.
type (
	unary  struct{ call }
	binary struct{ call }
)

func (n *unary) eval(f *frame) ref.Val {
	a := n.args[0].eval(f)
	if types.IsError(a) {
		return a
	}
	var result ref.Val
	switch {
	case n.impl != nil && n.impl.Unary != nil && accepts(n.impl, a):
		result = n.impl.Unary(a)
	case n.impl != nil && n.impl.Function != nil && accepts(n.impl, a):
		result = n.impl.Function(a)
	default:
		result = n.receive(a)
	}
	if types.IsError(result) {
		return n.failed(result, []ref.Val{a})
	}
	return result
}

func (n *binary) eval(f *frame) ref.Val {
	a := n.args[0].eval(f)
	if types.IsError(a) {
		return a
	}
	b := n.args[1].eval(f)
	if types.IsError(b) {
		return b
	}
	var result ref.Val
	switch {
	case n.impl != nil && n.impl.Binary != nil && accepts(n.impl, a):
		result = n.impl.Binary(a, b)
	case n.impl != nil && n.impl.Function != nil && accepts(n.impl, a):
		result = n.impl.Function(a, b)
	default:
		result = n.receive(a, b)
	}
	if types.IsError(result) {
		return n.failed(result, []ref.Val{a, b})
	}
	return result
}

func (n *call) eval(f *frame) ref.Val {
	args := make([]ref.Val, len(n.args))
	for i, arg := range n.args {
		if args[i] = arg.eval(f); types.IsError(args[i]) {
			return args[i]
		}
	}
	var result ref.Val
	switch {
	case n.impl != nil && n.impl.Function != nil && (len(args) == 0 || accepts(n.impl, args[0])):
		result = n.impl.Function(args...)
	case len(args) == 0:
		result = types.NoSuchOverloadErr()
	default:
		result = n.receive(args...)
	}
	return n.checked(result, args...)
}

func accepts(o *functions.Overload, arg ref.Val) bool {
	return o.OperandTrait == 0 || arg.Type().HasTrait(o.OperandTrait)
}

// receive lets the first argument make the call.
func (n *call) receive(args ...ref.Val) ref.Val {
	if !args[0].Type().HasTrait(traits.ReceiverType) {
		return types.NoSuchOverloadErr()
	}
	return args[0].(traits.Receiver).Receive(n.function, n.overload, args[1:])
}

// A pattern is matches with a constant pattern.
type pattern struct {
	site
	arg node
	re  *regexp.Regexp
}

func (n *pattern) eval(f *frame) ref.Val {
	switch v := n.arg.eval(f).(type) {
	case types.String:
		return types.Bool(n.re.MatchString(string(v)))
	case *types.Err:
		return v
	default:
		return n.failed(types.NoSuchOverloadErr(), []ref.Val{v})
	}
}
