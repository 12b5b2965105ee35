package source

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/offer"
)

func TestSuggestTypes(t *testing.T) {
	cases := []struct {
		name   string
		values []any
		want   string
	}{
		{"nothing", []any{nil, ""}, "f: string"},
		{"text", []any{"a", "b"}, "f: string"},
		{"whole texts", []any{"1", "-20", ""}, "f: int"},
		{"codes are text", []any{"007", "1"}, "f: string"},
		{"prices", []any{"1.50", "20"}, `f: "decimal(12,2)"`},
		{"long fractions", []any{"1.23456", "2"}, "f: double"},
		{"exponents", []any{"9.78e+12", "2"}, "f: double"},
		{"truths", []any{"yes", "No"}, "f: bool"},
		{"days", []any{"2026-01-02", "2026-12-31"}, "f: date"},
		{"no day", []any{"2026-01-02", "2026-13-31"}, "f: string"},
		{"RFC 3339", []any{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5+08:00"}, "f: timestamp"},
		{"date and time", []any{"2026-01-02 03:04:05"}, `f: {type: timestamp, format: "2006-01-02 15:04:05"}`},
		{"German dates", []any{"31.12.2026"}, `f: {type: date, format: "02.01.2006"}`},
		{"ints", []any{int64(1), nil}, "f: int"},
		{"ints and doubles", []any{int64(1), 1.5}, "f: double"},
		{"exact numbers", []any{offer.Number("12.345"), offer.Number("-1.0")}, `f: "decimal(12,3)"`},
		{"wide exact numbers", []any{offer.Number("1234567890123456.5")}, "f: double"},
		{"bools", []any{true}, "f: bool"},
		{"instants", []any{time.Unix(0, 0).UTC()}, "f: timestamp"},
		{"dates", []any{time.Unix(0, 0).In(offer.Day)}, "f: date"},
		{"lists", []any{[]any{"a"}, []any{}, []any{nil, "b"}}, "f: list(string)"},
		{"structs", []any{map[string]any{"b": int64(1)}, map[string]any{"a": "x"}}, `f: "struct{a: string, b: int}"`},
		{"maps", []any{map[string]any{"a b": int64(1), "c": int64(2)}}, "f: map(int)"},
		{"JSON in a cell", []any{`[{"a": "1"}]`, "[]"}, `f: "list(struct{a: int})"`},
		{"text like JSON", []any{"[sic]"}, "f: string"},
		{"a mixture", []any{"a", int64(1)}, "f: string"},
		{"text and JSON", []any{"a", "[1]"}, "f: string"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var rows []any
			for _, v := range c.values {
				rows = append(rows, map[string]any{"f": v})
			}
			got := Suggest(rows)
			if diff := cmp.Diff(c.want, got.Columns[0].YAML()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSuggestColumns(t *testing.T) {
	rows := []any{
		map[string]any{"name.en": "Tea", "code": "A1", "it's": int64(1), "price": "1.20", "1st": nil},
		map[string]any{"name.en": "Milk", "code": "A2", "it's": int64(2), "price": "1.20", "name_en": "x"},
		"no object",
	}
	want := `columns:
  c_1st: {type: string, value: 'row["1st"]'}
  code: string
  it_s: {type: int, value: 'row["it''s"]'}
  name_en: {type: string, value: 'row["name.en"]'}
  name_en_2: {type: string, value: 'row["name_en"]'}
  price: "decimal(12,2)"
`
	if diff := cmp.Diff(want, Suggest(rows).YAML()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("key: row.code\n"+want, Suggest(rows[:2]).YAML()); diff != "" {
		t.Error(diff)
	}
}

// What is suggested can be loaded: the key is offer.id, which is text, and no column
// of another meaning is called so, or like a word that CEL does not allow after a dot.
func TestSuggestNames(t *testing.T) {
	rows := []any{map[string]any{"id": int64(1), "in": "a", "null": "b"}, map[string]any{"id": int64(2), "in": "a", "null": "b"}}
	want := `key: row.id
columns:
  id: string
  c_in: {type: string, value: 'row["in"]'}
  c_null: {type: string, value: 'row["null"]'}
`
	if diff := cmp.Diff(want, Suggest(rows).YAML()); diff != "" {
		t.Error(diff)
	}
	for _, row := range rows {
		row.(map[string]any)["id"] = int64(1)
	}
	want = strings.Replace(strings.TrimPrefix(want, "key: row.id\n"), "id: string", "c_id: {type: int, value: 'row.id'}", 1)
	if diff := cmp.Diff(want, Suggest(rows).YAML()); diff != "" {
		t.Error(diff)
	}
}
