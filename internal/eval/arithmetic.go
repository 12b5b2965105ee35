package eval

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf8"
	"unsafe"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
)

// strict returns the states of a strict function of arguments, nil if all are
// valid: the first error, or undecided if one is null.
func (m *machine) strict(args ...*vec) []state {
	var out []state
	for _, v := range args {
		if v.state == nil {
			continue
		}
		if out == nil {
			out = m.states.zeroed(v.n)
		}
		for i, s := range v.state {
			if out[i] < undecided && s != valid {
				out[i] = s
			}
		}
	}
	for i, s := range out {
		out[i] = s.strict()
	}
	return out
}

// arithmetic is of numbers of one kind, or a concatenation of texts.
func (m *machine) arithmetic(x *term.Term) *vec {
	a := m.valueIn(x.Args[0], x.Space)
	b := a
	if len(x.Args) > 1 {
		b = m.valueIn(x.Args[1], x.Space)
	}
	out := m.blank(a.n, x.Type.Kind)
	out.state = m.strict(a, b)
	switch {
	case x.Op == term.ToDouble:
		for i, v := range a.ints {
			out.floats[i] = float64(v)
		}
	case out.texts != nil:
		for i := range out.texts {
			if out.ok(i) {
				out.texts[i] = a.texts[i] + b.texts[i]
			}
		}
	case out.floats != nil:
		ofDoubles(x.Op, out.floats, a.floats, b.floats)
	default:
		m.ofInts(x.Op, out, a.ints, b.ints)
	}
	return out
}

func ofDoubles(op term.Op, dst, a, b []float64) {
	for i := range dst {
		switch op {
		case term.Negate:
			dst[i] = -a[i]
		case term.Add:
			dst[i] = a[i] + b[i]
		case term.Subtract:
			dst[i] = a[i] - b[i]
		case term.Multiply:
			dst[i] = a[i] * b[i]
		case term.Divide:
			dst[i] = a[i] / b[i]
		}
	}
}

// ofInts fails where a result does not fit, and on a division by zero.
func (m *machine) ofInts(op term.Op, out *vec, a, b []int64) {
	for i := range out.ints {
		if !out.ok(i) {
			continue
		}
		v, fits := ofTwo(op, a[i], b[i])
		out.ints[i] = v
		if fits {
			continue
		}
		if out.state == nil {
			out.state = m.states.zeroed(out.n)
		}
		out.state[i] = failed
	}
}

func ofTwo(op term.Op, a, b int64) (int64, bool) {
	switch op {
	case term.Negate:
		return -a, a != math.MinInt64
	case term.Add:
		sum := a + b
		return sum, (sum > a) == (b > 0)
	case term.Subtract:
		difference := a - b
		return difference, (difference < a) == (b > 0)
	case term.Multiply:
		product := a * b
		if int64(int32(a)) == a && int64(int32(b)) == b || a == 0 || b == 0 {
			return product, true
		}
		return product, product/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	}
	if b == 0 || a == math.MinInt64 && b == -1 {
		return 0, false
	}
	if op == term.Divide {
		return a / b, true
	}
	return a % b, true
}

// size is of a text in code points, or of a list or map.
func (m *machine) size(x *term.Term) *vec {
	v := m.value(x.Args[0])
	out := m.blank(v.n, offer.Int)
	out.state = m.strict(v)
	for i := range out.ints {
		if !out.ok(i) {
			continue
		}
		if v.list == nil {
			out.ints[i] = int64(codePoints(v.texts[i]))
			continue
		}
		start, end := v.span(i)
		out.ints[i] = int64(end - start)
		if v.list.keys != nil {
			out.ints[i] = v.list.distinctKeys(start, end)
		}
	}
	return out
}

// codePoints returns how many code points a text has, as utf8.RuneCountInString
// does: eight bytes are looked at together, and what is ASCII of them is counted at
// once.
func codePoints(text string) int {
	const high = 0x8080808080808080
	n := 0
	for len(text) >= 8 {
		beyond := binary.LittleEndian.Uint64(unsafe.Slice(unsafe.StringData(text), 8)) & high
		ascii := bits.TrailingZeros64(beyond) / 8
		n, text = n+ascii, text[ascii:]
		if beyond != 0 {
			_, size := utf8.DecodeRuneInString(text)
			n, text = n+1, text[size:]
		}
	}
	return n + utf8.RuneCountInString(text)
}

// distinctKeys counts a map's entries.
func (l *lists) distinctKeys(start, end int32) int64 {
	n := int64(0)
	for i := start; i < end; i++ {
		twice := false
		for k := start; k < i && !twice; k++ {
			twice = l.keys.Value(int(k)) == l.keys.Value(int(i))
		}
		if !twice {
			n++
		}
	}
	return n
}

// cond is c ? a : b.
func (m *machine) cond(x *term.Term) *vec {
	c := m.valueIn(x.Args[0], x.Space)
	a, b := m.valueIn(x.Args[1], x.Space), m.valueIn(x.Args[2], x.Space)
	out := m.blank(c.n, x.Type.Kind)
	out.state = m.states.take(out.n)
	for i := range out.n {
		from := b
		if c.ints[i] != 0 {
			from = a
		}
		if !c.ok(i) {
			out.state[i] = c.state[i].strict()
			continue
		}
		if out.state[i] = from.stateOf(i); out.state[i] == valid {
			out.copyFrom(i, from, i)
		}
	}
	return out
}

// coalesce is the first that is neither null nor an error that null caused.
func (m *machine) coalesce(x *term.Term) *vec {
	first := m.valueIn(x.Args[0], x.Space)
	if first.state == nil {
		return first
	}
	out := m.blank(first.n, x.Type.Kind)
	out.copyAll(first)
	out.state = append(m.states.take(out.n)[:0], first.state...)
	for i, s := range out.state {
		if s == undecided {
			out.state[i] = null
		}
	}
	for _, arg := range x.Args[1:] {
		v := m.valueIn(arg, x.Space)
		for i, s := range out.state {
			if s != null {
				continue
			}
			switch s := v.stateOf(i); s {
			case valid:
				out.copyFrom(i, v, i)
				fallthrough
			case failed:
				out.state[i] = s
			}
		}
	}
	return out
}
