package template

import (
	"slices"
	"testing"
)

func TestDifferences(t *testing.T) {
	schema := allTypes(t)
	const header, footer = `{{define "header"}}<feed>{{end}}`, `{{define "footer"}}</feed>{{end}}`
	base := mustParse(t, header+footer+`{{define "item"}}<i>{{template "s" .}}</i>{{end}}{{define "s"}}{{.offer.id}}{{end}}`, schema, nil)
	for text, want := range map[string][]string{
		base.Text(): nil,
		header + footer + `{{define "item"}}<i>{{ template "s" . }}{{/* c */}}</i>{{end}}{{define "s"}}{{.offer.id}}{{end}}`: nil,
		`{{/* rules: {i: {max: 3}} */}}` + base.Text():                                                                                                                 {"rules"},
		header + footer + `{{define "item"}}<i>{{template "s" .}}</i>{{end}}{{define "s"}}{{.offer.title}}{{end}}`:                                                     {"item"},
		`{{define "header"}}<feed><x/>{{end}}{{define "footer"}}<y/></feed>{{end}}{{define "item"}}<i>{{template "s" .}}</i>{{end}}{{define "s"}}{{.offer.id}}{{end}}`: {"header", "footer"},
	} {
		if got := mustParse(t, text, schema, nil).Differences(base); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
