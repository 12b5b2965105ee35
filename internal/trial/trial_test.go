package trial

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/workspace"
)

const definition = `
warehouse: w
sources:
  s: {path: "x_{version}.json", format: json, key: row.id, columns: {name: string, code: string, price: "decimal(12,2)", seen: date, size: int}}
offer: {from: s}
`

const feeds = `
feed: cheap
template: plain
where: offer.price < 10.0
fields: {title: 'offer.name + "!"'}
---
feed: best
template: plain
where: offer.price > 0.0
fields: {title: offer.name}
choose: {per: offer.code, by: [offer.price asc, offer.seen desc], take: 1}
---
feed: top
template: plain
where: offer.price > 0.0
fields: {title: offer.name}
choose: {by: [offer.price desc], take: 2}
---
feed: ratio
template: plain
where: offer.price > 0.0
fields: {title: offer.name}
choose: {by: [8 / offer.size asc]}
---
events: changes
destinations: [x]
catalog: c
where: offer.price < 5.0
fields: {price: offer.price}
`

const plain = `{{/* rules: {title: {required: true}} */}}
{{define "header"}}<feed>{{end}}
{{define "item"}}<item>
  <title>{{.fields.title}}</title>
  <price>{{.offer.price}}</price>
</item>{{end}}
{{define "footer"}}</feed>{{end}}
`

// run loads a workspace with the given tests of feeds and runs them.
func run(t *testing.T, tests string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"feedmill.yaml": definition, "feeds/feeds.yaml": feeds, "feeds/a.test.yaml": tests, "templates/plain.xml": plain,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ws, err := workspace.Load(filepath.Join(dir, "feedmill.yaml"), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, test := range ws.Tests {
		for _, d := range Run(ws, test, time.Unix(0, 0)) {
			text := strings.ReplaceAll(d.Message, dir+"/", "")
			out.WriteString(text + "\n")
			if d.Hint != "" {
				out.WriteString("  " + d.Hint + "\n")
			}
		}
	}
	return out.String()
}

func TestRun(t *testing.T) {
	cases := map[string]struct{ test, want string }{
		"passes": {`
feed: cheap
offers: [{id: a, name: Tea, price: 2.50}, {id: b, name: Gold, price: 20.00}, {id: c, price: 1.00}]
expect: [a]
renders: {a: "<item>\n<title>Tea!</title>\n<price>2.50</price>\n</item>"}
`, ""},
		"takes too few": {`
feed: cheap
offers: [{id: a, name: Tea, price: 20.00}, {id: b, name: Tea}, {id: c, price: 1.00}]
expect: [a, b, c]
`, `feed cheap does not take offer a
  where is false of it
feed cheap does not take offer b
  where cannot be decided: offer.price is null
feed cheap does not take offer c
  its template leaves it out: title is required and empty
`},
		"takes too many": {`
feed: cheap
offers: [{id: a, name: Tea, price: 2.00}]
expect: []
`, "feed cheap takes offer a, which the test does not expect\n"},
		"renders something else": {`
feed: cheap
offers: [{id: a, name: Tea, price: 2.00}, {id: b, name: Milk, price: 1}]
expect: [a, b]
renders: {a: "<item>\n<title>Tea</title>", b: "<item>\n<title>Milk!</title>"}
`, `offer a: line 2 is <title>Tea!</title>, expected <title>Tea</title>
  it is rendered as
      <item>
      <title>Tea!</title>
      <price>2.00</price>
      </item>
offer b: line 3 is more than the test expects: <price>1.00</price>
  it is rendered as
      <item>
      <title>Milk!</title>
      <price>1.00</price>
      </item>
`},
		"renders what it does not take": {`
feed: cheap
offers: [{id: a, name: Tea, price: 2.00}, {id: b, price: 1}]
expect: [a]
renders: {b: "<item/>"}
`, `feed cheap does not take offer b, so nothing is rendered of it
  its template leaves it out: title is required and empty
`},
		"a value that does not fit": {`
feed: cheap
offers: [{id: a, name: Tea, price: dear}]
expect: []
`, "column price of offer a: \"dear\" is not a number\n"},
		"the best of each group": {`
feed: best
offers:
  - {id: a, name: x, code: p, price: 2, seen: 2026-01-01}
  - {id: b, name: x, code: p, price: 1, seen: 2026-01-01}
  - {id: c, name: x, code: p, price: 1, seen: 2026-01-02}
  - {id: d, name: x, code: p, price: 1}
  - {id: e, name: x, price: 9}
  - {id: f, name: x, price: 9}
expect: [c, e, f]
`, ""},
		"why another was chosen": {`
feed: best
offers: [{id: b, name: x, code: p, price: 1}, {id: a, name: x, code: p, price: 1}]
expect: [b]
`, `feed best takes offer a, which the test does not expect
feed best does not take offer b
  offer a was chosen before it
`},
		"the best of all": {`
feed: top
offers: [{id: a, name: x, price: 1}, {id: b, name: x, price: 3}, {id: c, name: x, price: 2}, {id: d, name: x}]
expect: [b, c]
`, ""},
		"a key that fails": {`
feed: ratio
offers: [{id: a, name: x, price: 1, size: 0}, {id: b, name: x, price: 1, size: 4}, {id: c, name: x, price: 1, size: 2}]
expect: [c]
`, `feed ratio takes offer b, which the test does not expect
feed ratio does not take offer c
  offer b was chosen before it
`},
		"an event feed": {`
feed: changes
offers: [{id: a, price: 1}, {id: b, price: 5}]
expect: [a]
`, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, run(t, c.test)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
