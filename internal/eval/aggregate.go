package eval

import (
	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
)

// aggregate is a function of the elements of lists that are not null.
func (m *machine) aggregate(x *term.Term) *vec {
	v := m.value(x.Args[0])
	s := m.elements(v)
	elem := m.decoded(m.picked(&term.Term{Type: *m.table.Terms[x.Args[0]].Type.Elem}, v, s.picked))
	out := m.blank(v.n, x.Type.Kind)
	out.state = m.states.take(v.n)
	for i := range v.n {
		if out.state[i] = v.stateOf(i).strict(); out.state[i] == valid {
			out.state[i] = fold(x.Name, out, i, elem, s.start[i], s.start[i+1])
		}
	}
	return out
}

// fold sets row i of out to what a function makes of the elements from start up
// to end.
func fold(name string, out *vec, i int, elem *vec, start, end int32) state {
	switch name {
	case "count":
		return counted(out, i, elem, start, end)
	case "sum":
		return summed(out, i, elem, start, end)
	case "avg":
		return averaged(out, i, elem, start, end)
	case "min":
		return extremeOf(-1, out, i, elem, start, end)
	default:
		return extremeOf(1, out, i, elem, start, end)
	}
}

func counted(out *vec, i int, elem *vec, start, end int32) state {
	out.ints[i] = 0
	for k := start; k < end; k++ {
		if elem.ok(int(k)) {
			out.ints[i]++
		}
	}
	return valid
}

func summed(out *vec, i int, elem *vec, start, end int32) state {
	whole, broken := int64(0), 0.0
	for k := start; k < end; k++ {
		if !elem.ok(int(k)) {
			continue
		}
		if out.floats != nil {
			broken += elem.floats[k]
			continue
		}
		sum, fits := ofTwo(term.Add, whole, elem.ints[k])
		if !fits {
			return failed
		}
		whole = sum
	}
	if out.floats != nil {
		out.floats[i] = broken
	} else {
		out.ints[i] = whole
	}
	return valid
}

func averaged(out *vec, i int, elem *vec, start, end int32) state {
	total, n := 0.0, 0.0
	for k := start; k < end; k++ {
		switch {
		case !elem.ok(int(k)):
		case elem.floats != nil:
			total, n = total+elem.floats[k], n+1
		default:
			total, n = total+float64(elem.ints[k]), n+1
		}
	}
	if n == 0 {
		return null
	}
	out.floats[i] = total / n
	return valid
}

// extremeOf is the element that compares with all others by sign, of equal ones
// the first.
func extremeOf(sign int, out *vec, i int, elem *vec, start, end int32) state {
	best := -1
	for k := int(start); k < int(end); k++ {
		switch {
		case !elem.ok(k):
		case best < 0:
			best = k
		case isNaN(elem, k) || isNaN(elem, best):
			return failed
		case elem.order(k, elem, best) == sign:
			best = k
		}
	}
	if best < 0 {
		return null
	}
	out.copyFrom(i, elem, best)
	return valid
}

func isNaN(v *vec, i int) bool { return v.floats != nil && v.floats[i] != v.floats[i] }

// extreme is min or max of its arguments; nulls do not count, any error does.
func (m *machine) extreme(x *term.Term) *vec {
	l := m.makeList(&term.Term{Args: x.Args, Space: x.Space, Type: offer.ListOf(x.Type)})
	out := m.blank(l.n, x.Type.Kind)
	out.state = l.state
	sign := 1
	if x.Op == term.Least {
		sign = -1
	}
	for i := range out.n {
		if out.state[i] == valid {
			out.state[i] = extremeOf(sign, out, i, l.list.elems, l.list.start[i], l.list.end[i])
		}
	}
	return out
}
