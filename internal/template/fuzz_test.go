package template

import (
	"encoding/json"
	"encoding/xml"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/offer"
)

// hostileRows are rows of allTypes whose texts are hostile, one of nulls and one
// whose values are false.
func hostileRows(t testing.TB) arrow.RecordBatch {
	rows := []map[string]any{{"id": "nulls"}, {"id": "", "title": "", "tags": []string{}, "price": "0.00", "shop": map[string]any{"name": ""}}}
	for i, s := range hostile {
		other := hostile[(i+7)%len(hostile)]
		rows = append(rows, map[string]any{
			"id": s, "title": other, "price": "1.20", "weight": 1e-9, "stock": i, "active": i%2 == 0, "day": "2026-05-06",
			"tags": []string{s, other, ">"}, "sizes": []int{1, 2},
			"attrs":  []map[string]string{{"key": s, "value": other}, {"key": "colour", "value": "]"}},
			"shop":   map[string]any{"name": s, "rating": 2, "hours": []string{other}},
			"prices": []map[string]string{{"currency": s, "gross": "-1.0000"}},
		})
	}
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	return batchOf(t, allTypes(t), string(text))
}

// wellFormed fails the test unless the whole document that a template makes of
// the rows is one well-formed XML document.
func wellFormed(t *testing.T, tmpl *Template, source string, offers arrow.RecordBatch) {
	t.Helper()
	for _, doc := range documentsOf(t, tmpl, source, offers) {
		oneRoot(t, doc, source)
	}
}

// documentsOf renders the whole document without and with params.
func documentsOf(t *testing.T, tmpl *Template, source string, offers arrow.RecordBatch) (documents []string) {
	t.Helper()
	for _, params := range []map[string]string{nil, {"x": "]]>\x00", "a-b": `"`}} {
		feed := Feed{Name: "f", Items: 3}
		if params != nil {
			feed.Updated = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		}
		doc, err := tmpl.Header(feed, params)
		if err != nil {
			t.Fatalf("header of %s: %v", source, err)
		}
		var items Items
		rows := make([]int, offers.NumRows())
		for i := range rows {
			rows[i] = i
		}
		if err := tmpl.Renderer(params).Items(&items, offers, nil, rows); err != nil {
			t.Fatalf("items of %s: %v", source, err)
		}
		asByText(t, tmpl, source, params, offers)
		footer, err := tmpl.Footer(feed, params)
		if err != nil {
			t.Fatalf("footer of %s: %v", source, err)
		}
		documents = append(documents, string(doc)+string(items.Data)+string(footer))
	}
	return documents
}

func oneRoot(t *testing.T, doc, source string) {
	t.Helper()
	depth, roots := 0, 0
	defer func() {
		if t.Failed() {
			t.Logf("template: %s", source)
		}
	}()
	walkXML(t, doc, func(token xml.Token) {
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth == 1 {
				roots++
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && strings.TrimSpace(string(token)) != "" {
				t.Errorf("text %q outside of the root of %q", token, doc)
			}
		}
	})
	if roots != 1 {
		t.Errorf("%d roots in %q", roots, doc)
	}
}

// FuzzParse: Parse never panics, and what it accepts renders to XML.
func FuzzParse(f *testing.F) {
	for _, c := range language {
		f.Add(itemOf(inElement(c.item)))
	}
	for _, c := range obeying {
		f.Add("{{/* rules: " + c.rules + " */}}" + itemOf(c.item))
	}
	for _, m := range mistakes {
		f.Add(m)
	}
	schema := allTypes(f)
	offers := hostileRows(f)
	f.Fuzz(func(t *testing.T, text string) {
		if tmpl, found := parseText(text, schema, nil); len(found) == 0 {
			wellFormed(t, tmpl, text, offers)
		} else {
			_ = found.Error()
		}
	})
}

// shorter is how many of something a test makes.
func shorter(n, short int) int {
	if testing.Short() {
		return short
	}
	return n
}

// pieces make templates that are often right and mostly on the edge of it.
var pieces = []string{
	"<a>", "</a>", "<a", "/>", ">", " b=\"", "\"", " b='", "'", " c=\"1\"", "<![CDATA[", "]]>", "]", "]]", "x", " ", "&", "amp;", "<!--", "-->", "-",
	"<g:i>", "</g:i>", "<?p", "?>", "<", "{{.offer.id}}", "{{.offer.title}}", "{{if .offer.title}}", "{{else}}", "{{end}}", "{{range .offer.tags}}{{.}}",
	"{{range .offer.tags}}", "{{with .offer.shop}}{{.name}}", "{{template \"s\" .offer}}", "{{.offer.shop.name}}",
}

// Random templates that are accepted render to XML.
func TestRandomTemplates(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	schema, offers := allTypes(t), hostileRows(t)
	accepted := 0
	for range shorter(20000, 4000) {
		text := randomTemplate(random)
		tmpl, found := parseText(text, schema, map[string]offer.Type{})
		if len(found) > 0 {
			continue
		}
		accepted++
		wellFormed(t, tmpl, text, offers)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d accepted", accepted)
	if accepted < shorter(100, 10) {
		t.Errorf("only %d random templates were accepted", accepted)
	}
}

func randomTemplate(random *rand.Rand) string {
	some := func(n int) string {
		var b strings.Builder
		for range random.IntN(n) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	item := "<a>" + some(6) + "</a>"
	if random.IntN(3) == 0 {
		item = some(7)
	}
	text := itemOf(item)
	if strings.Contains(item, `"s"`) {
		text += `{{define "s"}}` + some(4) + `{{end}}`
	}
	return text
}
