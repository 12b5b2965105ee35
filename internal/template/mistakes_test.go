package template

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/offer"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// mistakes are items, or whole templates where they begin with a define or a
// comment, that Parse refuses. testdata/mistakes.txt says how.
var mistakes = []string{
	// Words.
	`{{.offer.prise}}`, `{{.offer.shop.nam}}`, `{{.offer.shop.name.x}}`, `{{.ofer.id}}`, `{{.feed.name}}`, `{{.fields.titel}}`,
	`{{.offer.tags.x}}`, `{{range .offer.prices}}{{.grss}}{{end}}`, `{{with .offer.shop}}{{.x}}{{end}}`, `{{$x := .offer.shop}}{{$x.ratng}}`,
	`{{(index .offer.prices 0).gros}}`, `{{index .offer.shop "x"}}`, `{{trunc 5 .offer.title}}`, `{{html .offer.title}}`, `{{print 1}}`, `{{call .offer.id}}`,
	// Types.
	`{{.offer.tags}}`, `{{.offer.shop}}`, `{{.offer.attrs}}`, `{{.offer}}`, `{{.}}`, `{{.params}}`,
	`{{money .offer.title "EUR"}}`, `{{money .offer.price 5}}`, `{{money .offer.price}}`, `{{join .offer.title ","}}`, `{{join .offer.prices ","}}`,
	`{{truncate "5" .offer.title}}`, `{{date "2006" .offer.title}}`, `{{enum .offer.id "a"}}`, `{{enum .offer.tags "a" "b"}}`, `{{len .offer.stock}}`,
	`{{eq .offer.id 1}}`, `{{lt .offer.price "1"}}`, `{{lt .offer.active true}}`, `{{eq .offer.tags .offer.tags}}`, `{{eq .offer.seen "2026-01-01"}}`, `{{eq .offer.id nil}}`,
	`{{date "YYYY-MM-DD" .offer.seen}}`, `{{date "dd.MM.yyyy" .offer.seen}}`, `{{date "%Y-%m-%d" .offer.seen}}`, `{{date "" .offer.seen}}`,
	`{{date "2006-01-DD" .offer.seen}}`, `{{.offer.seen | date "2006-01-02THH:04"}}`,
	`{{range .offer.title}}{{end}}`, `{{range 5}}{{end}}`, `{{index .offer.tags "x"}}`, `{{index .offer.attrs 0}}`, `{{index .offer.tags}}`,
	`{{printf "%d" .offer.title}}`, `{{printf "%s"}}`, `{{printf .offer.title}}`, `{{printf "%*d" 1 2}}`, `{{printf "%T" 1}}`,
	`{{$x := 1}}{{$x = "a"}}`, `{{if ($y := 1)}}{{end}}`, `{{1i}}`, `{{'a'}}`, `{{99999999999999999999}}`, `{{.offer.id .offer.id}}`, `{{lower .offer.id .offer.id}}`,
	`{{lower.x}}`, `{{and .offer.id .offer}}`,
	// Actions.
	`{{block "b" .}}{{end}}`, `{{range .offer.tags}}{{break}}{{end}}`, `{{range .offer.tags}}{{continue}}{{end}}`, `{{template "none" .}}`,
	`{{template "rec" .}}{{define "rec"}}{{template "rec" .}}{{end}}`, `{{template "sub"}}{{define "sub"}}{{end}}`, `{{define "lonely"}}{{.x}}{{end}}`,
	`{{range $x = .offer.tags}}{{end}}`, `{{$x}}`, `{{if}}{{end}}`, `{{if .offer.id}}`, `{{.offer.id`, `{{"a}}`, `{{end}}`,
	`{{offer.title}}`, `{{range .offer.tags}}{{upper offer.title}}{{end}}`, `{{offer}}`, "{{if .offer.active}}x\n<b>{{.offer.title}}</b>", "{{if .offer.active}}{{range .offer.tags}}{{.}}{{end}}\n{{with .offer.id}}{{.}}\n{{end}}",
	`{{- if eq "}}{{end}}" .offer.id -}}{{/* {{end}} */}}`,
	// XML.
	`<a>`, `</a>`, `<a></b>`, `<a b=1/>`, `<a b/>`, `<a b="1" b="2"/>`, `<a b="1"c="2"/>`, `<{{.offer.id}}/>`, `<a {{.offer.id}}="1"/>`, `<a b={{.offer.id}}/>`,
	`<a {{.offer.id}}/>`, `<!-- {{.offer.id}} -->`, `<!-- a -- b -->`, `a & b`, `&nbsp;`, `&#0;`, `&{{.offer.id}};`, `1 < 2`, `a ]]> b`, `{{.offer.id}}>`,
	`<![CDATA[a]{{.offer.id}}]]>`, `<x:id/>`, `<a b="<"/>`, `<!ELEMENT a>`, `<?xml version="1.0"?>`, `<?php {{.offer.id}} ?>`, "a\x01b",
	`{{if .offer.id}}<a>{{end}}`, `{{if .offer.id}}<a>{{else}}<b>{{end}}`, `{{range .offer.tags}}<a>{{end}}`, `<a{{range .offer.tags}} b="1"{{end}}/>`,
	`<a {{template "attrs" .}}/>{{define "attrs"}}b="1"{{end}}`, `{{template "open" .}}{{define "open"}}<a>{{end}}`, `<a b="{{template "t" .}}"/>{{define "t"}}" c="{{end}}`,
	// Name spaces.
	`<a xmlns:x="{{.offer.id}}"/>`, `<a xmlns:x=""/>`, `<a xmlns:xml="u"/>`, `<xmlns:a/>`, `<x:a{{if .offer.id}} xmlns:x="u"{{end}}/>`, `<a{{if .offer.id}} xmlns:x="u"{{end}} xmlns:x="v"/>`,
	`<a{{if .offer.id}} xmlns:x="u"{{end}}><x:b/></a>`, `<a xmlns:x="{{if .offer.id}}u{{end}}"/>`, `<a{{if .offer.id}} b="{{else}} c="{{end}}"/>`,
	`{{template "f" "%d"}}{{template "f" "%s%s"}}{{define "f"}}{{printf . 1}}{{end}}`,
	// Whole templates.
	frame + `{{define "item"}}{{.offer.id}}{{end}}`, frame + `{{define "item"}}text{{end}}`, frame + `{{define "item"}}</feed><feed>{{end}}`,
	frame + `{{define "item"}}<a>{{required "x" .offer.id}}</a>{{end}} text`,
	`{{define "header"}}{{end}}{{define "item"}}<a/>{{end}}{{define "footer"}}{{end}}`,
	`{{define "header"}}<a>{{required "x" .params.x}}{{.feed.nam}}{{.offer.id}}{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}{{end}}`,
	`{{define "header"}}<a><b{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}</a>{{end}}`,
	`{{define "header"}}<a>{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}</a><b/>{{end}}`,
	`{{define "header"}}<a/><a>{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}</a>{{end}}`,
	`{{define "header"}}{{range .params}}<a/>{{end}}<a>{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}</a>{{end}}`,
	`{{define "header"}}<?xml version="1.0" encoding="latin1"?><a>{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}</a>{{end}}`,
	`{{define "header"}}<!-- c --><?xml version="1.0"?><a>{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}</a>{{end}}`,
	`{{define "header"}}<!DOCTYPE a [<!ENTITY x "y">]><a>{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}</a>{{end}}`,
	`{{define "header"}}<!DOCTYPE a SYSTEM><a>{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}</a>{{end}}`,
	`{{define "header"}}<!DOCTYPE a><!DOCTYPE a><a>{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}</a>{{end}}`,
	`{{define "header"}}<?xml version="1.0'?><a>{{end}}{{define "item"}}<i/>{{end}}{{define "footer"}}</a>{{end}}`,
	frame + "\n{{define \"item\"}}<i>{{if .offer.id}}\n{{else}}</i>", frame + "\n{{define \"item\"}}<i>{{if .offer.id}}</i>\n{{end}}\n{{define \"x\"}}{{end}}",
	`{{define "item"}}<a/>{{end}}`, ``, `{{define "x"}}`, frame + frame,
	// Rules.
	`{{/* rules: {titel: {max: 150}} */}}` + itemOf(`<title>{{.offer.title}}</title>`),
	`{{/* rules: {title: {mx: 150, max: 0, required: 3}} */}}` + itemOf(`<title>{{.offer.title}}</title>`),
	itemOf(`<i>{{.offer.title}}</i><i>{{.offer.title</i>`), itemOf(`<i>{{if .offer.title}}{{else if}}{{end}}</i>`),
	`{{/* rules: {title: {max: 150, required: true, max: 70}} */}}` + itemOf(`<title>{{.offer.title}}</title>`),
	`{{/* rules: {title: 3} */}}` + itemOf(`<title>{{.offer.title}}</title>`),
	`{{/* rules: [a] */}}` + itemOf(`<title>{{.offer.title}}</title>`),
	"{{/*\n  rules:\n    title: {max: 3}\n    title: {max: 4}\n    i: [\n*/}}" + itemOf(`<title/>`),
	`{{/* rules: {i: {max: 3}} */}}` + itemOf(`<i><b>{{.offer.title}}</b></i>`),
	`{{/* rules: {b: {max: 3}} */}}` + itemOf(`<i><b/></i><b>{{template "c" .}}</b>{{define "c"}}<c/>{{end}}`),
	`{{/* rules:{title: {max: 3}} */}}` + itemOf(`<title/>`), "{{/* rules:x:\n  title: {max: 3} */}}" + itemOf(`<title>{{.offer.title}}</title>`),
	// Rules that nobody would hold.
	"{{/* about */}}\n{{/* rules: {title: {max: 3}} */}}\n{{/* rules: {nope: {max: 3}} */}}\n" + itemOf(`<title>{{.offer.title}}</title>`),
	`{{/* rules: {title: {max: 3}} */}}` + itemOf(`<title>{{.offer.title}}</title>`) + "\n{{- /* rules:\n  title: {max: 2}\n*/ -}}",
	`{{/* rules: {title: {mx: 3}} */}}` + "\n{{/* rules: {title: {max: 3}} */}}" + itemOf(`<title>{{.offer.title}}</title>`),
	`{{/* rules : {title: {max: 3}} */}}` + itemOf(`<title/>`), `{{/* Rules: {title: {max: 3}} */}}` + itemOf(`<title/>`), `{{/*RULES :{}*/}}` + itemOf(`<title/>`),
	"{{/*\n  Rules:\n    title:\n      max: 3\n*/}}" + itemOf(`<title/>`), "{{/* Titles are short.\n   rules: {title: {max: 3}} */}}" + itemOf(`<title/>`),
	`{{/* rule: {title: {max: 3}} */}}` + itemOf(`<title/>`), `{{/* "rules": {title: {max: 3}} */}}` + itemOf(`<title/>`), `{{/* rules = {title: {max: 3}} */}}` + itemOf(`<title/>`),
	"{{/*\u00a0rules: {title: {max: 3}} */}}" + itemOf(`<title/>`), `{{/** rules: {title: {max: 3}} */}}` + itemOf(`<title/>`),
	`{{/* about */}}` + itemOf("\n{{/* rules: {title: {max: 3}} */}}<title/>"),
	`{{/* about */}}` + itemOf("{{if .offer.id}}{{range .offer.tags}}{{else}}{{with .offer.id}}\n{{/* Rules : {title: {max: 3}} */}}{{end}}{{end}}{{end}}<title/>"),
}

func TestMistakes(t *testing.T) {
	schema := allTypes(t)
	fields := map[string]offer.Type{"title": {Kind: offer.String}}
	var got bytes.Buffer
	for _, m := range mistakes {
		text := m
		if !strings.HasPrefix(m, `{{/*`) && !strings.Contains(m, `{{define "item"}}`) && !strings.HasPrefix(m, `{{define "x"`) && m != "" && m != frame+frame {
			text = strings.ReplaceAll(itemOf(inElement(m)), "{{define", "\n{{define")
		}
		_, found := parseText(text, schema, fields)
		if len(found) == 0 {
			t.Errorf("no mistake in %s", m)
		}
		fmt.Fprintf(&got, "%s\n%v\n\n", m, found)
	}
	golden(t, "testdata/mistakes.txt", got.Bytes())
}

// A comment that only speaks of rules is none with rules.
func TestCommentsAboutRules(t *testing.T) {
	for _, c := range []string{
		"rules", "Rules of the partner", "Rules: see the partner's page", "rules of {braces}: none", "rules {title: {max: 3}}", "the rules: {title: {max: 3}}",
		"rulesets: {a: b}", "Rules:\n  titles are short, max: see the page,\n  required: id", "was: rules: {title: {max: 3}}", "ground rules:\n  title: {max: 3}",
	} {
		for _, text := range []string{"{{/* " + c + " */}}" + itemOf(`<t/>`), itemOf("{{/* " + c + " */}}<t/>")} {
			if tmpl := mustParse(t, "{{/* rules: {t: {max: 3}} */}}"+text, allTypes(t), nil); len(tmpl.rules) != 1 {
				t.Errorf("%s: rules %v", text, tmpl.rules)
			}
		}
	}
}

// Rules count wherever they stand outside of the blocks.
func TestRulesBelow(t *testing.T) {
	for _, text := range []string{frame + `{{/* rules: {t: {max: 3}} */}}{{define "item"}}<t/>{{end}}`, itemOf(`<t/>`) + "\n{{- /*\n\trules: {t: {max: 3}}*/}}\n"} {
		if tmpl := mustParse(t, text, allTypes(t), nil); len(tmpl.rules) != 1 {
			t.Errorf("%s: rules %v", text, tmpl.rules)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// A field is unknown at first and checked when a feed uses the template.
func TestCheckFields(t *testing.T) {
	tmpl := mustParse(t, itemOf(`<i>{{.fields.price}}{{money .fields.price "EUR"}}</i>`), allTypes(t), nil)
	if diff := cmp.Diff([]string{"price"}, tmpl.Fields()); diff != "" {
		t.Error(diff)
	}
	if found := tmpl.Check(map[string]offer.Type{"price": {Kind: offer.Double}}); len(found) > 0 {
		t.Error(found)
	}
	for _, fields := range []map[string]offer.Type{{}, {"price": {Kind: offer.String}}, {"prices": {Kind: offer.Double}}} {
		if found := tmpl.Check(fields); len(found) == 0 {
			t.Errorf("no mistake with fields %v", fields)
		}
	}
}

// What a feed's fields lack is known by name and place, and a field of an unknown
// type may be anything.
func TestAbsent(t *testing.T) {
	tmpl := mustParse(t, itemOf(`<i>{{with .fields}}{{.price}}{{end}}{{.fields.price}}{{range .fields.tags}}{{.}}{{end}}</i>`), allTypes(t), nil)
	for _, c := range []struct {
		fields map[string]offer.Type
		absent []string
	}{
		{map[string]offer.Type{"price": {Kind: Unknown}, "tags": {Kind: Unknown}}, nil},
		{map[string]offer.Type{"price": {Kind: offer.Double}}, []string{"tags"}},
		{map[string]offer.Type{"tags": {Kind: offer.String}}, []string{"price"}},
		{map[string]offer.Type{}, []string{"price", "tags"}},
	} {
		absent := tmpl.Absent(c.fields)
		if diff := cmp.Diff(c.absent, slices.Sorted(maps.Keys(absent))); diff != "" {
			t.Errorf("%v: %s", c.fields, diff)
		}
		if d, found := absent["price"]; found && (d.Line != 1 || d.Source[d.Col-1:d.Col-1+d.Length] != "price") {
			t.Errorf("price is at %d:%d", d.Line, d.Col)
		}
		if found := tmpl.Check(c.fields); len(found) == 0 != (c.absent == nil) {
			t.Errorf("%v: %v", c.fields, found)
		}
	}
}
