package predicate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

func rowVars() *Vars {
	return &Vars{
		Row: map[string]any{
			"code": "P1", "name.en_US": "Cake", "empty": "", "n": int64(3), "d": 2.5, "big": uint64(1 << 63), "dec": offer.Number("12.50"),
			"nil": nil, "yes": true, "ts": time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC),
			"tags": []any{"a", "b", nil}, "none": []any{}, "obj": map[string]any{"x": map[string]any{"y": int64(7)}, "z": nil},
			"prices": []any{map[string]any{"c": "EUR", "v": 9.5}, map[string]any{"c": "HKD"}},
			"json":   `{"color": "red", "sizes": [1, 2.5], "deep": {"x": null}}`, "broken": `{"color":`,
			"attribute_key_1": "color", "attribute_value_1": "red", "attribute_key_2": "size", "attribute_value_2": int64(4),
			"attribute_key_10": "color", "attribute_value_10": "blue", "attribute_key_3": "", "attribute_value_3": "x", "attribute_key_4": "void",
		},
		Item: map[string]any{"price": "12.5", "promo": nil},
		Path: map[string]string{"day": "2026-01-31"},
	}
}

func TestRowValues(t *testing.T) {
	env := RowEnv(RowShape{Item: true, Path: true})
	v := rowVars()
	for _, c := range []struct {
		text string
		want any
	}{
		// fields
		{`row.code`, "P1"},
		{`row["name.en_US"]`, "Cake"},
		{`row.absent`, nil},
		{`row["absent"]`, nil},
		{`row.absent.deeper`, nil},
		{`row.absent["deeper"].still`, nil},
		{`row.obj.x.y`, int64(7)},
		{`row.obj["x"]["y"]`, int64(7)},
		{`row.obj.z.y`, nil},
		{`row.obj`, map[string]any{"x": map[string]any{"y": int64(7)}, "z": nil}},
		{`row.tags`, []any{"a", "b", nil}},
		{`row.tags[1]`, "b"},
		{`row.tags[9]`, failure("index out of bounds: 9")},
		{`row.none[0]`, failure("index out of bounds: 0")},
		{`row.absent[0]`, nil},
		{`row.code.x`, failure("a string has no element x")},
		{`row.code[0]`, failure("no element 0")},
		{`row.dec`, offer.Number("12.50")},
		{`row.dec * 2.0`, 25.0},
		{`row.big`, uint64(1 << 63)},
		{`item.price`, "12.5"},
		{`item.absent`, nil},
		{`double(item.price) + 1.0`, 13.5},
		{`path.day`, "2026-01-31"},
		{`path.month`, nil},
		{`path`, map[string]any{"day": "2026-01-31"}},
		{`path.day + "Z"`, "2026-01-31Z"},
		// has
		{`has(row.code)`, true},
		{`has(row.empty)`, true},
		{`has(row.nil)`, false},
		{`has(row.absent)`, false},
		{`has(row.absent.deeper)`, false},
		{`has(row.obj.x.y)`, true},
		{`has(item.price)`, true},
		{`has(path.day)`, true},
		{`has(path.month)`, false},
		{`"nil" in row`, true},
		{`"absent" in row`, false},
		// null
		{`row.absent + "x"`, nil},
		{`row.absent.size()`, nil},
		{`int(row.absent)`, nil},
		{`int(row.code)`, failure("int(row.code): type conversion error")},
		{`int(row.n / 0)`, failure("division by zero")},
		{`row.n / (row.absent + 1)`, nil},
		{`row.absent == null`, true},
		{`row.absent.map(x, x)`, nil},
		{`row.tags.map(x, x + "!")`, nil},
		{`row.tags.filter(x, x != null).map(x, x + "!")`, []any{"a!", "b!"}},
		{`row.prices.map(p, p.v)`, []any{9.5, nil}},
		{`row.prices.map(p, coalesce(p.v, 0.0))`, []any{9.5, 0.0}},
		{`row.prices.filter(p, p.c == "HKD").map(p, p.v)`, []any{nil}},
		{`first(row.none)`, nil},
		{`first(row.prices).c`, "EUR"},
		{`first(row.absent)`, nil},
		{`coalesce(row.absent, row.nil, row.code)`, "P1"},
		{`coalesce(row.absent + "x", "none")`, "none"},
		{`coalesce(int(row.code), 1)`, failure("int(row.code)")},
		{`coalesce(row.absent)`, nil},
		{`row.absent.?x.orValue("none")`, "none"},
		{`row.?absent.orValue("none")`, "none"},
		{`row.?nil.hasValue()`, false},
		{`row.obj.?x.y.orValue(0)`, int64(7)},
		// numbers of a source have the types they come with
		{`row.n + 1`, int64(4)},
		{`row.d + 1`, failure("no such overload for (double, int)")},
		{`row.d + 1.0`, 3.5},
		{`sum([row.n, row.d])`, 5.5},
		{`min(row.n, row.d)`, 2.5},
		{`max(row.n, row.absent)`, int64(3)},
		{`round(row.d)`, 3.0},
		{`round(row.n)`, int64(3)},
		{`round(row.n, 1)`, 3.0},
		{`round(row.code)`, failure("no such overload for (string)")},
		{`sum(row.tags)`, failure("sum")},
		{`row.n > 2.5`, true},
		// json and pairs
		{`json(row.json)`, map[string]any{"color": "red", "sizes": []any{int64(1), 2.5}, "deep": map[string]any{"x": nil}}},
		{`json(row.json).color`, "red"},
		{`json(row.json).absent`, nil},
		{`json(row.json).deep.x.y`, nil},
		{`json(row.json).sizes[1]`, 2.5},
		{`json(row.broken)`, failure("json(row.broken)")},
		{`json(row.empty)`, nil},
		{`json(row.absent)`, nil},
		{`json(row.n)`, failure("no such overload")},
		{`pairs(row, "attribute_key_", "attribute_value_")`, map[string]any{"color": "red", "size": int64(4)}},
		{`pairs(row, "attribute_key_", "attribute_value_").color`, "red"},
		{`pairs(row, "attribute_key_", "attribute_value_").void`, nil},
		{`pairs(row, "x_", "y_")`, map[string]any{}},
		{`pairs(row.absent, "x_", "y_")`, nil},
		{`pairs({"k1": "a", "v1": 2}, "k", "v")`, map[string]any{"a": int64(2)}},
	} {
		t.Run(c.text, func(t *testing.T) { check(t, mustValue(t, env, c.text), v, c.want) })
	}
}

func TestRowWithoutValues(t *testing.T) {
	env := RowEnv(RowShape{Item: true, Path: true})
	for _, text := range []string{`row`, `row.a`, `item.a.b`, `path.a`, `row.a + 1`} {
		check(t, mustValue(t, env, text), &Vars{}, nil)
	}
}

func TestOfferWithoutBatch(t *testing.T) {
	x := mustValue(t, OfferEnv(offers(t), OfferOptions{}), `offer.price`)
	check(t, x, &Vars{}, failure("there is no offer"))
}

func TestDecide(t *testing.T) {
	offers, rows, its := OfferEnv(offers(t), OfferOptions{Now: true}), RowEnv(RowShape{Item: true}), ItEnv(offers(t))
	full, empty := offerVars(t)
	full.It, empty.It = full.Offer, empty.Offer
	row := rowVars()
	for _, c := range []struct {
		env    *Env
		text   string
		v      *Vars
		want   Outcome
		reason string
	}{
		{offers, `offer.price > 10`, full, True, ""},
		{offers, `offer.price > 20`, full, False, ""},
		{offers, `offer.price > 10`, empty, Undecided, "offer.price is null"},
		{offers, `offer.flag`, empty, Undecided, "the condition is null"},
		{offers, `!offer.flag`, empty, Undecided, "offer.flag is null"},
		{offers, `offer.flag && offer.price > 10`, empty, Undecided, "offer.flag is null"},
		{offers, `offer.price > 10 || offer.stock / 0 > 1`, empty, Undecided, "offer.price is null"},
		{offers, `offer.price > 10 && 1 / (offer.name == null ? 0 : 1) > 1`, empty, Failed, `1 / ((offer.name == null) ? 0 : 1): division by zero`},
		{offers, `1 / (offer.name == null ? 0 : 1) > 1 && offer.price > 10`, empty, Failed, "division by zero"},
		{offers, `offer.price < 10 && 1 / offer.sold > 1`, full, False, ""},
		{offers, `offer.price > 10 || 1 / offer.sold > 1`, full, True, ""},
		{offers, `1 / offer.sold > 1`, full, Failed, "1 / offer.sold: division by zero"},
		{offers, `!(1 / offer.sold > 1)`, full, Failed, "1 / offer.sold: division by zero"},
		{offers, `offer.tags[5] == "x"`, full, Failed, "offer.tags[5]: index out of bounds: 5"},
		{offers, `offer.tags[0].startsWith("x")`, empty, Failed, "index out of bounds: 0"},
		{offers, `offer.tags.exists(t, t.size() > 9)`, full, Undecided, "t is null"},
		{offers, `offer.tags.exists(t, t.size() == 3)`, full, True, ""},
		{offers, `offer.tags.all(t, t.size() > 9)`, full, False, ""},
		{offers, `offer.prices.exists(p, p.gross > 1000 || 1 / 0 > 1)`, full, Failed, "1 / 0: division by zero"},
		{offers, `offer.prices.exists(p, p.gross > 1000 && 1 / 0 > 1)`, full, Failed, "1 / 0: division by zero"},
		{offers, `now > offer.seen`, full, True, ""},
		{offers, `now > offer.seen`, empty, Undecided, "offer.seen is null"},
		{offers, `offer.shop.name == "x"`, empty, False, ""},
		{offers, `offer.shop.rating > 1`, empty, Undecided, "offer.shop.rating is null"},
		{offers, `offer.name in ["a", "b"]`, empty, False, ""},
		{offers, `offer.stock in [1, 3]`, full, True, ""},
		{its, `it.price > 10 && it.shop.name == "WELLCOME"`, full, True, ""},
		{its, `it.price > 10`, empty, Undecided, "it.price is null"},
		{rows, `row.yes`, row, True, ""},
		{rows, `row.absent`, row, Undecided, "the condition is null"},
		{rows, `row.code`, row, Failed, "the condition is a string"},
		{rows, `row.code && true`, row, Failed, "no such overload for (string)"},
		{rows, `item.price != ""`, row, True, ""},
		{rows, `item.promo.size() > 1`, row, Undecided, "item.promo is null"},
	} {
		t.Run(c.text, func(t *testing.T) {
			outcome, err := mustPredicate(t, c.env, c.text).Decide(c.v)
			if outcome != c.want {
				t.Errorf("got %v (%v), want %v", outcome, err, c.want)
			}
			if (err != nil) != (outcome == Undecided || outcome == Failed) {
				t.Errorf("%v with error %v", outcome, err)
			}
			if err != nil && !contains(err.Error(), c.reason) {
				t.Errorf("reason %q, want %q", err, c.reason)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	offers, rows := OfferEnv(offers(t), OfferOptions{Now: true, Shared: Shared{"city": diag.Plain("offer.shop.home.city")}}), RowEnv(RowShape{Item: true, Path: true})
	for _, c := range []struct {
		env   *Env
		text  string
		path  []string
		paths [][]string
	}{
		{offers, `offer.price`, []string{"offer", "price"}, [][]string{{"offer", "price"}}},
		{offers, `(offer.shop.name)`, []string{"offer", "shop", "name"}, [][]string{{"offer", "shop", "name"}}},
		{offers, `offer.attrs["a.b"]`, []string{"offer", "attrs", "a.b"}, [][]string{{"offer", "attrs", "a.b"}}},
		{offers, `shared.city`, []string{"offer", "shop", "home", "city"}, [][]string{{"offer", "shop", "home", "city"}}},
		{offers, `now`, []string{"now"}, [][]string{{"now"}}},
		{offers, `offer`, []string{"offer"}, [][]string{{"offer"}}},
		{offers, `offer.price + 1.0`, nil, [][]string{{"offer", "price"}}},
		{offers, `offer.prices[0].gross`, nil, [][]string{{"offer", "prices"}}},
		{offers, `offer.attrs[offer.name]`, nil, [][]string{{"offer", "attrs"}, {"offer", "name"}}},
		{offers, `has(offer.shop.name) && offer.shop.name != offer.name`, nil, [][]string{{"offer", "name"}, {"offer", "shop", "name"}}},
		{offers, `offer.shop == null || offer.shop.name == ""`, nil, [][]string{{"offer", "shop"}, {"offer", "shop", "name"}}},
		{offers, `offer.prices.filter(p, p.gross > offer.price).map(p, p.currency)`, nil, [][]string{{"offer", "price"}, {"offer", "prices"}}},
		{offers, `offer.?shop.?name`, nil, [][]string{{"offer"}}},
		{offers, `1 + 1`, nil, nil},
		{rows, `row["name.en_US"]`, []string{"row", "name.en_US"}, [][]string{{"row", "name.en_US"}}},
		{rows, `row.a["b"].c`, []string{"row", "a", "b", "c"}, [][]string{{"row", "a", "b", "c"}}},
		{rows, `row.a[0]`, nil, [][]string{{"row", "a"}}},
		{rows, `row.a[row.b].c`, nil, [][]string{{"row", "a"}, {"row", "b"}}},
		{rows, `item.x == path.y`, nil, [][]string{{"item", "x"}, {"path", "y"}}},
		{rows, `pairs(row, "k", "v")`, nil, [][]string{{"row"}}},
		{rows, `"x" in row.a`, nil, [][]string{{"row", "a"}}},
	} {
		t.Run(c.text, func(t *testing.T) {
			x := mustValue(t, c.env, c.text)
			if x.Text() != c.text {
				t.Errorf("text %q", x.Text())
			}
			path, plain := x.Path()
			if plain != (c.path != nil) {
				t.Errorf("plain is %v", plain)
			}
			if diff := cmp.Diff(c.path, path); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.paths, x.Paths()); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	offers, rows := OfferEnv(offers(t), OfferOptions{Now: true}), RowEnv(RowShape{})
	for _, c := range []struct {
		env  *Env
		text string
		want string // empty: unknown
	}{
		{offers, `offer.eur`, "decimal(12,2)"},
		{offers, `offer.day`, "date"},
		{offers, `offer.shop.home`, "struct{city: string, zip: int}"},
		{offers, `offer.shop`, "struct{name: string, rating: double, tags: list(string), home: struct{city: string, zip: int}}"},
		{offers, `offer.attrs.color`, "string"},
		{offers, `offer.grid`, "list(list(int))"},
		{offers, `offer.eur + 1`, "double"},
		{offers, `offer.name + "x"`, "string"},
		{offers, `offer.price > 1`, "bool"},
		{offers, `offer.stock + 1`, "int"},
		{offers, `first(offer.prices)`, "struct{currency: string, gross: double, since: timestamp}"},
		{offers, `first(offer.prices).since`, "timestamp"},
		{offers, `offer.prices.map(p, p.gross)`, "list(double)"},
		{offers, `{"a": offer.stock}`, "map(int)"},
		{offers, `coalesce(offer.price, 0)`, "double"},
		{offers, `coalesce(offer.name, "x")`, "string"},
		{offers, `sum(offer.counts)`, "int"},
		{offers, `avg(offer.counts)`, "double"},
		{offers, `min(offer.prices.map(p, p.since))`, "timestamp"},
		{offers, `now`, "timestamp"},
		{offers, `now - offer.seen`, ""},
		{offers, `b"x"`, ""},
		{offers, `{1: 2}`, ""},
		{offers, `[]`, ""},
		{offers, `null`, ""},
		{offers, `dyn(offer.name)`, ""},
		{rows, `row.x`, ""},
		{rows, `row`, ""},
		{rows, `string(row.x)`, "string"},
	} {
		typ, known := mustValue(t, c.env, c.text).Type()
		if got := typ.String(); known != (c.want != "") || known && got != c.want {
			t.Errorf("%s is a %s (%v), want %q", c.text, got, known, c.want)
		}
	}
}
