package eval

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A machine runs a plan over one block of rows after the other. What it has found
// out about a term holds for the block. It is for one goroutine.
type machine struct {
	*plan
	arenas
	block    arrow.RecordBatch
	vars     predicate.Vars // for what is decided row by row
	spaces   []*space       // by term.Space; nil: not entered yet
	vecs     []*vec         // by term, in the term's own space; nil: not computed yet
	known    []bool         // by term: whether rails has it
	rails    []rails        // by term, in the term's own space
	spread   map[spread]*vec
	lookedUp map[lookUp][]int32
	groups   []groupState
	opaque   []lateState // by part
	searched []lateState // by group
	counted  int64       // rows decided one by one in this block

	everything []uint64 // all rows of the block
}

// A spread is a term's values for the rows of an inner space.
type spread struct {
	term  term.ID
	space term.Space
}

func newMachine(p *plan) *machine {
	n := len(p.table.Terms)
	m := &machine{
		plan: p, spaces: make([]*space, len(p.table.Loops)), vecs: make([]*vec, n), known: make([]bool, n), rails: make([]rails, n),
		spread: map[spread]*vec{}, lookedUp: map[lookUp][]int32{}, groups: make([]groupState, len(p.groups)), opaque: make([]lateState, len(p.parts)), searched: make([]lateState, len(p.groups)),
	}
	m.vars.Now = p.now
	return m
}

// enter begins a block.
func (m *machine) enter(block arrow.RecordBatch) {
	m.arenas.reset()
	m.block = block
	m.vars.Offer = predicate.Row{Batch: predicate.NewBatch(block)}
	clear(m.spaces)
	clear(m.vecs)
	clear(m.known)
	clear(m.spread)
	clear(m.lookedUp)
	clear(m.opaque)
	clear(m.searched)

	m.spaces[term.Rows] = &space{n: int(block.NumRows())}
	m.everything, m.counted = m.ones(int(block.NumRows())), 0
}

// value returns a term's values for the rows of its own space.
func (m *machine) value(id term.ID) *vec { return m.decoded(m.encoded(id)) }

// encoded is value, but texts may be codes.
func (m *machine) encoded(id term.ID) *vec {
	if m.vecs[id] == nil {
		m.vecs[id] = m.compute(id, &m.table.Terms[id])
	}
	return m.vecs[id]
}

// valueIn returns a term's values for the rows of a space in its own.
func (m *machine) valueIn(id term.ID, s term.Space) *vec { return m.decoded(m.encodedIn(id, s)) }

// encodedIn is valueIn, but texts may be codes.
func (m *machine) encodedIn(id term.ID, s term.Space) *vec {
	x := &m.table.Terms[id]
	if x.Space == s && x.Op != term.Const {
		return m.encoded(id)
	}
	key := spread{id, s}
	v := m.spread[key]
	if v == nil {
		if x.Op == term.Const {
			v = m.repeated(x.Value, m.in(s).n)
		} else {
			v = m.gathered(m.encoded(id), m.ancestors(s, x.Space))
		}
		m.spread[key] = v
	}
	return v
}

func (m *machine) compute(id term.ID, x *term.Term) *vec {
	if x.Op == term.Fail {
		return m.broken(x)
	}
	if x.Op.Decides() {
		return m.unrail(m.decided(id), m.in(x.Space).n)
	}
	switch x.Op {
	case term.Const:
		return m.repeated(x.Value, m.in(x.Space).n)
	case term.Column:
		return m.column(x)
	case term.Field:
		return m.field(x, m.value(x.Args[0]))
	case term.Key:
		return m.atKey(x, m.value(x.Args[0]))
	case term.Elem:
		return m.element(x)
	case term.Index:
		return m.index(x)
	case term.First:
		return m.first(x, m.value(x.Args[0]))
	case term.Cond:
		return m.cond(x)
	case term.Coalesce:
		return m.coalesce(x)
	case term.Negate, term.Add, term.Subtract, term.Multiply, term.Divide, term.Modulo, term.ToDouble:
		return m.arithmetic(x)
	case term.Size:
		return m.size(x)
	case term.Aggregate:
		return m.aggregate(x)
	case term.Least, term.Most:
		return m.extreme(x)
	case term.Filter:
		return m.filter(x)
	case term.Map:
		return m.mapped(x)
	case term.List:
		return m.makeList(x)
	case term.Call:
		return m.call(x)
	default:
		panic(fmt.Sprintf("eval: no value of term %s", m.table.Format(id)))
	}
}

// column reads a column of the block.
func (m *machine) column(x *term.Term) *vec {
	at := m.block.Schema().FieldIndices(x.Name)
	if len(at) == 0 {
		panic(misfit{fmt.Errorf("the rows have no column %s", x.Name)})
	}
	return m.read(x.Type, m.block.Column(at[0]), pick{n: int(m.block.NumRows())})
}
