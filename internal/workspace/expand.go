package workspace

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
)

// A scope is what texts may refer to: the environment, and in a `for` document
// the values of one combination.
type scope struct {
	env    func(string) (string, bool)
	values map[string]string // of {{name}}; nil where that is ordinary text
}

var (
	reference   = regexp.MustCompile(`\$?\$\{[^}]*\}?`)
	envName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}`)
)

// expand puts values in the place of ${NAME}, ${NAME:-default} and {{name}}; $${
// stands for ${. What comes in is not expanded again.
func (s scope) expand(t diag.Text) (diag.Text, diag.List) {
	w := weaver{from: t}
	for at := 0; at < len(t.Value); {
		next, end := s.find(t.Value, at)
		w.copy(at, next)
		if next == end {
			break
		}
		s.replace(&w, t, next, end)
		at = end
	}
	return w.text(), w.list
}

// find returns the next reference or placeholder at or after an offset, or the
// end of the text twice.
func (s scope) find(text string, at int) (from, to int) {
	from, to = len(text), len(text)
	if loc := reference.FindStringIndex(text[at:]); loc != nil {
		from, to = at+loc[0], at+loc[1]
	}
	if s.values == nil {
		return from, to
	}
	if loc := placeholder.FindStringIndex(text[at:]); loc != nil && at+loc[0] < from {
		from, to = at+loc[0], at+loc[1]
	}
	return from, to
}

func (s scope) replace(w *weaver, t diag.Text, from, to int) {
	part := t.Value[from:to]
	switch {
	case strings.HasPrefix(part, "$$"):
		w.put(part[1:], part, from)
	case strings.HasPrefix(part, "{{"):
		value, mistakes := s.value(t, from, to)
		w.put(value, value, from)
		w.list = append(w.list, mistakes...)
	default:
		value, mistakes := s.variable(t, from, to)
		w.put(value, part, from)
		w.list = append(w.list, mistakes...)
	}
}

func (s scope) value(t diag.Text, from, to int) (string, diag.List) {
	name := placeholder.FindStringSubmatch(t.Value[from:to])[1]
	value, found := s.values[name]
	switch {
	case found:
		return value, nil
	case len(s.values) == 0:
		d := t.At(from, to-from, "{{%s}} stands for a value of `for`, and this document has no `for`", name)
		return "", diag.List{d.WithHint("write for: {%s: [...]}, and one feed is made for each value", name)}
	}
	d := t.At(from, to-from, "`for` has no %s", name)
	return "", diag.List{d.WithHint("%s", nearest(name, slices.Sorted(maps.Keys(s.values))))}
}

func (s scope) variable(t diag.Text, from, to int) (string, diag.List) {
	inner, closed := strings.CutSuffix(t.Value[from+2:to], "}")
	name, fallback, optional := strings.Cut(inner, ":-")
	if !closed || !envName.MatchString(name) {
		d := t.At(from, to-from, "this is no environment variable")
		return "", diag.List{d.WithHint("write ${NAME} or ${NAME:-default}; $${ stands for ${ itself")}
	}
	value, set := s.env(name)
	switch {
	case value == "" && optional:
		return fallback, nil
	case !set:
		d := t.At(from, to-from, "the environment variable %s is not set", name)
		return "", diag.List{d.WithHint("set it, or write ${%s:-default}", name)}
	}
	return value, nil
}

// A weaver makes a text out of parts of another and of values, all of whose
// characters stand where they were referred to.
type weaver struct {
	from   diag.Text
	value  strings.Builder
	raw    strings.Builder
	marks  []diag.Mark
	values []diag.Value
	list   diag.List
}

func (w *weaver) copy(from, to int) {
	if from == to {
		return
	}
	part := w.from.Slice(from, to)
	for _, m := range part.Marks {
		m.Offset += w.value.Len()
		if n := len(w.marks); n > 0 && w.marks[n-1].Offset == m.Offset {
			w.marks = w.marks[:n-1]
		}
		w.marks = append(w.marks, m)
	}
	w.value.WriteString(part.Value)
	w.raw.WriteString(part.Value)
}

func (w *weaver) put(value, raw string, at int) {
	line, col := w.from.Place(at)
	for i := range value {
		w.marks = append(w.marks, diag.Mark{Offset: w.value.Len() + i, Line: line, Col: col})
	}
	if value != raw {
		w.values = append(w.values, diag.Value{From: w.value.Len(), To: w.value.Len() + len(value), Raw: raw})
	}
	w.value.WriteString(value)
	w.raw.WriteString(raw)
}

func (w *weaver) text() diag.Text {
	t := diag.Text{File: w.from.File, Value: w.value.String(), Marks: w.marks, Values: w.values}
	if raw := w.raw.String(); raw != t.Value {
		t.Raw = raw
	}
	return t
}
