package preview

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

var schema = offer.Schema{{Name: "id", Type: offer.Type{Kind: offer.String}}, {Name: "price", Type: offer.Type{Kind: offer.Double}}}

// sideOf is a side with a condition and one field, over shared expressions.
func sideOf(t *testing.T, where, price string, shared predicate.Shared) *side {
	t.Helper()
	env := predicate.OfferEnv(schema, predicate.OfferOptions{Now: true, Shared: shared})
	x, mistakes := env.Predicate(diag.Plain(where))
	v, more := env.Value(diag.Plain(price))
	if len(mistakes)+len(more) > 0 {
		t.Fatal(mistakes, more)
	}
	f := &feed.Feed{Condition: diag.Plain(where), Fields: []feed.Field{{Name: "price", Value: v}}, Choose: &feed.Choose{Take: 1, By: []feed.Order{{Value: v}}}}
	return &side{where: x, wording: f.Wording(), rest: f, shared: shared}
}

func sharedOf(cheap, base string) predicate.Shared {
	return predicate.Shared{"cheap": diag.Plain(cheap), "base": diag.Plain(base), "other": diag.Plain("offer.id")}
}

func TestEdits(t *testing.T) {
	shared := sharedOf("shared.base < 10.0", "offer.price")
	was := sideOf(t, "shared.cheap", "offer.price", shared)
	for _, c := range []struct {
		name string
		is   *side
		want []string
	}{
		{"same", sideOf(t, "shared.cheap", "offer.price", shared), nil},
		{"condition", sideOf(t, "shared . cheap || false", "offer.price", shared), []string{"where"}},
		{"a shared expression that another uses", sideOf(t, "shared.cheap", "offer.price", sharedOf("shared.base < 10.0", "offer.price * 2.0")), []string{"shared.base"}},
		{"a shared expression that nothing uses", sideOf(t, "shared.cheap", "offer.price", predicate.Shared{
			"cheap": shared["cheap"], "base": shared["base"], "other": diag.Plain("offer.id + offer.id"),
		}), nil},
		{"field", sideOf(t, "shared.cheap", "shared.base", shared), []string{"field price", "choose"}},
	} {
		if got := edits(was, c.is); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		same := meaning(was.where, was.shared) == meaning(c.is.where, c.is.shared)
		if want := !slices.Contains(c.want, "where") && !slices.Contains(c.want, "shared.base"); same != want {
			t.Errorf("%s: the condition means the same: %v", c.name, same)
		}
	}
}

func TestDiffering(t *testing.T) {
	got := differing("field ", map[string]string{"a": "1", "b": "1", "c": ""}, map[string]string{"b": "2", "a": "1", "d": ""})
	if want := []string{"field b", "field c", "field d"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := differing("", nil, nil); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}

func TestSameValue(t *testing.T) {
	texts := column(t, &arrow.StringType{}, `["a", null, "1"]`)
	others := column(t, &arrow.StringType{}, `["b", null, "1"]`)
	numbers := column(t, arrow.PrimitiveTypes.Int64, `[1, 2, 1]`)
	doubles := column(t, arrow.PrimitiveTypes.Float64, `[1.5, 2, null]`)
	for _, c := range []struct {
		name string
		a, b arrow.Array
		want [3]bool
	}{
		{"texts", texts, others, [3]bool{false, true, true}},
		{"missing", texts, nil, [3]bool{false, true, false}},
		{"both missing", nil, nil, [3]bool{true, true, true}},
		{"numbers", numbers, numbers, [3]bool{true, true, true}},
		{"numbers of two types", numbers, doubles, [3]bool{false, true, false}},
		{"a number and a text", texts, numbers, [3]bool{false, false, true}},
	} {
		for row, want := range c.want {
			if got := sameValue(c.a, c.b, row); got != want {
				t.Errorf("%s, row %d: %v", c.name, row, got)
			}
		}
	}
}

func column(t *testing.T, kind arrow.DataType, values string) arrow.Array {
	t.Helper()
	a, _, err := array.FromJSON(memory.DefaultAllocator, kind, strings.NewReader(values))
	if err != nil {
		t.Fatal(err)
	}
	return a
}
