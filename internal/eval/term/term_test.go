package term

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A bench makes terms of predicates, all in one table.
type bench struct {
	*testing.T
	*Table
	env   *predicate.Env
	parts []Part
}

func newBench(t *testing.T) *bench {
	var schema offer.Schema
	for _, f := range [][2]string{
		{"id", "string"}, {"name", "string"}, {"stock", "int"}, {"sold", "int"}, {"price", "double"}, {"new", "bool"}, {"since", "timestamp"},
		{"tags", "list(string)"}, {"names", "map(string)"}, {"shop", "struct{country: string, rating: double}"}, {"lots", "list(struct{size: int, place: string})"},
	} {
		of, err := offer.ParseType(f[1])
		if err != nil {
			t.Fatal(err)
		}
		schema = append(schema, offer.Field{Name: f[0], Type: of})
	}
	return &bench{T: t, Table: NewTable(), env: predicate.OfferEnv(schema, predicate.OfferOptions{Now: true})}
}

func (b *bench) of(text string) ID {
	b.Helper()
	x, mistakes := b.env.Predicate(diag.Plain(text))
	if mistakes != nil {
		b.Fatalf("%s: %v", text, mistakes)
	}
	var id ID
	id, b.parts = b.Add(x, now, b.parts)
	return id
}

// Spellings of one condition are one term; those of different lines never are.
func TestSpellings(t *testing.T) {
	b := newBench(t)
	lines := [][]string{
		{`offer.stock > 3`, `3 < offer.stock`, `offer.stock > 1 + 2`, `(offer.stock) > 3`, `offer.stock > 3 && true`, `offer.stock > 3 || false`, `offer.stock > 3 && offer.stock > 3`, `!!(offer.stock > 3)`},
		{`offer.stock >= 3`, `3 <= offer.stock`},
		{`offer.stock < 3`, `3 > offer.stock`},
		{`offer.price > 3`, `offer.price > 3.0`, `3 < offer.price`},
		{`offer.id == "a"`, `"a" == offer.id`, `!(offer.id != "a")`},
		{`offer.id != "a"`, `!(offer.id == "a")`},
		{`offer.id in ["a", "b", "c"]`, `offer.id in ["c", "a", "b", "a"]`},
		{`!(offer.id in ["a", "b", "c"])`},
		{`offer.stock > 3 && offer.new && offer.sold > 0`, `offer.sold > 0 && (offer.new && offer.stock > 3)`, `(offer.new && offer.sold > 0) && (offer.stock > 3 && offer.new)`},
		{`offer.stock > 3 || offer.new || offer.sold > 0`, `(offer.sold > 0 || offer.new) || offer.stock > 3`},
		{`offer.stock > 3 && (offer.new || offer.sold > 0)`, `(offer.sold > 0 || offer.new) && offer.stock > 3`},
		{`offer.names.de == "a"`, `offer.names["de"] == "a"`},
		{`offer.shop.country == "DE"`},
		{`"de" in offer.names`},
		{`has(offer.names.de)`},
		{`offer.price > offer.shop.rating`},
		{`offer.shop.rating < offer.price`},
		{`offer.stock > offer.sold`, `offer.sold < offer.stock`},
		{`offer.stock >= offer.sold`, `offer.sold <= offer.stock`},
		{`offer.stock == offer.sold`, `offer.sold == offer.stock`},
		{`offer.tags.exists(t, t == "a")`, `offer.tags.exists(x, "a" == x)`, `!offer.tags.all(y, y != "a")`},
		{`offer.tags.all(t, t == "a")`, `!offer.tags.exists(x, x != "a")`},
		{`offer.lots.exists(l, l.size > 2 && l.place == "x")`, `offer.lots.exists(k, k.place == "x" && 2 < k.size)`},
		{`offer.lots.exists(l, l.size > 2) && offer.lots.exists(l, l.place == "x")`},
		{`offer.lots.exists_one(l, l.size > 2)`},
		{`offer.lots.exists(l, offer.tags.exists(t, t == l.place))`, `offer.lots.exists(a, offer.tags.exists(b, a.place == b))`},
		{`offer.since < now`, `now > offer.since`, `offer.since < timestamp("2026-01-02T03:04:05Z")`},
		{`offer.since < now - duration("24h")`, `offer.since < now - duration("1440m")`},
		{`size(offer.tags) > 1`, `offer.tags.size() > 1`, `1 < size(offer.tags)`},
		{`offer.name.startsWith("a")`},
		{`offer.name.endsWith("a")`},
		{`offer.name.contains("a")`},
		{`offer.name.matches("a")`},
		{`offer.stock > 3 ? offer.new : offer.sold > 0`},
		{`true`, `1 < 2`, `offer.new || true`, `true || offer.stock > 3`, `"a" in ["a", "b"]`},
		{`false`, `offer.new && false`, `!true`, `now < timestamp("2000-01-01T00:00:00Z")`},
		{`has(offer.name)`},
		{`offer.name == null`, `null == offer.name`, `!(offer.name != null)`},
	}
	owner := map[ID]string{}
	for _, line := range lines {
		first := b.of(line[0])
		for _, text := range line {
			if id := b.of(text); id != first {
				t.Errorf("%s is %s, and %s is %s", line[0], b.Format(first), text, b.Format(id))
			}
		}
		if other, taken := owner[first]; taken {
			t.Errorf("%s and %s are both %s", other, line[0], b.Format(first))
		}
		owner[first] = line[0]
	}
	if len(b.parts) > 0 {
		t.Errorf("%s is decided row by row: %s", b.parts[0].Expr.Text(), b.parts[0].Reason)
	}
}

// What is one term is there once, and tells itself.
func TestFormat(t *testing.T) {
	for text, want := range map[string]string{
		`offer.stock > 3`:                                  `>(column:stock, 3)`,
		`offer.new && !(offer.id in ["b", "a"])`:           `and(column:new, not(in(column:id, "a", "b")))`,
		`offer.names["de"] == "x"`:                         `==(at:de(column:names), "x")`,
		`offer.shop.country == "DE"`:                       `==(field:country(column:shop), "DE")`,
		`offer.tags.exists(t, t.startsWith("x"))`:          `exists#1(column:tags, startsWith(it#1, "x"))`,
		`offer.lots.exists(l, l.size > offer.stock)`:       `exists#1(column:lots, <(column:stock, field:size(it#1)))`,
		`(offer.stock + 1) * 2 > 7`:                        `>(*(+(column:stock, 1), 2), 7)`,
		`coalesce(offer.stock, offer.sold, 0) > 1`:         `>(coalesce(column:stock, column:sold, 0), 1)`,
		`offer.price > 1.5 ? offer.new : offer.stock == 1`: `if(>(column:price, 1.5), column:new, ==(column:stock, 1))`,
	} {
		b := newBench(t)
		id := b.of(text)
		if diff := cmp.Diff(want, b.Format(id)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		before := len(b.Terms)
		if again := b.of(text); again != id || len(b.Terms) != before {
			t.Errorf("%s: said again it is another term, or %d more", text, len(b.Terms)-before)
		}
	}
}

// Loops over one list share the space of its elements, also when another loop is
// around them, unless they read its variable.
func TestSpaces(t *testing.T) {
	b := newBench(t)
	b.of(`offer.tags.exists(t, t == "a") && offer.tags.all(u, u != "b") || size(offer.tags.filter(v, v.size() > 2)) > 1`)
	if len(b.Loops) != 2 {
		t.Errorf("%d loops over one list", len(b.Loops)-1)
	}
	b.of(`offer.lots.exists(l, offer.tags.exists(t, t == "a") && l.size > 2)`)
	if len(b.Loops) != 3 {
		t.Errorf("%d loops over two lists, of which neither needs the other", len(b.Loops)-1)
	}
	b.of(`offer.lots.exists(l, offer.tags.exists(t, t == l.place))`)
	if len(b.Loops) != 4 || b.Loops[3].Depth != 2 {
		t.Errorf("loops %+v", b.Loops)
	}
}
