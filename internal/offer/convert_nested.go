package offer

import (
	"maps"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// An entry is one exact key and value of a map.
type entry struct {
	key   string
	value any
}

// nestedText reads JSON text.
func (a *Appender) nestedText(text []byte) (any, error) {
	v, err := ParseJSON(text)
	if err != nil {
		return nil, refuse("%s is not JSON: %s", show(text), err.Error())
	}
	if s, ok := v.(string); ok && s != "" {
		return nil, refuse("%s is not %s", show(text), a.noun())
	}
	return a.exact(v)
}

func (a *Appender) noun() string {
	if a.t.Kind == List {
		return "a list"
	}
	return "an object"
}

func (a *Appender) list(v any) (any, error) {
	items, ok := v.([]any)
	if !ok {
		return nil, refuse("%s is not a list", name(v))
	}
	out := make([]any, len(items))
	for i, item := range items {
		exact, err := a.elem.exact(item)
		if err != nil {
			return nil, within(strconv.Itoa(i), err)
		}
		out[i] = exact
	}
	return out, nil
}

func within(place string, err error) error { return refuse("in %s: %s", place, err.Error()) }

func (a *Appender) mapping(v any) (any, error) {
	members, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("%s is not an object", name(v))
	}
	out := make([]entry, 0, len(members))
	for _, key := range slices.Sorted(maps.Keys(members)) {
		exact, err := a.elem.exact(members[key])
		if err != nil {
			return nil, within(key, err)
		}
		out = append(out, entry{key, exact})
	}
	return out, nil
}

func (a *Appender) structure(v any) (any, error) {
	members, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("%s is not an object", name(v))
	}
	out := make([]any, len(a.fields))
	for i, f := range a.t.Fields {
		exact, err := a.fields[i].exact(members[f.Name])
		if err != nil {
			return nil, within(f.Name, err)
		}
		out[i] = exact
	}
	return out, nil
}

func (a *Appender) putNested(b array.Builder, exact any) {
	switch b := b.(type) {
	case *array.ListBuilder:
		b.Append(true)
		for _, item := range exact.([]any) {
			a.elem.put(b.ValueBuilder(), item)
		}
	case *array.MapBuilder:
		b.Append(true)
		for _, e := range exact.([]entry) {
			b.KeyBuilder().(*array.StringBuilder).Append(e.key)
			a.elem.put(b.ItemBuilder(), e.value)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i, member := range exact.([]any) {
			a.fields[i].put(b.FieldBuilder(i), member)
		}
	}
}
