package eval

import (
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/eval/term"
)

// A space is rows: those of the block, or the elements of lists, in order.
type space struct {
	n      int
	parent []int32 // of each element, the row that it belongs to
	start  []int32 // of each row of the parent, where its elements begin; one more for the end
	picked pick    // where the elements stand in the lists
	list   *vec
}

// in returns a space, which it enters if need be.
func (m *machine) in(s term.Space) *space {
	if m.spaces[s] == nil {
		loop := m.table.Loops[s]
		m.spaces[s] = m.elements(m.valueIn(loop.List, loop.Parent))
	}
	return m.spaces[s]
}

// elements returns the space of the elements of lists. Those that are no list
// have none.
func (m *machine) elements(v *vec) *space {
	s := &space{start: m.rows.take(v.n + 1), list: v}
	total, next, adjoin := int32(0), int32(-1), true
	for i := range v.n {
		s.start[i] = total
		start, end := v.span(i)
		if start == end {
			continue
		}
		adjoin = adjoin && (next < 0 || next == start)
		next = end
		total += end - start
	}
	s.start[v.n] = total
	s.n = int(total)
	s.parent = m.rows.take(s.n)
	for i := range v.n {
		for k := s.start[i]; k < s.start[i+1]; k++ {
			s.parent[k] = int32(i)
		}
	}
	if adjoin {
		s.picked = pick{lo: max(0, int(next)-s.n), n: s.n}
		return s
	}
	s.picked = pick{n: s.n, at: m.rows.take(s.n)}
	for i := range v.n {
		start, _ := v.span(i)
		for k := s.start[i]; k < s.start[i+1]; k++ {
			s.picked.at[k] = start + k - s.start[i]
		}
	}
	return s
}

// span returns where the elements of row i stand; none when it is no list.
func (v *vec) span(i int) (start, end int32) {
	if !v.ok(i) {
		return 0, 0
	}
	return v.list.start[i], v.list.end[i]
}

// ancestors returns for each row of a space the row of one around it.
func (m *machine) ancestors(s, around term.Space) []int32 {
	at := m.in(s).parent
	for s = m.table.Loops[s].Parent; s != around; s = m.table.Loops[s].Parent {
		parent := m.in(s).parent
		at = gather(m.rows.take(len(at)), parent, at)
	}
	return at
}

// element is a loop's variable.
func (m *machine) element(x *term.Term) *vec {
	s := m.in(x.Loop)
	return m.picked(x, s.list, s.picked)
}

// picked returns elements of lists.
func (m *machine) picked(x *term.Term, list *vec, p pick) *vec {
	if list.list.array != nil {
		return m.read(x.Type, list.list.array, p)
	}
	if p.at == nil {
		at := m.rows.take(p.n)
		for i := range at {
			at[i] = int32(p.lo + i)
		}
		p.at = at
	}
	return m.gatheredOrFailed(list.list.elems, p.at)
}

// gatheredOrFailed is gathered, where positions below 0 have failed.
func (m *machine) gatheredOrFailed(v *vec, at []int32) *vec {
	var missing []state
	for i, row := range at {
		if row < 0 {
			if missing == nil {
				missing, at = m.states.zeroed(len(at)), append(m.rows.take(len(at))[:0], at...)
			}
			missing[i], at[i] = failed, 0
		}
	}
	if v.n == 0 {
		v = m.nothing(v)
	}
	return m.override(m.gathered(v, at), missing)
}

// nothing is one failed row of the kind of v.
func (m *machine) nothing(v *vec) *vec {
	out := &vec{n: 1, state: m.states.take(1)}
	out.state[0] = failed
	switch {
	case v.ints != nil:
		out.ints = m.ints.zeroed(1)
	case v.floats != nil:
		out.floats = m.floats.zeroed(1)
	case v.texts != nil || v.coded != nil:
		out.texts = m.texts.zeroed(1)
	case v.list != nil:
		l := *v.list
		l.start, l.end = m.rows.zeroed(1), m.rows.zeroed(1)
		out.list = &l
	case v.rows != nil:
		out.rows = &structs{v.rows.array, pick{n: 1, at: []int32{-1}}}
	}
	return out
}

// broken is an error in every row.
func (m *machine) broken(x *term.Term) *vec {
	v := m.blank(m.in(x.Space).n, x.Type.Kind)
	s := failed
	if x.Name == "null" {
		s = undecided
	}
	v.state = repeat(m.states.take(v.n), s)
	return v
}

// override returns v with the states that are not valid in place of its own.
func (m *machine) override(v *vec, states []state) *vec {
	if states == nil {
		return v
	}
	out := *v
	out.state = m.states.take(v.n)
	for i := range out.state {
		out.state[i] = states[i]
		if states[i] == valid {
			out.state[i] = v.stateOf(i)
		}
	}
	return &out
}

// field is a field of structs; of null it is null.
func (m *machine) field(x *term.Term, v *vec) *vec {
	a := v.rows.array
	i, ok := structField(a, x.Name)
	if !ok {
		panic(misfitted(x.Type, a))
	}
	return m.override(m.read(x.Type, a.Field(i), v.rows.pick), v.state)
}

func structField(a *array.Struct, name string) (int, bool) {
	return a.DataType().(interface{ FieldIdx(string) (int, bool) }).FieldIdx(name)
}
