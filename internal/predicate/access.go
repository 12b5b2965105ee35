package predicate

import (
	"fmt"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// How an access treats what is not there.
type manner uint8

const (
	strict   manner = iota // a.b, a[b]: an error, or null out of a source row
	optional               // a.?b, a[?b]: none
	presence               // has(a.b): false
)

// An access is a selection or an index. Selecting from an optional value gives
// an optional one.
type access struct {
	site
	operand, key node
	manner       manner
}

func (n *access) eval(f *frame) ref.Val {
	operand := n.operand.eval(f)
	if types.IsError(operand) {
		return operand
	}
	manner := n.manner
	if opt, ok := operand.(*types.Optional); ok {
		if !opt.HasValue() {
			return n.nothing(manner)
		}
		operand, manner = opt.GetValue(), max(manner, optional)
	}
	key := n.key.eval(f)
	if types.IsError(key) {
		return key
	}
	v, found := find(operand, key)
	switch {
	case types.IsError(v):
		return n.failed(v, []ref.Val{operand, key})
	case manner == presence:
		return types.Bool(found)
	case manner == optional && found:
		return types.OptionalOf(v)
	case manner == optional:
		return types.OptionalNone
	case v != nil:
		return v
	default:
		return n.missing(operand, key)
	}
}

func (n *access) nothing(m manner) ref.Val {
	if m == presence {
		return types.False
	}
	return types.OptionalNone
}

// missing is the value of what is not there: null out of null.
func (n *access) missing(operand, key ref.Val) ref.Val {
	if _, byName := key.(types.String); byName && operand == types.NullValue {
		return types.NullValue
	}
	return n.failed(types.NewErr("%s", missingText(operand, key)), []ref.Val{operand, key})
}

func missingText(operand, key ref.Val) string {
	switch operand.(type) {
	case traits.Mapper:
		return fmt.Sprintf("no such key: %v", key)
	case traits.Lister:
		return fmt.Sprintf("index out of bounds: %v", key)
	default:
		return fmt.Sprintf("a %s has no element %v", operand.Type().TypeName(), key)
	}
}

// find returns what stands under a key, or nil, or an error, and whether has()
// calls it there. What is null in our data is not.
func find(operand, key ref.Val) (ref.Val, bool) {
	switch o := operand.(type) {
	case structValue:
		return o.Get(key), o.IsSet(key) == types.True
	case object:
		v, found := o.Find(key)
		return v, found && v != types.NullValue
	case columnMap:
		v, found := o.Find(key)
		return v, found && v != types.NullValue
	case traits.Mapper:
		if _, isDouble := key.(types.Double); !isDouble && !isKey(key) {
			return types.NewErr("unsupported key type: %s", key.Type().TypeName()), false
		}
		return o.Find(key)
	case traits.Lister:
		i, err := types.GetOrError(key)
		if err != nil {
			return types.WrapErr(err), false
		}
		if i < 0 || types.Int(i) >= o.Size().(types.Int) {
			return nil, false
		}
		return o.Get(types.Int(i)), true
	default:
		return nil, false
	}
}

// A field is a selection whose struct type the checker knows.
type field struct {
	operand node
	index   int
	manner  manner
}

func (n *field) eval(f *frame) ref.Val {
	switch v := n.operand.eval(f).(type) {
	case structValue:
		return n.of(v, n.manner)
	case *types.Err:
		return v
	case *types.Optional:
		if s, ok := v.Value().(structValue); ok {
			return n.of(s, max(n.manner, optional))
		}
		return n.absent(max(n.manner, optional))
	default:
		return n.absent(n.manner)
	}
}

func (n *field) of(s structValue, m manner) ref.Val {
	column := s.column.fields[n.index]
	switch {
	case m == presence:
		return types.Bool(column.present(s.row))
	case m == optional && !column.present(s.row):
		return types.OptionalNone
	case m == optional:
		return types.OptionalOf(column.value(s.row))
	default:
		return column.value(s.row)
	}
}

// absent is a field of null.
func (n *field) absent(m manner) ref.Val {
	switch m {
	case presence:
		return types.False
	case optional:
		return types.OptionalNone
	default:
		return types.NullValue
	}
}
