package template

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A writer writes random templates and offers.
type writer struct {
	*rand.Rand
	vars int
}

// A view is what may be named where an expression stands, by kind.
type view map[string][]string

var wholeView = view{
	"string": {"$.offer.id", "$.offer.title", "$.offer.shop.name", "$.offer.attrs.colour", "$.params.p", "$.params.none", `(index $.offer.attrs "a-b")`, "(index $.offer.prices 0).currency"},
	"int":    {"$.offer.stock"}, "double": {"$.offer.weight", "$.offer.shop.rating"}, "decimal": {"$.offer.price", `(index $.offer.prices 1 "gross")`},
	"bool": {"$.offer.active"}, "timestamp": {"$.offer.seen"}, "date": {"$.offer.day"}, "strings": {"$.offer.tags", "$.offer.shop.hours"}, "ints": {"$.offer.sizes"},
	"map": {"$.offer.attrs"}, "struct": {"$.offer.shop"}, "structs": {"$.offer.prices"},
}

var (
	shopView  = view{"string": {".name"}, "double": {".rating"}, "strings": {".hours"}}
	priceView = view{"string": {".currency"}, "decimal": {".gross"}}
)

var constants = view{
	"string": {`"x"`, `""`, `"red"`, `"a<b"`}, "int": {"0", "1", "7", "-1"}, "double": {"0.5", "12.3", "4.0"}, "bool": {"true", "false"},
	"strings": {"$.offer.tags"}, "ints": {"$.offer.sizes"}, "map": {"$.offer.attrs"}, "struct": {"$.offer.shop"}, "structs": {"$.offer.prices"},
	"decimal": {"$.offer.price"}, "timestamp": {"$.offer.seen"}, "date": {"$.offer.day"},
}

func (w *writer) one(of ...string) string { return of[w.IntN(len(of))] }

func (v view) with(kind, name string) view {
	out := view{}
	for k, names := range v {
		out[k] = names
	}
	out[kind] = append([]string{name}, out[kind]...)
	return out
}

// moved is the view where dot is another value.
func (v view) moved() view {
	out := view{}
	for kind, names := range v {
		for _, name := range names {
			if name[0] != '.' {
				out[kind] = append(out[kind], name)
			}
		}
	}
	return out
}

func (v view) plus(other view) view {
	out := v
	for kind, names := range other {
		for _, name := range names {
			out = out.with(kind, name)
		}
	}
	return out
}

var scalarKinds = []string{"string", "string", "int", "double", "decimal", "bool", "timestamp", "date"}

// expr is an expression of a kind, in parentheses where it needs them.
func (w *writer) expr(v view, kind string, depth int) string {
	if depth == 0 || w.IntN(3) == 0 {
		if names := v[kind]; len(names) > 0 && w.IntN(4) > 0 {
			return w.one(names...)
		}
		return w.one(constants[kind]...)
	}
	sub := func(kinds ...string) string { return w.expr(v, w.one(kinds...), depth-1) }
	switch w.IntN(4) {
	case 0:
		return fmt.Sprintf("(%s %s %s)", w.one("or", "and"), sub(kind), sub(kind))
	case 1:
		return fmt.Sprintf("(default %s %s)", sub(kind), sub(kind))
	}
	switch kind {
	case "string":
		return w.text(v, sub)
	case "int":
		return w.one("("+sub("int")+" | default 5)", "(len "+sub("strings", "map", "string", "ints")+")", "(index "+sub("ints")+" "+sub("int")+")")
	case "bool":
		return w.condition(sub)
	default:
		return w.expr(v, kind, 0)
	}
}

func (w *writer) text(_ view, sub func(...string) string) string {
	return "(" + w.one(
		"truncate "+w.one("0", "3", "9", "-1")+" "+sub(scalarKinds...),
		w.one("lower", "upper", "urlquery", "striphtml")+" "+sub(scalarKinds...),
		"money "+sub("int", "double", "decimal")+" "+sub("string"),
		"join "+sub("strings", "ints")+" "+sub("string"),
		`date "02.01.06 15:04" `+sub("timestamp", "date"),
		"enum "+sub(scalarKinds...)+" "+sub("string")+" "+sub("string")+` "7" "seven"`,
		"index "+sub("strings")+" "+sub("int"),
		"index "+sub("map")+" "+sub("string"),
		`printf "%s, %v" `+sub(scalarKinds...)+" "+sub(scalarKinds...),
		sub(scalarKinds...)+" | "+w.one("lower", "truncate 4", "striphtml | upper"),
		sub("string")+" | default "+sub("string"),
	) + ")"
}

func (w *writer) condition(sub func(...string) string) string {
	families := [][]string{{"string"}, {"int", "double", "decimal"}, {"timestamp", "date"}}
	family := families[w.IntN(len(families))]
	return "(" + w.one(
		"not "+sub(append(scalarKinds, "strings", "map", "struct")...),
		w.one("eq", "ne", "lt", "le", "gt", "ge")+" "+sub(family...)+" "+sub(family...),
		"eq "+sub(family...)+" "+sub(family...)+" "+sub(family...),
		w.one("eq", "ne")+" "+sub("bool")+" "+sub("bool"),
	) + ")"
}

// body is some of what may stand in an element.
func (w *writer) body(v view, depth int) string {
	var b strings.Builder
	for range 1 + w.IntN(3) {
		b.WriteString(w.statement(v, depth))
	}
	return b.String()
}

func (w *writer) statement(v view, depth int) string {
	value := func() string { return "{{" + w.expr(v, w.one(scalarKinds...), 2) + "}}" }
	if depth == 0 {
		return w.one(value(), " t ", value())
	}
	inner := func(v view) string { return w.body(v, depth-1) }
	test := func() string { return w.expr(v, w.one(append(scalarKinds, "strings", "map", "struct")...), 2) }
	switch w.IntN(9) {
	case 0:
		return "<e a=\"" + value() + "-" + value() + "\">" + inner(v) + "</e>"
	case 1:
		return "<c><![CDATA[" + value() + " " + value() + "]]></c>"
	case 2:
		return "{{if " + test() + "}}" + inner(v) + "{{else if " + test() + "}}" + inner(v) + "{{else}}" + inner(v) + "{{end}}"
	case 3:
		kind := w.one(scalarKinds...)
		return "{{with " + w.expr(v, kind, 1) + "}}" + inner(v.moved().with(kind, ".")) + "{{else}}" + inner(v) + "{{end}}"
	case 4:
		return "{{with " + w.expr(v, "struct", 1) + "}}" + inner(v.moved().plus(shopView)) + "{{end}}"
	case 5:
		return w.loop(v, inner)
	case 6:
		return w.variable(v, inner)
	case 7:
		return `{{template "s" ` + w.expr(v, "struct", 1) + `}}<e a="{{template "s" ` + w.expr(v, "struct", 0) + `}}"/>`
	default:
		return value()
	}
}

func (w *writer) loop(v view, inner func(view) string) string {
	w.vars++
	key, elem := fmt.Sprintf("$k%d", w.vars), fmt.Sprintf("$e%d", w.vars)
	switch w.IntN(4) {
	case 0:
		return "{{range " + w.expr(v, "strings", 1) + "}}" + inner(v.moved().with("string", ".")) + "{{else}}" + inner(v) + "{{end}}"
	case 1:
		return "{{range " + key + ", " + elem + " := " + w.expr(v, "map", 1) + "}}" + inner(v.moved().with("string", key).with("string", elem)) + "{{end}}"
	case 2:
		return "{{range " + elem + " := " + w.expr(v, "ints", 1) + "}}" + inner(v.moved().with("int", elem).with("int", ".")) + "{{end}}"
	default:
		return "{{range " + key + ", " + elem + " := " + w.expr(v, "structs", 1) + "}}" + inner(v.moved().plus(priceView).with("int", key)) + "{{end}}"
	}
}

func (w *writer) variable(v view, inner func(view) string) string {
	w.vars++
	kind, name := w.one(scalarKinds...), fmt.Sprintf("$v%d", w.vars)
	text := "{{" + name + " := " + w.expr(v, kind, 2) + "}}"
	v = v.with(kind, name)
	if w.IntN(2) == 0 {
		text += "{{if " + w.expr(v, "bool", 1) + "}}{{" + name + " = " + w.expr(v, kind, 1) + "}}{{end}}"
	}
	return text + "{{" + name + "}}" + inner(v)
}

func (w *writer) template() string {
	return itemOf("<i>" + w.body(wholeView, 3) + "{{template \"s\" $.offer.shop}}</i>{{define \"s\"}}" + w.one("{{.name}}{{.rating}}", "{{with .hours}}{{len .}}{{end}}|{{default \"-\" .name}}", "{{if .}}s{{end}}{{join .hours .name}}") + "{{end}}")
}

// offer is a random offer of allTypes, as JSON takes it and as the oracle does.
func (w *writer) offer() (raw map[string]any, seen object) {
	raw, seen = map[string]any{}, object{}
	set := func(name string, json, value any) {
		if w.IntN(4) > 0 {
			raw[name], seen[name] = json, value
		}
	}
	word := func() string {
		return w.one("", "x", "red", "Tea & <b>Cake</b>", "ÄÖß\x01 é", "]]>", "a\tb\r\n", "7", "1 > 0]")
	}
	decimal := w.one("0.00", "12.30", "-0.05", "1234.50")
	at := time.Date(2026, 1, 2, 3, 4, w.IntN(60), 600_000_000, time.UTC)
	id, title, f, n, yes := word(), word(), float64(w.IntN(100))/8, int64(w.IntN(9))-1, w.IntN(2) == 0
	set("id", id, id)
	set("title", title, title)
	set("price", decimal, amount(decimal))
	set("weight", f, f)
	set("stock", n, n)
	set("active", yes, yes)
	set("seen", at.Format(time.RFC3339Nano), at)
	set("day", "2026-01-02", midnight{time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)})
	rawTags, tags, sizes := []any{}, []any{}, []any{}
	for range w.IntN(4) {
		var v any = word()
		if w.IntN(4) == 0 {
			v = nil
		}
		rawTags, tags, sizes = append(rawTags, v), append(tags, v), append(sizes, int64(w.IntN(5)))
	}
	set("tags", rawTags, tags)
	set("sizes", sizes, sizes)
	colour, other := word(), word()
	set("attrs", []any{map[string]any{"key": "colour", "value": colour}, map[string]any{"key": "a-b", "value": other}}, map[string]any{"colour": colour, "a-b": other})
	name, rating := word(), 4.25
	set("shop", map[string]any{"name": name, "rating": rating, "hours": rawTags}, object{"name": name, "rating": rating, "hours": tags})
	set("prices", []any{map[string]any{"currency": "EUR", "gross": "9.9950"}, map[string]any{"currency": name, "gross": nil}},
		[]any{object{"currency": "EUR", "gross": amount("9.9950")}, object{"currency": name, "gross": nil}})
	return raw, seen
}

// Random templates render random offers as the oracle does.
func TestRendererIsTheOracle(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := &writer{Rand: rand.New(rand.NewPCG(seed, 0))}
	schema := allTypes(t)
	written, tried := 0, shorter(300, 60)
	for range tried {
		text := w.template()
		tmpl, found := parseText(text, schema, nil)
		if len(found) > 0 && strings.Contains(found.Error(), "cannot become decimal") {
			continue // of another scale
		}
		if len(found) > 0 {
			t.Fatalf("%s:\n%v", text, found)
		}
		trees, err := parseTrees(text, parse.SkipFuncCheck)
		if err != nil {
			t.Fatal(err)
		}
		params := map[string]string{"p": w.one("", "x", "a&b")}
		var raw []map[string]any
		var want []string
		for range 20 {
			row, seen := w.offer()
			o := &oracle{trees: trees}
			o.block(itemBlock, object{"offer": seen, "params": map[string]any{"p": params["p"]}})
			raw, want = append(raw, row), append(want, o.out.String()+"\n")
		}
		rows, err := json.Marshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		batch := batchOf(t, tmpl.schema, string(rows))
		asByText(t, tmpl, text, params, batch)
		batch.Release()
		for i, got := range renderEach(t, tmpl, string(rows), params, len(raw)) {
			if diff := cmp.Diff(want[i], got); diff != "" {
				t.Fatalf("%s\n%s\n(-oracle +renderer):\n%s", text, mustJSON(t, raw[i]), diff)
			}
			written += len(got)
		}
	}
	if written < tried*1000 {
		t.Errorf("only %d bytes were compared", written)
	}
}

func renderEach(t *testing.T, tmpl *Template, rows string, params map[string]string, n int) (items []string) {
	t.Helper()
	batch := batchOf(t, tmpl.schema, rows)
	defer batch.Release()
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	var out Items
	if err := tmpl.Renderer(params).Items(&out, batch, nil, all); err != nil {
		t.Fatal(err)
	}
	from := 0
	for _, end := range out.Ends {
		items = append(items, string(out.Data[from:end]))
		from = end
	}
	return items
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
