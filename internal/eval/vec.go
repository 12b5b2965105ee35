package eval

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// A state is what a value of a row is.
type state uint8

const (
	valid     state = iota
	null            // null itself
	undecided       // an error that null caused
	failed          // another error
)

// strict is what a function says of a state: null is an error to it.
func (s state) strict() state {
	if s == null {
		return undecided
	}
	return s
}

// A vec is the values of a term for the rows of its space. Of the slices only
// that of its kind is set; where the state is not valid its value means nothing.
type vec struct {
	n      int
	state  []state // nil: all are valid
	ints   []int64 // ints, bools (0, 1), durations (nanoseconds), times (microseconds)
	nanos  []int64 // of times, beside the microseconds; nil: none
	floats []float64
	texts  []string
	coded  *coded // texts: their codes; texts is nil until they are decoded
	list   *lists
	rows   *structs
}

// A coded is texts as codes: of each row, where its text stands in a dictionary. Where
// the row has no value, its code means nothing.
type coded struct {
	codes []int32
	in    *array.String
}

// A lists is lists or maps: of each row the positions from start up to end, in
// an array or in a computed vec.
type lists struct {
	start, end []int32
	array      arrow.Array   // nil: elems
	keys       *array.String // of maps
	elems      *vec
}

// A structs is structs: the rows of an array that are picked.
type structs struct {
	array *array.Struct
	pick  pick
}

// A pick is positions in an array: n from lo on, or those listed.
type pick struct {
	lo, n int
	at    []int32 // below 0: there is none
}

func (p pick) row(i int) int {
	if p.at != nil {
		return int(p.at[i])
	}
	return p.lo + i
}

// ok reports whether row i has a value.
func (v *vec) ok(i int) bool { return v.state == nil || v.state[i] == valid }

func (v *vec) stateOf(i int) state {
	if v.state == nil {
		return valid
	}
	return v.state[i]
}

// time returns the time of row i.
func (v *vec) time(i int) time.Time {
	t := time.UnixMicro(v.ints[i]).UTC()
	if v.nanos != nil {
		t = t.Add(time.Duration(v.nanos[i]))
	}
	return t
}

// micros returns a time as microseconds and the nanoseconds beyond.
func micros(t time.Time) (us, ns int64) { return t.UnixMicro(), int64(t.Nanosecond() % 1000) }

// gathered returns the rows of v at positions.
func (m *machine) gathered(v *vec, at []int32) *vec {
	out := &vec{n: len(at)}
	if v.state != nil {
		out.state = gather(m.states.take(len(at)), v.state, at)
	}
	switch {
	case v.ints != nil:
		out.ints = gather(m.ints.take(len(at)), v.ints, at)
		if v.nanos != nil {
			out.nanos = gather(m.ints.take(len(at)), v.nanos, at)
		}
	case v.floats != nil:
		out.floats = gather(m.floats.take(len(at)), v.floats, at)
	case v.coded != nil:
		out.coded = &coded{gather(m.rows.take(len(at)), v.coded.codes, at), v.coded.in}
	case v.texts != nil:
		out.texts = gather(m.texts.take(len(at)), v.texts, at)
	case v.list != nil:
		l := *v.list
		l.start, l.end = gather(m.rows.take(len(at)), l.start, at), gather(m.rows.take(len(at)), l.end, at)
		out.list = &l
	case v.rows != nil:
		picked := m.rows.take(len(at))
		for i, row := range at {
			picked[i] = int32(v.rows.pick.row(int(row)))
		}
		out.rows = &structs{v.rows.array, pick{n: len(at), at: picked}}
	}
	return out
}

func gather[T any](dst, src []T, at []int32) []T {
	for i, row := range at {
		dst[i] = src[row]
	}
	return dst
}
