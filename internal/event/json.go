package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Append appends the event as a line of a change set has it, without its end.
func (e *Event) Append(dst []byte) []byte {
	dst = appendText(append(dst, `{"id":`...), e.ID)
	dst = appendText(append(dst, `,"source":`...), e.Source)
	dst = appendText(append(dst, `,"type":`...), e.Type)
	dst = appendText(append(dst, `,"subject":`...), e.Subject)
	dst = e.Time.AppendFormat(append(dst, `,"time":"`...), time.RFC3339Nano)
	dst = e.Data.append(append(dst, `","data":`...))
	return append(dst, '}')
}

func (d *Data) append(dst []byte) []byte {
	dst = appendText(append(dst, `{"feed":`...), d.Feed)
	dst = append(dst, `,"destinations":[`...)
	for i, name := range d.Destinations {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, name)
	}
	dst = append(dst, ']')
	if d.Catalog != "" {
		dst = appendText(append(dst, `,"catalog":`...), d.Catalog)
	}
	dst = strconv.AppendInt(append(dst, `,"version":`...), d.Version, 10)
	if len(d.Changed) > 0 {
		dst = appendChanged(append(dst, `,"changed":{`...), d.Changed)
	}
	dst = append(append(dst, `,"fields":`...), d.Fields...)
	return append(dst, '}')
}

func appendChanged(dst []byte, changed map[string]Change) []byte {
	for i, name := range slices.Sorted(maps.Keys(changed)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, name), `:{"before":`...)
		dst = append(append(dst, changed[name].Before...), `,"after":`...)
		dst = append(append(dst, changed[name].After...), '}')
	}
	return append(dst, '}')
}

// Changes compares two sets of fields, as AppendFields makes them of columns that
// are ordered by name, and returns those that differ; a field that one of them
// lacks is null there.
func Changes(before, after []byte) (map[string]Change, error) {
	out := map[string]Change{}
	was, is := members{rest: before}, members{rest: after}
	was.next()
	is.next()
	null := json.RawMessage("null")
	for was.err == nil && is.err == nil && (was.found || is.found) {
		name, change := was.name, Change{null, null}
		order := compareMembers(&was, &is)
		if order <= 0 {
			change.Before = was.value
		}
		if order >= 0 {
			name, change.After = is.name, is.value
		}
		if !bytes.Equal(change.Before, change.After) {
			out[string(name)] = change
		}
		if order <= 0 {
			was.next()
		}
		if order >= 0 {
			is.next()
		}
	}
	return out, errors.Join(was.err, is.err)
}

// compareMembers says which of two members comes first; none comes after any.
func compareMembers(a, b *members) int {
	switch {
	case !a.found:
		return 1
	case !b.found:
		return -1
	default:
		return bytes.Compare(a.name, b.name)
	}
}

// members goes over the members of an object that AppendFields made.
type members struct {
	rest        []byte
	found       bool
	name, value []byte
	err         error
}

var errFields = errors.New("damaged: these are no fields")

func (m *members) next() {
	m.found = false
	if len(m.rest) < 2 {
		m.err = errFields
		return
	}
	at := m.rest[0] // { or ,
	if m.rest = m.rest[1:]; at == '}' || m.rest[0] == '}' {
		return
	}
	name := valueSize(m.rest)
	if name == 0 || name+1 >= len(m.rest) || m.rest[name] != ':' {
		m.err = errFields
		return
	}
	value := valueSize(m.rest[name+1:])
	if value == 0 || name+1+value >= len(m.rest) {
		m.err = errFields
		return
	}
	m.found, m.name, m.value = true, bytes.Trim(m.rest[:name], `"`), m.rest[name+1:name+1+value]
	m.rest = m.rest[name+1+value:]
	if m.rest[0] == '}' {
		m.rest = []byte("}}")
	}
}

// valueSize is the length of the JSON value that a text begins with, without
// blanks; 0 when it never ends.
func valueSize(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			end := stringEnd(text, i+1)
			if end < 0 {
				return 0
			}
			if i = end; depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return 0
}

// stringEnd is where the quote is that ends a string, or -1.
func stringEnd(text []byte, from int) int {
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}
