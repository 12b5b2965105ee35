package eval

import (
	"unicode/utf8"
	"unsafe"

	"github.com/feedmill/feedmill/internal/eval/term"
)

// native calls the functions that are frequent enough to be done without CEL's
// values; nil for others.
func (m *machine) native(x *term.Term) *vec {
	switch m.table.Functions[atoi(x.Name)].Name {
	case "lowerAscii string":
		return m.shifted(m.valueIn(x.Args[0], x.Space), 'A')
	case "upperAscii string":
		return m.shifted(m.valueIn(x.Args[0], x.Space), 'a')
	}
	return nil
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
