package template

import "testing"

func TestDigests(t *testing.T) {
	schema := allTypes(t)
	base := mustParse(t, itemOf(`<i>{{template "s" .}}</i>{{define "s"}}{{.offer.id}}{{end}}`), schema, nil)
	for _, c := range []struct {
		name, text          string
		sameItem, sameWhole bool
	}{
		{"same", itemOf(`<i>{{template "s" .}}</i>{{define "s"}}{{.offer.id}}{{end}}`), true, true},
		{"another layout of the action", itemOf(`<i>{{  template "s" . }}</i>{{define "s"}}{{ .offer.id }}{{end}}`), true, true},
		{"a comment", itemOf(`<i>{{/* c */}}{{template "s" .}}</i>{{define "s"}}{{.offer.id}}{{end}}`), true, true},
		{"rules", "{{/* rules: {i: {max: 3}} */}}" + itemOf(`<i>{{template "s" .}}</i>{{define "s"}}{{.offer.id}}{{end}}`), false, false},
		{"item", itemOf(`<i a="">{{template "s" .}}</i>{{define "s"}}{{.offer.id}}{{end}}`), false, false},
		{"a block of the item", itemOf(`<i>{{template "s" .}}</i>{{define "s"}}{{.offer.title}}{{end}}`), false, false},
		{"header", `{{define "header"}}<feed><x/>{{end}}{{define "footer"}}</feed>{{end}}{{define "item"}}<i>{{template "s" .}}</i>{{end}}{{define "s"}}{{.offer.id}}{{end}}`, true, false},
	} {
		other := mustParse(t, c.text, schema, nil)
		if got := other.Digest() == base.Digest(); got != c.sameItem {
			t.Errorf("%s: same item %v", c.name, got)
		}
		if got := other.DocumentDigest() == base.DocumentDigest(); got != c.sameWhole {
			t.Errorf("%s: same document %v", c.name, got)
		}
	}
}
