package template

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var obeying = []struct{ name, rules, item, want, left string }{
	{"within", "{title: {max: 5}}", `<title>{{.offer.id}}</title>`, `<title>abcde</title>`, ""},
	{"cut", "{title: {max: 3}}", `<title>{{.offer.id}}</title><x/>`, `<title>abc</title><x/>`, ""},
	{"cut counts references as one", "{title: {max: 4}}", `<title>{{.offer.odd}}</title>`, `<title>&lt;&amp;ä]</title>`, ""},
	{"cut in CDATA", "{title: {max: 4}}", `<title><![CDATA[{{.offer.odd}}]]></title>`, `<title><![CDATA[<&ä]]]></title>`, ""},
	{"cut over pieces", "{title: {max: 6}}", `<title>{{.offer.id}}<!-- x --> {{.offer.id}}</title>`, `<title>abcde </title>`, ""},
	{"cut each", "{g:t: {max: 2}}", `<i><g:t>{{.offer.id}}</g:t><t>{{.offer.id}}</t><g:t a=">">x{{.offer.id}}</g:t></i>`, `<i><g:t>ab</g:t><t>abcde</t><g:t a=">">xa</g:t></i>`, ""},
	{"cut without its comment", "{title: {max: 4}}", `<title>]]<!-- -->>{{.offer.id}}</title>`, `<title>]]&gt;a</title>`, ""},
	{"local name", "{t: {max: 2}}", `<i><g:t>{{.offer.id}}</g:t><t>{{.offer.id}}</t></i>`, `<i><g:t>ab</g:t><t>ab</t></i>`, ""},
	{"two rules", "{a: {max: 1}, b: {max: 2}}", `<i><a>{{.offer.id}}</a><b>{{.offer.id}}</b></i>`, `<i><a>a</a><b>ab</b></i>`, ""},
	{"required and there", "{id: {required: true}}", `<i><g:id>{{.offer.id}}</g:id></i>`, `<i><g:id>abcde</g:id></i>`, ""},
	{"required and empty", "{id: {required: true}}", `<i><id>{{.offer.none}}</id></i>`, "", "required id: id is required and empty"},
	{"required and blank", "{id: {required: true}}", `<i><id> {{.offer.none}} </id></i>`, "", "required id: id is required and empty"},
	{"required and empty tag", "{id: {required: true}}", `<i><id/></i>`, "", "required id: id is required and empty"},
	{"required and absent", "{id: {required: true}}", `<i>{{with .offer.none}}<id>{{.}}</id>{{end}}</i>`, "", "required id: id is required and empty"},
	{"required with elements", "{id: {required: true}}", `<i><id><x>{{.offer.id}}</x></id></i>`, `<i><id><x>abcde</x></id></i>`, ""},
	{"required once", "{id: {required: true}}", `<i><id/><id>{{.offer.id}}</id></i>`, `<i><id/><id>abcde</id></i>`, ""},
	{"required and within max", "{id: {required: true, max: 5}}", `<i><id>{{.offer.id}}</id></i>`, `<i><id>abcde</id></i>`, ""},
	{"required and too long", "{id: {required: true, max: 4}}", `<i><id>{{.offer.id}}</id></i>`, "", "required id: id is required and has 5 characters of at most 4"},
	{"function", "{x: {}}", `<x>{{required "the id" .offer.id}}</x>`, `<x>abcde</x>`, ""},
	{"function of null", "{x: {}}", `<x>{{required "title" .offer.none}}</x>`, "", "required title: title is required and empty"},
	{"function not reached", "{x: {}}", `<x>{{if .offer.none}}{{required "title" .offer.none}}{{end}}</x>`, "<x></x>", ""},
	{"empty item", "{x: {}}", ` {{with .offer.none}}<x>{{.}}</x>{{end}} `, "", "empty: its item is empty"},
}

func TestObey(t *testing.T) {
	schema := schemaOf(t, "id: string\n odd: string\n none: string")
	offers := batchOf(t, schema, `[{"id": "abcde", "odd": "<&ä]>"}]`)
	for _, c := range obeying {
		t.Run(c.name, func(t *testing.T) {
			tmpl := mustParse(t, "{{/* rules: "+c.rules+" */ -}}\n"+itemOf(c.item), schema, nil)
			var items Items
			if err := tmpl.Renderer(nil).Items(&items, offers, nil, []int{0}); err != nil {
				t.Fatal(err)
			}
			left := ""
			for _, l := range items.Left {
				left = l.Rule + ": " + l.Reason
			}
			if diff := cmp.Diff([]string{c.want, c.left}, []string{strings.TrimSpace(string(items.Data)), left}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	schema := schemaOf(t, "id: string\n bad: string\n none: string")
	offers := batchOf(t, schema, `[{"id": "abcde", "bad": "a\u0001b\uFFFE"}, {"id": "x", "bad": "\u0000", "none": "n"}, {"id": "y", "bad": "\u0000"}]`)
	tmpl := mustParse(t, "{{/* rules: {n: {required: true}, t: {max: 4}} */}}"+
		itemOf(`<i><t>{{.offer.id}}</t><b>{{.offer.bad}}</b><n>{{.offer.none}}{{if eq .offer.id "abcde"}}z{{end}}</n></i>`), schema, nil)
	var items Items
	if err := tmpl.Renderer(nil).Items(&items, offers, nil, []int{0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	want := Items{
		Data:    []byte("<i><t>abcd</t><b>ab</b><n>z</n></i>\n<i><t>x</t><b></b><n>n</n></i>\n"),
		Ends:    []int{36, 67, 67},
		Left:    []Left{{Row: 2, Rule: "required n", Reason: "n is required and empty"}},
		Dropped: 3, // the offer left out is not counted
		Cut:     map[string]int64{"max t": 1},
	}
	if diff := cmp.Diff(want, items); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, items.Data)
	}
}
