package source

import (
	"maps"
	"slices"
)

// Fields says which of the fields that a source reads occurred in a file. It is
// plain data.
type Fields struct {
	Present []string `json:"present,omitempty"` // occurred in a row, even as null
	Objects []string `json:"objects,omitempty"` // had fields below them in a row
}

// A sighting notes what occurred of a tree's nodes.
type sighting struct {
	present, objects []bool // by node id
}

func newSighting(t *tree) *sighting {
	return &sighting{present: make([]bool, len(t.nodes)), objects: make([]bool, len(t.nodes))}
}

// object notes that a node was an object, where it matters.
func (s *sighting) object(n *node) {
	if len(n.children) > 0 {
		s.objects[n.id] = true
	}
}

func (s *sighting) addTo(f *Fields, t *tree) {
	f.Present = append(f.Present, t.sortedPaths(s.present)...)
	f.Objects = append(f.Objects, t.sortedPaths(s.objects)...)
}

// Missing returns the fields that the source's expressions read and that none of
// the files had, unless they are optional: the shortest missing prefix of each,
// sorted. What stands below a field that was null in all rows is not missing,
// and nothing is when there were no rows.
func (s *Source) Missing(seen ...Fields) []string {
	present, objects := map[string]bool{}, map[string]bool{}
	for _, f := range seen {
		note(present, f.Present)
		note(objects, f.Objects)
	}
	missing := map[string]bool{}
	for _, n := range s.needs {
		if path := firstMissing(n, present, objects); path != "" {
			missing[path] = true
		}
	}
	return slices.Sorted(maps.Keys(missing))
}

func note(set map[string]bool, paths []string) {
	for _, p := range paths {
		set[p] = true
	}
}

// A need is a field that an expression reads, with the one that stands in for
// it where the first is absent.
type need struct {
	field, instead *node
	optional       bool
}

func firstMissing(n need, present, objects map[string]bool) string {
	if n.optional {
		return ""
	}
	path := missingAt(n.field, present, objects)
	if n.instead != nil && missingAt(n.instead, present, objects) == "" {
		return ""
	}
	return path
}

// missingAt returns the shortest prefix of a field's path that was absent from
// all objects that could have had it.
func missingAt(n *node, present, objects map[string]bool) string {
	if n.parent == nil {
		return ""
	}
	if path := missingAt(n.parent, present, objects); path != "" {
		return path
	}
	if present[n.path] || !objects[n.parent.path] {
		return ""
	}
	return n.path
}
