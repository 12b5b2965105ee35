package template

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// schemaOf reads "name: type" lines.
func schemaOf(t testing.TB, lines string) offer.Schema {
	t.Helper()
	var schema offer.Schema
	for line := range strings.Lines(lines) {
		name, text, found := strings.Cut(strings.TrimSpace(line), ":")
		if !found {
			continue
		}
		typ, err := offer.ParseType(strings.TrimSpace(text))
		if err != nil {
			t.Fatalf("type of %s: %v", name, err)
		}
		schema = append(schema, offer.Field{Name: name, Type: typ})
	}
	return schema
}

// allTypes has a column of every type.
func allTypes(t testing.TB) offer.Schema {
	return schemaOf(t, `
		id: string
		title: string
		price: decimal(12,2)
		weight: double
		stock: int
		active: bool
		seen: timestamp
		day: date
		tags: list(string)
		sizes: list(int)
		attrs: map(string)
		shop: struct{name: string, rating: double, hours: list(string)}
		prices: list(struct{currency: string, gross: decimal(10,4)})
	`)
}

// A full row, one of nulls, and one of values that are false.
const allRows = `[
	{"id": "a1", "title": "Tea & <b>Cake</b>", "price": "12.30", "weight": 0.5, "stock": 7, "active": true,
	 "seen": "2026-01-02T03:04:05.600000Z", "day": "2026-05-06", "tags": ["new", null, "hot"], "sizes": [3, 5],
	 "attrs": [{"key": "colour", "value": "red"}, {"key": "a-b", "value": "x"}],
	 "shop": {"name": "O'Hara", "rating": 4, "hours": ["9-5"]},
	 "prices": [{"currency": "EUR", "gross": "9.9950"}, {"currency": "CHF", "gross": null}]},
	{"id": "nulls"},
	{"id": "false", "title": "", "price": "0.00", "weight": 0, "stock": 0, "active": false, "tags": [], "attrs": [],
	 "shop": {"name": "", "rating": null, "hours": []}, "prices": []}
]`

func batchOf(t testing.TB, schema offer.Schema, rows string) arrow.RecordBatch {
	t.Helper()
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema.Arrow(), strings.NewReader(rows))
	if err != nil {
		t.Fatalf("rows: %v", err)
	}
	return batch
}

const frame = `{{define "header"}}<feed xmlns:g="urn:g">{{end}}{{define "footer"}}</feed>{{end}}`

// itemOf is a template with the given item; definitions behind it stay outside.
func itemOf(item string) string {
	item, definitions, found := strings.Cut(item, "{{define")
	if found {
		definitions = "{{define" + definitions
	}
	return frame + `{{define "item"}}` + item + `{{end}}` + definitions
}

func parseText(text string, schema offer.Schema, fields map[string]offer.Type) (*Template, diag.List) {
	return Parse(diag.NewFile("feed.xml", []byte(text)), schema, fields)
}

func mustParse(t testing.TB, text string, schema offer.Schema, fields map[string]offer.Type) *Template {
	t.Helper()
	tmpl, mistakes := parseText(text, schema, fields)
	if len(mistakes) > 0 {
		t.Fatalf("parse %s:\n%v", text, mistakes)
	}
	return tmpl
}
