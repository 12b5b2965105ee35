package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/template"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A renderingSplit says what makes several renderings of one template.
type renderingSplit struct {
	Template   string   `json:"template"`
	Renderings int      `json:"renderings"`
	By         []string `json:"by"` // fields and params that differ between feeds
}

// renderings counts the renderings of the enabled feeds, and says for each
// template with several of them what splits them, by template.
func renderings(w *workspace.Workspace) (total int, split []renderingSplit) {
	feeds := map[string][]map[string]string{} // by template: what an item uses, by name
	for _, f := range w.Feeds {
		if f.Enabled {
			feeds[f.Template] = append(feeds[f.Template], used(f, w.Templates[f.Template]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(feeds)) {
		n, by := distinct(feeds[name])
		total += n
		if n > 1 {
			split = append(split, renderingSplit{Template: name, Renderings: n, By: by})
		}
	}
	return total, split
}

// used is the fields and params of a feed that its items show.
func used(f *feed.Feed, t *template.Template) map[string]string {
	out := map[string]string{}
	fields := t.Fields()
	for _, field := range f.Fields {
		if slices.Contains(fields, field.Name) {
			out["fields."+field.Name] = field.Value.Meaning()
		}
	}
	names, all := t.Params()
	for name, value := range f.Params {
		if all || slices.Contains(names, name) {
			out["params."+name] = value
		}
	}
	return out
}

// distinct counts the feeds that differ, and names in what.
func distinct(feeds []map[string]string) (n int, by []string) {
	seen, values := map[string]bool{}, map[string]map[string]bool{}
	for _, f := range feeds {
		seen[fmt.Sprintf("%q", f)] = true
		for name := range f {
			values[name] = map[string]bool{}
		}
	}
	for _, f := range feeds {
		for name, set := range values {
			value, given := f[name]
			set[fmt.Sprint(given, value)] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) > 1 {
			by = append(by, name)
		}
	}
	return len(seen), by
}
