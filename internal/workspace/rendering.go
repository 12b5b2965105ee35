package workspace

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/template"
)

// renderings checks every template with the fields of the feeds that use it,
// once for each set of fields, and says of a mistake whose fields they are. A
// field that other feeds of a template give is missing in the feed; one that none
// gives is mistaken in the template. Of fields that could not all be read, vague,
// none is missing.
func (l *loader) renderings(vague map[*feed.Feed]bool) {
	given := givenFields(l.ws.Feeds)
	seen := map[string]bool{}
	for _, f := range l.ws.Feeds {
		t := l.ws.Templates[f.Template]
		if t == nil {
			continue
		}
		types := fieldTypes(f.Fields)
		missing := absent(t, types)
		if !vague[f] {
			missing = l.lacking(f, t, types, given[f.Template])
		}
		for _, name := range missing {
			types[name] = offer.Type{Kind: template.Unknown}
		}
		signature := f.Template + " " + describeTypes(types)
		if seen[signature] {
			continue
		}
		seen[signature] = true
		for _, d := range t.Check(types) {
			if f.Name != "" {
				d.Message += " (used by feed " + f.Name + ")"
			}
			l.report(d)
		}
	}
}

// givenFields returns the names of fields that some feed of a template gives.
func givenFields(feeds []*feed.Feed) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, f := range feeds {
		if out[f.Template] == nil {
			out[f.Template] = map[string]bool{}
		}
		for _, field := range f.Fields {
			out[f.Template][field.Name] = true
		}
	}
	return out
}

// lacking reports the fields that a feed's template shows, that other feeds give,
// and that this one does not.
func (l *loader) lacking(f *feed.Feed, t *template.Template, types map[string]offer.Type, given map[string]bool) []string {
	names := slices.DeleteFunc(absent(t, types), func(name string) bool { return !given[name] })
	if len(names) == 0 {
		return nil
	}
	places := t.Absent(types)
	for _, name := range names {
		shown := fmt.Sprintf("%s:%d:%d", places[name].File, places[name].Line, places[name].Col)
		place, hint := f.Place, fmt.Sprintf("write %s: and an expression under its fields; %s shows it", name, shown)
		if misspelt, found := nearField(f, t, name); found {
			place, hint = misspelt, fmt.Sprintf("did you mean %s? %s shows it", name, shown)
		}
		if place.File == nil {
			continue // the feed's name is mistaken, and there is no other place to say it
		}
		d := place.At(0, runes(place.Value), "template %s shows .fields.%s, which %s does not give", f.Template, name, titleOf(f))
		l.reportOnce(d.WithHint("%s", hint))
	}
	return names
}

// absent returns the fields that a template shows and that are not among these.
func absent(t *template.Template, types map[string]offer.Type) []string {
	return slices.DeleteFunc(t.Fields(), func(name string) bool {
		_, has := types[name]
		return has
	})
}

func titleOf(f *feed.Feed) string {
	if f.Name == "" {
		return "this feed" // whose name is mistaken
	}
	return "feed " + f.Name
}

// nearField returns where a feed gives a field that its template does not show,
// whose name is like that of one that it does.
func nearField(f *feed.Feed, t *template.Template, name string) (diag.Text, bool) {
	shown := t.Fields()
	for _, field := range f.Fields {
		if !slices.Contains(shown, field.Name) && diag.Suggest(field.Name, []string{name}) != "" {
			return field.Place, true
		}
	}
	return diag.Text{}, false
}

// reportOnce reports a mistake unless another feed of the same `for` has it.
func (l *loader) reportOnce(d diag.Diagnostic) {
	if !slices.ContainsFunc(l.list, func(other diag.Diagnostic) bool {
		other.Message = d.Message
		return other == d
	}) {
		l.report(d)
	}
}

// fieldTypes returns the types of fields, of which some are not known.
func fieldTypes(fields []feed.Field) map[string]offer.Type {
	types := map[string]offer.Type{}
	for _, f := range fields {
		types[f.Name] = offer.Type{Kind: template.Unknown}
		if f.Value == nil {
			continue
		}
		if t, known := f.Value.Type(); known {
			types[f.Name] = t
		}
	}
	return types
}

func describeTypes(types map[string]offer.Type) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(types)) {
		parts = append(parts, name+": "+types[name].String())
	}
	return strings.Join(parts, ", ")
}
