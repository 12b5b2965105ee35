package template

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/diag"
)

// Rules hold for elements however a template writes them: with values and without,
// in branches, in loops and in blocks, with attributes, in CDATA, empty.
func TestRulesOfRandomItems(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	schema := allTypes(t)
	batch := batchOf(t, schema, `[{"id": "a", "title": "é", "tags": ["x", "日本語"]}, {"id": "b<", "title": " "}, {"id": "", "title": "\u2028", "tags": []},
		{"title": "a long title", "tags": ["", " ", "1"]}, {"id": "a]]>", "title": "&&&&", "shop": {"name": "title"}}]`)
	defer batch.Release()
	content := func() string {
		var b strings.Builder
		for range random.IntN(4) {
			b.WriteString(one("text", " ", "\n", "&amp;", "&#32;", "é", "日本", "\u2028", "\u0085", "<![CDATA[ab]]>", "<![CDATA[ ]]>", "<!-- c <title> -->",
				"{{.offer.id}}", "{{.offer.title}}", "<![CDATA[{{.offer.title}} ]]>", "{{range .offer.tags}}{{.}}{{end}}", "{{with .offer.shop}}{{.name}}{{end}}"))
		}
		return b.String()
	}
	element := func() string {
		name := one("id", "g:id", "title", "other")
		e := "<" + name + one("", ` a=">"`, " b='/'", ` c="{{.offer.title}}"`) + ">" + content() + "</" + name + one("", " ") + ">" + one("", "\n", "<id/>", "<title/>")
		return one(e, e, e, "{{if .offer.title}}"+e+"{{end}}", "{{if .offer.tags}}"+e+"{{else}}"+e+"{{end}}", "{{range .offer.tags}}"+e+"{{end}}", "<p>"+e+"</p>",
			strings.Replace(e, "</", "<{{/* torn */}}/", 1))
	}
	parsed, broken := 0, 0
	for i := range 2000 {
		var rules []string
		for _, name := range []string{"id", "g:id", "title"} {
			if random.IntN(2) == 0 {
				rules = append(rules, fmt.Sprintf("%q: {required: %t, max: %d}", name, random.IntN(2) == 0, 1+random.IntN(6)))
			}
		}
		body := "<i>"
		for range 1 + random.IntN(4) {
			body += element()
		}
		source := itemOf(body+`{{template "more" .}}</i>`) + `{{define "more"}}` + one("", element()) + "{{end}}"
		if len(rules) > 0 {
			source = "{{/* rules: {" + strings.Join(rules, ", ") + "} */}}" + source
		}
		tmpl, found := Parse(&diag.File{Name: "t.xml", Lines: strings.Split(source, "\n")}, schema, nil)
		if len(found) > 0 {
			continue
		}
		parsed++
		if i%50 == 0 {
			broken += len(byText(t, tmpl, nil, batch, nil, []int{0, 1, 2, 3, 4}).Left)
		}
		asByText(t, tmpl, source, nil, batch)
	}
	if parsed < 400 || broken == 0 {
		t.Errorf("of 2000 templates %d were right, %d of their items left out", parsed, broken)
	}
}
