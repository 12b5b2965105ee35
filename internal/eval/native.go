package eval

import (
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
)

// native calls the functions that are frequent enough to be done without CEL's
// values; nil for others.
func (m *machine) native(x *term.Term) *vec {
	name := m.table.Functions[atoi(x.Name)].Name
	if first := caseOf(name); first != 0 {
		return m.shifted(m.valueIn(x.Args[0], x.Space), first)
	}
	switch name {
	case "_-_ timestamp timestamp":
		return m.between(m.valueIn(x.Args[0], x.Space), m.valueIn(x.Args[1], x.Space))
	case "getFullYear timestamp":
		return m.years(m.valueIn(x.Args[0], x.Space))
	}
	return nil
}

// maxMicros bounds the times whose difference is worked out here: within it none
// is too long for a duration, and none is one that CEL refuses.
const maxMicros = 4_000_000_000_000_000

// between is the durations from b to a; nil if there are times far away.
func (m *machine) between(a, b *vec) *vec {
	out := m.blank(a.n, term.Duration)
	out.state = m.strict(a, b)
	for i := range out.ints {
		if !out.ok(i) {
			continue
		}
		x, y := a.ints[i], b.ints[i]
		if x > maxMicros || x < -maxMicros || y > maxMicros || y < -maxMicros {
			return nil
		}
		out.ints[i] = 1000 * (x - y)
		if a.nanos != nil {
			out.ints[i] += a.nanos[i]
		}
		if b.nanos != nil {
			out.ints[i] -= b.nanos[i]
		}
	}
	return out
}

// years is the years of times, in UTC; nil if there are times far away.
func (m *machine) years(v *vec) *vec {
	out := m.blank(v.n, offer.Int)
	out.state = m.strict(v)
	for i := range out.ints {
		if !out.ok(i) {
			continue
		}
		if v.ints[i] > maxMicros || v.ints[i] < -maxMicros {
			return nil
		}
		out.ints[i] = int64(time.UnixMicro(v.ints[i]).UTC().Year())
	}
	return out
}

// caseOf returns the first of the letters that a function exchanges for those of
// the other case, 0 of other functions.
func caseOf(function string) byte {
	switch function {
	case "lowerAscii string":
		return 'A'
	case "upperAscii string":
		return 'a'
	}
	return 0
}

// shifted exchanges the case of 26 letters. A text that has none of them stays
// where it is; bytes that are no UTF-8 become replacement characters, as in CEL.
func (m *machine) shifted(v *vec, first byte) *vec {
	out := &vec{n: v.n, state: m.strict(v), texts: m.texts.take(v.n)}
	for i, text := range v.texts {
		if !v.ok(i) {
			out.texts[i] = ""
			continue
		}
		out.texts[i] = m.shiftedText(text, first)
	}
	return out
}

func (m *machine) shiftedText(text string, first byte) string {
	if text == "" {
		return text
	}
	dst, changes, high := m.bytes.take(len(text)), byte(0), byte(0)
	for i := range dst {
		b := text[i]
		high |= b
		if b-first < 26 {
			b ^= 'a' - 'A'
			changes = 1
		}
		dst[i] = b
	}
	if high >= utf8.RuneSelf && !utf8.ValidString(text) {
		return string([]rune(unsafe.String(&dst[0], len(dst))))
	}
	if changes == 0 {
		return text
	}
	return unsafe.String(&dst[0], len(dst))
}
