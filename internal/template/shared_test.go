package template

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
)

// renamed is a batch whose columns have other names: fields that stand for other
// columns than their names say.
func renamed(batch arrow.RecordBatch, names map[string]string) arrow.RecordBatch {
	var fields []arrow.Field
	var columns []arrow.Array
	for name, of := range names {
		at := batch.Schema().FieldIndices(of)[0]
		field := batch.Schema().Field(at)
		field.Name = name
		fields, columns = append(fields, field), append(columns, batch.Column(at))
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, batch.NumRows())
}

// Renderers of other templates, params, fields and rules share, and none gets what
// is another's.
func TestSharedAmongTemplates(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	pieces := []string{
		`{{.offer.title}}`, `<a b="{{.offer.title}}"/>`, `<![CDATA[{{.offer.title}} ]]>`, `{{striphtml .offer.title | truncate 3}}`, `{{.fields.title}}`, `{{.fields.id}}`,
		`{{default .fields.title .params.p}}`, `{{with .params.p}}{{.}}{{$.fields.title}}{{end}}`, `{{range .offer.tags}}<title>{{.}}</title>{{end}}`,
		`{{if $.offer.stock}}<id>{{$.fields.id}}</id>{{end}}`, `{{required "t" .fields.title}}`, `{{$x := .fields.title}}{{if .offer.id}}{{$x}}{{end}}`,
		`<b c="{{with .offer.title}}{{.}}{{end}}">{{with .offer.title}}{{.}}{{end}}</b>`, `{{range $i, $t := .offer.tags}}{{$i}}{{$t}}{{$.params.q}}{{end}}`,
		`{{template "s" .offer.title}}`, `{{with .params}}{{.p}}{{end}}`, `{{range $k, $v := .params}}{{$v}}{{end}}`,
		`{{if .offer.stock}}<title a="1">{{else}}<title a="2">{{end}}{{.fields.id}}</title>`, `<title>{{.offer.id}}{{if .offer.stock}}</title><title>{{end}}{{.fields.title}}</title>`,
		`<title>{{.fields.id}}<id>{{.offer.title}}</id></title>`, `<title>`, `</title>`,
	}
	batch := batchOf(t, allTypes(t), `[{"id": "a", "title": "é <b>x</b>", "tags": ["x", "日本語"], "stock": 3}, {"id": "b<", "title": " "}, {"title": "\u0001\u2028", "tags": []},
		{"title": "a long title", "tags": ["", " ", "1"]}, {"id": "a]]>", "title": "&&&&", "stock": 1}]`)
	defer batch.Release()
	parsed := 0
	for range 800 {
		shared := NewShared()
		var renderers []*Renderer
		var wants []Items
		var fields []arrow.RecordBatch
		rows := []int{0, 1, 2, 3, 4}[random.IntN(3):]
		usual := []string{}
		for range random.IntN(8) {
			usual = append(usual, one(pieces...)+one("", "\n", " - "))
		}
		for range 4 {
			body := ""
			for _, piece := range usual {
				body += one(piece, piece, piece, one(pieces...))
			}
			if body == "" {
				body = one(pieces...)
			}
			source := itemOf(`<i>` + body + `</i>`)
			if strings.Contains(body, `"s"`) {
				source += `{{define "s"}}{{.}}` + one("", "!") + `{{end}}`
			}
			source = one("", `{{/* rules: {title: {max: 2}} */}}`, `{{/* rules: {id: {required: true}} */}}`) + source
			tmpl, found := Parse(&diag.File{Name: "t.xml", Lines: strings.Split(source, "\n")}, allTypes(t), nil)
			if len(found) > 0 {
				continue
			}
			parsed++
			params := []map[string]string{nil, {"p": "1"}, {"p": "<2>", "q": "q"}}[random.IntN(3)]
			names := map[string]string{"title": one("title", "id"), "id": one("id", "title")}
			record := renamed(batch, names)
			renderers, fields = append(renderers, shared.Renderer(tmpl, params, names)), append(fields, record)
			wants = append(wants, byText(t, tmpl, params, batch, record, rows))
		}
		shared.Next(rows[0], 5)
		for i, r := range renderers {
			var got Items
			if err := r.Items(&got, batch, fields[i], rows); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wants[i], written(got)); diff != "" {
				t.Fatalf("renderer %d (-alone +shared):\n%s", i, diff)
			}
		}
	}
	if parsed < 500 {
		t.Errorf("only %d templates were right", parsed)
	}
}

// What one turn rendered is not what the next shows.
func TestSharedNext(t *testing.T) {
	tmpl, found := Parse(&diag.File{Name: "t.xml", Lines: strings.Split(itemOf(`<i>{{.offer.id}}</i>`), "\n")}, allTypes(t), nil)
	if len(found) > 0 {
		t.Fatal(found)
	}
	shared := NewShared()
	renderers := []*Renderer{shared.Renderer(tmpl, nil, nil), shared.Renderer(tmpl, nil, nil)}
	for i := range 3 {
		batch := batchOf(t, tmpl.schema, fmt.Sprintf(`[{"id": "a%d"}, {"id": "b%d"}]`, i, i))
		shared.Next(i%2, 1)
		for _, r := range renderers {
			var got Items
			if err := r.Items(&got, batch, nil, []int{i % 2}); err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("<i>%c%d</i>\n", "ab"[i%2], i); string(got.Data) != want {
				t.Errorf("%q, want %q", got.Data, want)
			}
		}
		batch.Release()
	}
}

// Texts without tags that renderers have in different atoms are those of each offer,
// wherever the dot is.
func TestMemo(t *testing.T) {
	schema := allTypes(t)
	shared := NewShared()
	var templates []*Template
	var renderers []*Renderer
	for _, body := range []string{
		`{{striphtml .offer.title}}`,
		`<a>{{truncate 3 (striphtml .offer.title)}}</a>`,
		`{{with .offer.title}}{{truncate 4 (striphtml .)}}{{with $.offer.id}}{{striphtml .}}{{end}}{{striphtml .}}{{end}}`,
		`{{.offer.title | striphtml | upper}}{{striphtml .offer.shop.name}}`,
		`{{range .offer.tags}}{{striphtml .}},{{end}}{{with .offer.shop}}{{striphtml .name}}{{end}}{{striphtml $.offer.title | lower}}`,
		`{{with $x := .offer.title}}{{striphtml $x}}{{end}}{{template "t" .offer.id}}`,
		`{{if .offer.title}}{{template "t" .offer.title}}{{striphtml .offer.stock}}{{end}}`,
	} {
		source := itemOf(`<i>`+body+`</i>`) + "\n" + `{{define "t"}}{{striphtml .}}{{end}}`
		if !strings.Contains(body, `"t"`) {
			source = itemOf(`<i>` + body + `</i>`)
		}
		tmpl, found := Parse(&diag.File{Name: "t.xml", Lines: strings.Split(source, "\n")}, schema, nil)
		if len(found) > 0 {
			t.Fatal(found)
		}
		templates, renderers = append(templates, tmpl), append(renderers, shared.Renderer(tmpl, nil, nil))
	}
	for turn := range 3 {
		batch := batchOf(t, schema, fmt.Sprintf(`[
			{"id": "<b>a</b>%[1]d", "title": "<p>One</p> &amp; %[1]d", "tags": ["<i>x</i>", "y"], "shop": {"name": "A <b>shop</b>"}, "stock": %[1]d},
			{"id": "b", "title": "plain %[1]d", "tags": [], "shop": {"name": "plain"}, "stock": null}, {"id": "c", "title": null}, {"id": "d", "title": "<br>"}]`, turn))
		shared.Next(0, 4)
		for i, r := range renderers {
			var got Items
			if err := r.Items(&got, batch, nil, []int{0, 1, 2, 3}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(byText(t, templates[i], nil, batch, nil, []int{0, 1, 2, 3}), written(got)); diff != "" {
				t.Errorf("turn %d, renderer %d (-alone +shared):\n%s", turn, i, diff)
			}
		}
		batch.Release()
	}
	if users := shared.memos["offer.title"].users; users != 6 {
		t.Errorf("%d ask for the title without tags, want 6", users)
	}
}

// BenchmarkTwentyRenderings renders offers in 20 renderings of two templates that
// differ in a parameter, as generate does: item by item, with the CRC of each.
func BenchmarkTwentyRenderings(b *testing.B) {
	schema := allTypes(b)
	var raw []string
	for i := range 1024 {
		raw = append(raw, fmt.Sprintf(`{"id": "offer-%d", "title": "A fine thing & a %d", "price": "%d.90", "stock": %d, "active": true, "seen": "2026-01-02T03:04:05Z",
			"tags": ["https://example.org/%d.jpg", "https://example.org/%d-b.jpg"], "shop": {"name": "Shop %d"}, "attrs": [{"key": "colour", "value": "red"}, {"key": "text", "value": %q}]}`,
			i, i, i+1, i%3, i, i, i%7, strings.Repeat(fmt.Sprintf("<p>It does <b>this</b> &amp; that, %d times.</p> ", i), 12)))
	}
	batch := batchOf(b, schema, "["+strings.Join(raw, ",")+"]")
	defer batch.Release()
	rows := make([]int, batch.NumRows())
	for i := range rows {
		rows[i] = i
	}
	var templates []*Template
	for _, prefix := range []string{"g:", ""} {
		body := `{{with index .offer.tags 0}}<P:image_link>{{.}}</P:image_link>{{end}}{{range .offer.tags}}<P:additional_image_link>{{.}}</P:additional_image_link>{{end}}
<P:price>{{money .offer.price "EUR"}}</P:price><P:availability>{{if gt .offer.stock 0}}in_stock{{else}}out_of_stock{{end}}</P:availability>
<P:description>{{striphtml .offer.attrs.text}}</P:description><P:brand>{{default "none" .offer.shop.name}}</P:brand><P:condition>{{enum .offer.active "true" "new" "false" "used"}}</P:condition>`
		source := `{{/* rules: {id: {required: true, max: 50}, title: {required: true, max: 150}, description: {max: 5000}} */}}` +
			itemOf(`<item><P:id>{{.offer.id}}</P:id><P:title>{{truncate 150 .offer.title}}</P:title><link>https://example.org/p/{{urlquery .offer.id}}?c={{.params.c}}</link>`+body+`</item>`)
		tmpl, found := Parse(&diag.File{Name: "t.xml", Lines: strings.Split(strings.ReplaceAll(source, "P:", prefix), "\n")}, schema, nil)
		if len(found) > 0 {
			b.Fatal(found)
		}
		templates = append(templates, tmpl)
	}
	shared := NewShared()
	var renderers []*Renderer
	var size int64
	began := time.Now()
	for i := range 20 {
		params := map[string]string{"c": fmt.Sprint("campaign-", i)}
		renderers = append(renderers, shared.Renderer(templates[i%2], params, nil))
		size += int64(len(byText(b, templates[i%2], params, batch, nil, rows).Data))
	}
	byTextTemplate := time.Since(began)
	b.SetBytes(size)
	b.ReportAllocs()
	var items Items
	sum := uint32(0)
	for b.Loop() {
		shared.Next(0, len(rows))
		for _, r := range renderers {
			items.Ends = items.Ends[:0]
			for i := range rows {
				items.Data = items.Data[:0]
				if err := r.Items(&items, batch, nil, rows[i:i+1]); err != nil {
					b.Fatal(err)
				}
				sum ^= crc32.ChecksumIEEE(items.Data)
			}
		}
	}
	b.ReportMetric(float64(size)/20/float64(len(rows)), "bytes/item")
	b.ReportMetric(byTextTemplate.Seconds()*float64(b.N)/b.Elapsed().Seconds(), "x-text/template")
	if sum == 1 {
		b.Log(sum) // so that it is computed
	}
}
