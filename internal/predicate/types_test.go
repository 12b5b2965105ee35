package predicate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
)

// A source that is joined twice makes columns of equal structs: they can stand
// for each other, whatever they are called.
func TestEqualStructs(t *testing.T) {
	schema := schemaOf(t, "id string",
		"own struct{name: string, home: struct{city: string}}", "other struct{name: string, home: struct{city: string}}",
		"list list(struct{name: string, home: struct{city: string}})", "more list(struct{name: string, home: struct{city: string}})",
		"home struct{city: string}", "less struct{name: string}",
	)
	record := batchOf(t, schema, `[{
		"id": "a", "own": null, "other": {"name": "x", "home": {"city": "Bonn"}}, "list": [], "more": [{"name": "x", "home": {"city": "Bonn"}}, {"name": "z", "home": null}],
		"home": {"city": "Bonn"}, "less": {"name": "x"}
	}]`)
	env := OfferEnv(schema, OfferOptions{})
	vars := &Vars{Offer: Row{Batch: NewBatch(record)}}
	tests := []struct {
		text string
		want any // a mistake: a string that begins with !
	}{
		{`coalesce(offer.own, offer.other).name`, "x"},
		{`coalesce(offer.own, offer.other).home.city`, "Bonn"},
		{`offer.own == null ? offer.other.home : offer.home`, map[string]any{"city": "Bonn"}},
		{`(size(offer.list) > 0 ? offer.list : offer.more).map(p, p.name)`, []any{"x", "z"}},
		{`(offer.list + offer.more).map(p, p.home.city)`, []any{"Bonn", nil}},
		{`[offer.own, offer.other].filter(p, p != null).map(p, p.name)`, []any{"x"}},
		{`offer.other == offer.more[0]`, true},
		{`offer.other == offer.more[1]`, false},
		{`offer.other.home == offer.home`, true},
		{`offer.other in offer.more`, true},
		{`offer.other in offer.list`, false},
		{`offer.own == offer.other`, false},
		{`offer.other.nmae`, `!offer.other has no field nmae`},
		{`offer.other.home.ctiy`, `!offer.other.home has no field ctiy`},
		{`offer.home.ctiy`, `!offer.home has no field ctiy`},
		{`offer.more.map(p, p.nmae)`, `!p has no field nmae`},
		{`offer.less.home`, `!offer.less has no field home`},
		{`true ? offer.own : offer.less`, `!? takes a bool and two values of one type, not bool ? struct offer.own : struct offer.less`},
	}
	for _, test := range tests {
		x, mistakes := env.Value(diag.Plain(test.text))
		if text, wrong := test.want.(string); wrong && strings.HasPrefix(text, "!") {
			if len(mistakes) != 1 || mistakes[0].Message != text[1:] {
				t.Errorf("%s: want %s, got\n%v", test.text, text[1:], mistakes)
			}
			continue
		}
		if len(mistakes) > 0 {
			t.Errorf("%s:\n%v", test.text, mistakes)
			continue
		}
		got, err := x.Eval(vars)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s (-want +got): %v\n%s", test.text, err, diff)
		}
	}
}
