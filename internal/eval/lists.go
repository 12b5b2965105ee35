package eval

import (
	"math/bits"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
)

// exists is || over the elements. What is no list is an error.
func (m *machine) exists(x *term.Term) rails {
	s := m.in(x.Loop)
	out := m.anyElement(m.decidedIn(x.Args[1], x.Loop), s)
	return m.unlisted(out, s.list)
}

// anyElement is || over the elements of each row.
func (m *machine) anyElement(body rails, s *space) rails {
	w := words(len(s.start) - 1)
	out := rails{t: m.anyOf(body.t, s, w)}
	if body.u != nil {
		out.u = m.anyOf(body.u, s, w)
		andNot(out.u, out.t)
	}
	if body.e != nil {
		out.e = m.anyOf(body.e, s, w)
		andNot(out.e, out.t)
	}
	return out
}

func (m *machine) anyOf(set []uint64, s *space, w int) []uint64 {
	out := m.words.zeroed(w)
	for i, word := range set {
		for ; word != 0; word &= word - 1 {
			row := s.parent[i<<6+bits.TrailingZeros64(word)]
			out[row>>6] |= 1 << (row & 63)
		}
	}
	return out
}

// unlisted adds the rows whose list is none: null is undecided, an error itself.
func (m *machine) unlisted(r rails, list *vec) rails {
	if list.state == nil {
		return r
	}
	states := m.states.take(list.n)
	for i, s := range list.state {
		states[i] = s.strict()
	}
	m.addErrors(&r, states)
	return r
}

// existsOne counts; of several errors the last counts.
func (m *machine) existsOne(x *term.Term) rails {
	s := m.in(x.Loop)
	body := m.decidedIn(x.Args[1], x.Loop)
	n := len(s.start) - 1
	out := rails{t: m.words.zeroed(words(n))}
	states := m.states.zeroed(n)
	for row := range n {
		count := 0
		for k := s.start[row]; k < s.start[row+1]; k++ {
			switch {
			case has(body.t, int(k)):
				count++
			case has(body.e, int(k)):
				states[row] = failed
			case has(body.u, int(k)):
				states[row] = undecided
			}
		}
		if count == 1 {
			out.t[row>>6] |= 1 << (row & 63)
		}
	}
	m.addErrors(&out, states)
	return m.unlisted(out, s.list)
}

// memberOf is x in a list: an error of either comes first.
func (m *machine) memberOf(x *term.Term) rails {
	s := m.in(x.Loop)
	out := m.anyElement(m.decidedIn(x.Args[2], x.Loop), s)
	out = m.unlisted(out, s.list)
	if m.table.Terms[x.Args[0]].Op != term.Const {
		v := m.valueIn(x.Args[0], x.Space)
		for i, st := range v.state {
			if st >= undecided {
				m.clearRow(&out, i)
			}
		}
		if v.state != nil {
			m.addErrors(&out, errorsOnly(m.states.take(v.n), v.state))
		}
	}
	return out
}

// clearRow makes a row false.
func (m *machine) clearRow(r *rails, row int) {
	for _, set := range [][]uint64{r.t, r.u, r.e} {
		if set != nil {
			set[row>>6] &^= 1 << (row & 63)
		}
	}
}

func errorsOnly(dst, states []state) []state {
	for i, s := range states {
		dst[i] = s
		if s < undecided {
			dst[i] = valid
		}
	}
	return dst
}

// hasKey is whether a map has a key, and for has() whether its value is not null.
func (m *machine) hasKey(x *term.Term) rails {
	v := m.value(x.Args[0])
	out := rails{t: m.words.zeroed(words(v.n))}
	errors := false
	at := m.lookUp(v, x.Name)
	for i := range v.n {
		if at[i] >= 0 {
			out.t[i>>6] |= 1 << (i & 63)
		}
		errors = errors || v.stateOf(i) >= undecided
	}
	if x.Op == term.HasKey {
		return m.unlisted(out, v)
	}
	values := m.picked(&term.Term{Type: *m.table.Terms[x.Args[0]].Type.Elem}, v, pick{n: v.n, at: at})
	for i := range v.n {
		if values.stateOf(i) != valid || values.list != nil && values.list.start[i] == values.list.end[i] {
			out.t[i>>6] &^= 1 << (i & 63)
		}
	}
	if errors {
		m.addErrors(&out, v.state)
	}
	return out
}

// A lookUp is of a key in maps.
type lookUp struct {
	maps *vec
	key  string
}

// lookUp returns where the value of a key stands in each map, or -1. Of a key
// that stands twice the last counts.
func (m *machine) lookUp(v *vec, key string) []int32 {
	if at := m.lookedUp[lookUp{v, key}]; at != nil {
		return at
	}
	at := m.rows.take(v.n)
	m.lookedUp[lookUp{v, key}] = at
	offsets, bytes := v.list.keys.ValueOffsets(), v.list.keys.ValueBytes()
	for i := range at {
		at[i] = -1
		start, end := v.span(i)
		for k := end - 1; k >= start; k-- {
			from, to := offsets[k], offsets[k+1]
			if int(to-from) == len(key) && string(bytes[from-offsets[0]:to-offsets[0]]) == key {
				at[i] = k
				break
			}
		}
	}
	return at
}

// atKey is a map's value; a missing key fails, of null it is null.
func (m *machine) atKey(x *term.Term, v *vec) *vec {
	values := m.picked(x, v, pick{n: v.n, at: m.lookUp(v, x.Name)})
	return m.override(values, v.state)
}

// first is the first element, null of an empty list.
func (m *machine) first(x *term.Term, v *vec) *vec {
	at, states := m.rows.take(v.n), m.states.take(v.n)
	for i := range at {
		start, end := v.span(i)
		states[i] = valid
		switch {
		case !v.ok(i):
			states[i] = v.state[i].strict()
		case start == end:
			states[i] = null
		}
		at[i] = start
		if start == end {
			at[i] = -1
		}
	}
	return m.override(m.picked(x, v, pick{n: v.n, at: at}), states)
}

// index is the element at a position, an error where there is none.
func (m *machine) index(x *term.Term) *vec {
	v, key := m.valueIn(x.Args[0], x.Space), m.valueIn(x.Args[1], x.Space)
	at, states := m.rows.take(v.n), m.states.take(v.n)
	for i := range at {
		start, end := v.span(i)
		at[i], states[i] = -1, valid
		switch sv, sk := v.stateOf(i), key.stateOf(i); {
		case sv >= undecided:
			states[i] = sv
		case sk >= undecided:
			states[i] = sk
		case sv == null, sk == null:
			states[i] = undecided
		case key.ints[i] < 0 || key.ints[i] >= int64(end-start):
			states[i] = failed
		default:
			at[i] = start + int32(key.ints[i])
		}
	}
	return m.override(m.picked(x, v, pick{n: v.n, at: at}), states)
}

// filter is the elements of which the condition is true; an error of one is that
// of the row.
func (m *machine) filter(x *term.Term) *vec {
	return m.collect(x, m.decidedIn(x.Args[1], x.Loop), nil)
}

// mapped is a value for each element, or for those of which a condition is true.
func (m *machine) mapped(x *term.Term) *vec {
	keep := rails{t: m.ones(m.in(x.Loop).n)}
	if len(x.Args) > 2 {
		keep = m.decidedIn(x.Args[2], x.Loop)
	}
	return m.collect(x, keep, m.valueIn(x.Args[1], x.Loop))
}

// collect makes lists of the elements to keep, or of their values; the first
// error decides.
func (m *machine) collect(x *term.Term, keep rails, values *vec) *vec {
	s := m.in(x.Loop)
	n := len(s.start) - 1
	out := &vec{n: n, state: m.states.take(n), list: &lists{start: m.rows.take(n), end: m.rows.take(n)}}
	at := m.rows.take(s.n)[:0]
	for row := range n {
		out.list.start[row] = int32(len(at))
		out.state[row] = s.list.stateOf(row).strict()
		for k := s.start[row]; k < s.start[row+1] && out.state[row] == valid; k++ {
			switch {
			case has(keep.t, int(k)):
				if values != nil && values.stateOf(int(k)) >= undecided {
					out.state[row] = values.state[k]
				}
				at = append(at, k)
			case has(keep.e, int(k)):
				out.state[row] = failed
			case has(keep.u, int(k)):
				out.state[row] = undecided
			}
		}
		out.list.end[row] = int32(len(at))
	}
	m.fill(out.list, x, s, values, at)
	return out
}

// fill gives lists their elements: those kept of the space, or their values.
func (m *machine) fill(l *lists, x *term.Term, s *space, values *vec, at []int32) {
	if values != nil {
		l.elems = m.gathered(values, at)
		return
	}
	positions := m.rows.take(len(at))
	for i, k := range at {
		positions[i] = int32(s.picked.row(int(k)))
	}
	l.elems = m.picked(&term.Term{Type: *x.Type.Elem}, s.list, pick{n: len(at), at: positions})
}

// makeList is a list of its arguments; the first error decides.
func (m *machine) makeList(x *term.Term) *vec {
	n, each := m.in(x.Space).n, len(x.Args)
	out := &vec{n: n, list: &lists{start: m.rows.take(n), end: m.rows.take(n)}}
	for i := range n {
		out.list.start[i], out.list.end[i] = int32(i*each), int32(i*each+each)
	}
	elems := m.blank(n*each, x.Type.Elem.Kind)
	elems.state = m.states.zeroed(elems.n)
	out.state = m.states.zeroed(n)
	for k, a := range x.Args {
		v := m.valueIn(a, x.Space)
		for i := range n {
			s := v.stateOf(i)
			elems.state[i*each+k] = s
			if s >= undecided && out.state[i] == valid {
				out.state[i] = s
			}
			if s == valid {
				elems.copyFrom(i*each+k, v, i)
			}
		}
	}
	out.list.elems = elems
	return out
}

// blank is n scalars of a kind, to be filled.
func (m *machine) blank(n int, kind offer.Kind) *vec {
	v := &vec{n: n}
	switch term.Base(kind) {
	case offer.Double:
		v.floats = m.floats.take(n)
	case offer.String:
		v.texts = m.texts.take(n)
	case offer.Timestamp:
		v.ints, v.nanos = m.ints.take(n), m.ints.zeroed(n)
	default:
		v.ints = m.ints.take(n)
	}
	return v
}

// copyAll copies as many scalars.
func (v *vec) copyAll(from *vec) {
	copy(v.floats, from.floats)
	copy(v.texts, from.texts)
	copy(v.ints, from.ints)
	copy(v.nanos, from.nanos)
}

// copyFrom copies a scalar.
func (v *vec) copyFrom(i int, from *vec, row int) {
	switch {
	case v.floats != nil:
		v.floats[i] = from.floats[row]
	case v.texts != nil:
		v.texts[i] = from.texts[row]
	default:
		v.ints[i] = from.ints[row]
		switch {
		case v.nanos == nil:
		case from.nanos == nil:
			v.nanos[i] = 0
		default:
			v.nanos[i] = from.nanos[row]
		}
	}
}
