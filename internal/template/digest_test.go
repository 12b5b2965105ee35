package template

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

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

// What an item reads of the params splits renderings: names, or all of them.
func TestParams(t *testing.T) {
	schema := allTypes(t)
	for _, c := range []struct {
		item string
		want []string
		all  bool
	}{
		{`{{.offer.id}}`, nil, false},
		{`{{.params.a}}{{with $p := .params.b}}{{$p}}{{$.params.c}}{{end}}`, []string{"a", "b", "c"}, false},
		{`{{template "s" .params}}{{define "s"}}{{.a}}{{end}}`, []string{"a"}, false},
		{`{{index .params "a"}}`, []string{"a"}, false},
		{`{{index .params .offer.id}}`, nil, true},
		{`{{range .params}}{{.}}{{end}}`, nil, true},
		{`{{if .params}}x{{end}}`, nil, true},
		{`{{with $p := .params}}{{$p.a}}{{end}}`, []string{"a"}, true},
	} {
		names, all := mustParse(t, itemOf(inElement(c.item)), schema, nil).Params()
		if diff := cmp.Diff(c.want, names); diff != "" || all != c.all {
			t.Errorf("%s: all %v\n%s", c.item, all, diff)
		}
	}
}

// A byte order mark before a template is none of its text.
func TestByteOrderMark(t *testing.T) {
	text := itemOf(`<i>{{.offer.id}}</i>`)
	with, without := mustParse(t, "\ufeff"+text, allTypes(t), nil), mustParse(t, text, allTypes(t), nil)
	if with.DocumentDigest() != without.DocumentDigest() {
		t.Error("the digests differ")
	}
	if _, mistakes := parseText("\ufeff"+itemOf(`<i>{{.offer.titel}}</i>`), allTypes(t), nil); len(mistakes) != 1 || mistakes[0].Col != len(frame)+len(`{{define "item"}}<i>{{.offer.`)+1 {
		t.Errorf("got %v", mistakes)
	}
}
