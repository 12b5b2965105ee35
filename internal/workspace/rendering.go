package workspace

import (
	"maps"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
)

// renderings checks every template with the fields of the feeds that use it,
// once for each set of fields, and says of a mistake whose fields they are.
func (l *loader) renderings() {
	seen := map[string]bool{}
	for _, f := range l.ws.Feeds {
		t := l.ws.Templates[f.Template]
		types, known := fieldTypes(f.Fields)
		signature := f.Template + " " + describeTypes(types)
		if t == nil || !known || seen[signature] {
			continue
		}
		seen[signature] = true
		for _, d := range t.Check(types) {
			d.Message += " (used by feed " + f.Name + ")"
			l.report(d)
		}
	}
}

// fieldTypes returns the types of fields; known is false when one has none,
// or a mistake.
func fieldTypes(fields []feed.Field) (types map[string]offer.Type, known bool) {
	types = map[string]offer.Type{}
	known = true
	for _, f := range fields {
		if f.Value == nil {
			return nil, false
		}
		t, ok := f.Value.Type()
		types[f.Name] = t
		known = known && ok
	}
	return types, known
}

func describeTypes(types map[string]offer.Type) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(types)) {
		parts = append(parts, name+": "+types[name].String())
	}
	return strings.Join(parts, ", ")
}
