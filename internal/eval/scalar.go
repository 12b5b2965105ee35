package eval

import (
	"cmp"
	"fmt"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
)

// order compares row i with a row of another vec of the same kind.
func (v *vec) order(i int, other *vec, row int) int {
	switch {
	case v.floats != nil:
		return cmp.Compare(v.floats[i], other.floats[row])
	case v.texts != nil:
		return cmp.Compare(v.texts[i], other.texts[row])
	case v.nanos != nil:
		return v.time(i).Compare(other.time(row))
	default:
		return cmp.Compare(v.ints[i], other.ints[row])
	}
}

// repeated is a constant, n times.
func (m *machine) repeated(value any, n int) *vec {
	v := &vec{n: n}
	switch x := value.(type) {
	case nil:
		v.state, v.ints = m.states.take(n), m.ints.take(n)
		for i := range v.state {
			v.state[i] = null
		}
	case string:
		v.texts = repeat(m.texts.take(n), x)
	case float64:
		v.floats = repeat(m.floats.take(n), x)
	case bool:
		v.ints = repeat(m.ints.take(n), toInt(x))
	case int64:
		v.ints = repeat(m.ints.take(n), x)
	case time.Duration:
		v.ints = repeat(m.ints.take(n), int64(x))
	case time.Time:
		us, ns := micros(x)
		v.ints = repeat(m.ints.take(n), us)
		if ns != 0 {
			v.nanos = repeat(m.ints.take(n), ns)
		}
	default:
		panic(fmt.Sprintf("eval: a constant %T", value))
	}
	return v
}

func repeat[T any](dst []T, x T) []T {
	for i := range dst {
		dst[i] = x
	}
	return dst
}

// boxed returns a scalar as CEL's value.
func (v *vec) boxed(i int, kind offer.Kind) ref.Val {
	if v.stateOf(i) == null {
		return types.NullValue
	}
	switch term.Base(kind) {
	case offer.String:
		return types.String(v.texts[i])
	case offer.Bool:
		return types.Bool(v.ints[i] != 0)
	case offer.Int:
		return types.Int(v.ints[i])
	case offer.Double:
		return types.Double(v.floats[i])
	case offer.Timestamp:
		return types.Timestamp{Time: v.time(i)}
	case term.Duration:
		return types.Duration{Duration: time.Duration(v.ints[i])}
	default:
		panic(fmt.Sprintf("eval: a value of kind %d", kind))
	}
}

// unbox sets row i to a scalar of CEL's.
func (v *vec) unbox(i int, value ref.Val, byNull bool) state {
	switch x := value.(type) {
	case *types.Err:
		if byNull {
			return undecided
		}
		return failed
	case types.Null:
		return null
	case types.String:
		v.texts[i] = string(x)
	case types.Bool:
		v.ints[i] = toInt(bool(x))
	case types.Int:
		v.ints[i] = int64(x)
	case types.Double:
		v.floats[i] = float64(x)
	case types.Timestamp:
		v.ints[i], v.nanos[i] = micros(x.Time)
	case types.Duration:
		v.ints[i] = int64(x.Duration)
	default:
		panic(fmt.Sprintf("eval: a result of type %s", value.Type().TypeName()))
	}
	return valid
}

// call calls a function for each row, once for a text that it has seen already
// when that is all that it looks at.
func (m *machine) call(x *term.Term) *vec {
	if v := m.native(x); v != nil {
		return v
	}
	do := m.table.Functions[atoi(x.Name)].Do
	n := m.in(x.Space).n
	out := m.blank(n, x.Type.Kind)
	out.state = m.states.take(n)
	args := make([]*vec, len(x.Args))
	for i, a := range x.Args {
		args[i] = m.valueIn(a, x.Space)
	}
	values := make([]ref.Val, len(args))
	var seen map[string]int
	text := m.onlyText(x)
	if text >= 0 {
		seen = map[string]int{}
	}
	for i := range n {
		if out.state[i] = firstError(args, i); out.state[i] >= undecided {
			continue
		}
		if seen != nil && args[text].ok(i) {
			if before, ok := seen[args[text].texts[i]]; ok {
				if out.state[i] = out.state[before]; out.state[i] == valid {
					out.copyFrom(i, out, before)
				}
				continue
			}
			seen[args[text].texts[i]] = i
		}
		for k, a := range args {
			values[k] = a.boxed(i, m.table.Terms[x.Args[k]].Type.Kind)
		}
		v, byNull := do(values)
		out.state[i] = out.unbox(i, v, byNull)
	}
	return out
}

// onlyText returns the argument of a call that is a text and no constant when all
// others are constants, else -1.
func (m *machine) onlyText(x *term.Term) int {
	text := -1
	for i, a := range x.Args {
		arg := &m.table.Terms[a]
		switch {
		case arg.Op == term.Const:
		case arg.Type.Kind == offer.String && text < 0:
			text = i
		default:
			return -1
		}
	}
	return text
}

func firstError(args []*vec, i int) state {
	for _, a := range args {
		if s := a.stateOf(i); s >= undecided {
			return s
		}
	}
	return valid
}
