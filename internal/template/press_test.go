package template

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/parquetio/encodedtest"
)

// byText renders rows with text/template, as a Renderer has to.
func byText(t testing.TB, tmpl *Template, params map[string]string, offers, fields arrow.RecordBatch, rows []int) Items {
	t.Helper()
	var dst Items
	e := tmpl.execution(params)
	for _, row := range rows {
		e.root["offer"], e.root["fields"] = record{offers, row}, record{fields, row}
		e.run.dropped = 0
		text, err := e.execute(itemBlock)
		if err == nil {
			text, err = obey(tmpl.rules, text, &dst)
		}
		before := len(dst.Data)
		var broken *brokenError
		switch {
		case errors.As(err, &broken):
			dst.Left = append(dst.Left, Left{row, broken.rule, broken.reason})
		case err != nil:
			t.Fatal(err)
		default:
			if dst.Data = appendBlock(dst.Data, text); len(dst.Data) == before {
				dst.Left = append(dst.Left, Left{row, "empty", "its item is empty"})
			}
			dst.Dropped += e.run.dropped
		}
		dst.Ends = append(dst.Ends, len(dst.Data))
	}
	return written(dst)
}

// asByText fails the test unless a Renderer makes of all rows what text/template
// makes, counts and reasons included; alone, and where it shares, be it the first
// to render a row or not. The one that is alone is given dictionaries for texts.
func asByText(t testing.TB, tmpl *Template, source string, params map[string]string, offers arrow.RecordBatch) {
	t.Helper()
	rows := make([]int, offers.NumRows())
	for i := range rows {
		rows[i] = i
	}
	fields := map[string]string{}
	for _, f := range offers.Schema().Fields() {
		fields[f.Name] = "offer." + f.Name
	}
	want := byText(t, tmpl, params, offers, offers, rows)
	shared := NewShared()
	renderers := []*Renderer{tmpl.Renderer(params), shared.Renderer(tmpl, params, fields), shared.Renderer(tmpl, params, fields)}
	shared.Next(0, len(rows))
	for i, r := range renderers {
		batch := offers
		if i == 0 {
			batch = encodedtest.Batch(t, offers, func() bool { return true })
		}
		var got Items
		if err := r.Items(&got, batch, batch, rows); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, written(got)); diff != "" {
			t.Fatalf("renderer %d: %s\n(-text/template +press):\n%s", i, source, diff)
		}
	}
}

// written is items with nothing of them as nil.
func written(items Items) Items {
	if len(items.Data) == 0 {
		items.Data = nil
	}
	return items
}

// What random templates seldom say.
func TestAsTextTemplate(t *testing.T) {
	schema := allTypes(t)
	batch := batchOf(t, schema, allRows)
	defer batch.Release()
	for _, item := range []string{
		`{{required "title" .offer.title}}{{required "price" .offer.price}}`, `{{or (required "x" .offer.title) "y"}}{{required "z" .offer.id}}`,
		`{{$x := .offer.tags}}{{range $x = .offer.tags}}{{.}}{{end}}{{len $x}}`, `{{range $i, $e := .offer.tags}}{{$i}}{{$e}}{{else}}{{len $e}}{{end}}`,
		`{{with $x := .offer.shop}}{{$x.name}}{{.rating}}{{else}}{{$x}}none{{end}}`, `{{if $x := .offer.stock}}{{$x}}{{else}}-{{$x}}{{end}}`,
		`{{.fields.title}}{{.fields.price}}{{$.fields.shop.name}}`, `{{range $k, $v := .params}}{{$k}}={{$v}};{{end}}{{len .params}}`,
		`{{money .offer.price "EUR"}}|{{money .offer.weight "EUR"}}|{{money .offer.stock ""}}|{{money (index .offer.prices 0).gross "CHF"}}`,
		`{{join .offer.tags ", "}}|{{join .offer.sizes .offer.title}}`, `{{truncate 3 .offer.title}}|{{truncate .offer.stock .offer.price}}`,
		`{{enum .offer.stock "7" .offer.title "0" "zero"}}`, `{{date "2006" .offer.seen}}{{date "02.01." .offer.day}}`,
		`{{eq .offer.stock 7.0}}{{lt .offer.price 12.30}}{{ge .offer.seen .offer.day}}{{eq .offer.id "x" "a1" .offer.title}}{{ne .offer.active true}}`,
		`{{index .offer.tags 2}}{{index .offer.attrs "a-b"}}{{index .offer.prices 1 "gross"}}{{.offer.attrs.colour}}`,
		`<a b="{{.offer.title}}&#10;"><![CDATA[{{.offer.title}}]]]]></a>`, `{{/* nothing */}}{{if .offer.tags}}{{end}}`,
		`{{printf "%05d %s %.1f %q" .offer.stock .offer.price .offer.weight .offer.title}}`, `{{not .offer.shop}}{{and .offer.title .offer.stock}}{{or .offer.title .offer.stock 5}}`,
		`{{template "in" .offer.shop}}<b c="{{template "in" .}}"/>`,
	} {
		source := itemOf(`<i>`+item+`</i>`) + `{{define "in"}}{{$v := .}}{{with $v}}{{$.name}}{{end}}{{end}}`
		if !strings.Contains(item, `"in"`) {
			source = itemOf(`<i>` + item + `</i>`)
		}
		tmpl, found := Parse(&diag.File{Name: "t.xml", Lines: strings.Split(source, "\n")}, schema, nil)
		if len(found) > 0 {
			t.Logf("%s is refused: %v", item, found)
			continue
		}
		for _, params := range []map[string]string{nil, {"b": "<&>", "a": "x\x01"}} {
			asByText(t, tmpl, source, params, batch)
		}
	}
}

// required leaves an offer out whose text has nothing but characters that XML
// forbids, which would be dropped, and counts them in the others.
func TestRequired(t *testing.T) {
	schema := schemaOf(t, "id: string")
	batch := batchOf(t, schema, `[{"id": "a"}, {"id": "\u0007\u0001"}, {"id": ""}, {}, {"id": "\u0007b"}, {"id": "\ufffe\uffff\u0000"}, {"id": " "}, {"id": "\u0001é\uffff"},
		{"id": "\ufffd"}, {"id": "\u007f"}]`)
	defer batch.Release()
	for _, item := range []string{`{{required "title" .offer.id}}`, `{{.offer.id | required "title"}}`, `{{with required "title" .offer.id}}{{.}}{{end}}`} {
		source := itemOf(`<t>` + item + `</t>`)
		tmpl := mustParse(t, source, schema, nil)
		asByText(t, tmpl, source, nil, batch)
		var got Items
		if err := tmpl.Renderer(nil).Items(&got, batch, nil, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}); err != nil {
			t.Fatal(err)
		}
		left := func(row int) Left { return Left{row, "required title", "title is required and empty"} }
		want := Items{
			Data:    []byte("<t>a</t>\n<t>b</t>\n<t> </t>\n<t>é</t>\n<t>\ufffd</t>\n<t>\u007f</t>\n"),
			Ends:    []int{9, 9, 9, 9, 18, 18, 27, 37, 48, 57},
			Left:    []Left{left(1), left(2), left(3), left(5)},
			Dropped: 3,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", item, diff)
		}
	}
}

func TestAppendDecimal(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 9, 10, -10, 99, 100, 101, -123456, 1 << 62, -1 << 62} {
		for scale := range 20 {
			want := decimalText(digits{n, int32(scale)})
			if got := string(appendDecimal([]byte("x"), n, scale)); got != "x"+want {
				t.Errorf("%d with scale %d: %s, want %s", n, scale, got, want)
			}
		}
	}
}

func TestAppendEscaped(t *testing.T) {
	for _, s := range []string{"", "plain", `<a href="x">'&'</a>`, "a\r\n\tb", "\x00", "a\x1fb<", "\xff<", "é<ü", "\ufffe", "\ufffd&", "\xed\xa0\x80", "]]>", "]", "]>x", ">x", "a]]>b", "a]] >]>b", "a]]\x00>", "日本<語"} {
		for _, in := range []context{inText, inAttribute, inSection} {
			want, dropped := escape(in, s)
			got, n := appendEscaped([]byte("x"), in, s)
			if string(got) != "x"+want || n != dropped {
				t.Errorf("%q in %d: %q, %d dropped, want %q, %d", s, in, got, n, want, dropped)
			}
		}
	}
}

// BenchmarkItems renders a product as Google wants it, compiled and with
// text/template.
func BenchmarkItems(b *testing.B) {
	schema := allTypes(b)
	var raw []string
	for i := range 1000 {
		raw = append(raw, fmt.Sprintf(`{"id": "offer-%d", "title": "A fine thing & a %d", "price": "%d.90", "stock": %d, "active": true, "seen": "2026-01-02T03:04:05Z",
			"tags": ["https://example.org/%d.jpg", "https://example.org/%d-b.jpg"], "shop": {"name": "Shop %d"}}`, i, i, i+1, i%3, i, i, i%7))
	}
	batch := batchOf(b, schema, "["+strings.Join(raw, ",")+"]")
	defer batch.Release()
	source := itemOf(`<item><g:id>{{.offer.id}}</g:id><title>{{truncate 150 .offer.title}}</title><link>https://example.org/p/{{urlquery .offer.id}}?c={{.params.c}}</link>
{{with index .offer.tags 0}}<g:image_link>{{.}}</g:image_link>{{end}}{{range .offer.tags}}<g:additional_image_link>{{.}}</g:additional_image_link>{{end}}
<g:price>{{money .offer.price "EUR"}}</g:price><g:availability>{{if gt .offer.stock 0}}in_stock{{else}}out_of_stock{{end}}</g:availability>
<g:brand>{{default "none" .offer.shop.name}}</g:brand><g:condition>{{enum .offer.active "true" "new" "false" "used"}}</g:condition></item>`)
	source = strings.Replace(source, "<feed>", `<feed xmlns:g="http://base.google.com/ns/1.0">`, 1)
	tmpl, found := Parse(&diag.File{Name: "t.xml", Lines: strings.Split(source, "\n")}, schema, map[string]offer.Type{})
	if len(found) > 0 {
		b.Fatal(found)
	}
	params := map[string]string{"c": "x"}
	asByText(b, tmpl, source, params, batch)
	rows := make([]int, batch.NumRows())
	for i := range rows {
		rows[i] = i
	}
	size := int64(len(byText(b, tmpl, params, batch, nil, rows).Data))
	b.Run("press", func(b *testing.B) {
		r := tmpl.Renderer(params)
		var items Items
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			items = Items{Data: items.Data[:0], Ends: items.Ends[:0]}
			if err := r.Items(&items, batch, nil, rows); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("text_template", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			byText(b, tmpl, params, batch, nil, rows)
		}
	})
}
