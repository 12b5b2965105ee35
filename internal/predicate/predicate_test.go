package predicate

import (
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// offers is the schema of most tests: every kind of column.
func offers(t testing.TB) offer.Schema {
	return schemaOf(t,
		"id string", "name string", "code string", "flag bool", "stock int", "sold int", "price double", "msrp double",
		"eur decimal(12,2)", "seen timestamp", "day date", "tags list(string)", "scores list(double)", "counts list(int)",
		"attrs map(string)", "weights map(double)", "shop struct{name: string, rating: double, tags: list(string), home: struct{city: string, zip: int}}",
		"prices list(struct{currency: string, gross: double, since: timestamp})", "grid list(list(int))",
	)
}

func schemaOf(t testing.TB, columns ...string) offer.Schema {
	t.Helper()
	var schema offer.Schema
	for _, c := range columns {
		name, text, _ := strings.Cut(c, " ")
		typ, err := offer.ParseType(text)
		if err != nil {
			t.Fatal(err)
		}
		schema = append(schema, offer.Field{Name: name, Type: typ})
	}
	return schema
}

// batchOf reads rows, a JSON array, into a record, under a checked allocator.
func batchOf(t testing.TB, schema offer.Schema, rows string) arrow.RecordBatch {
	t.Helper()
	record, _, err := array.RecordFromJSON(checkedAllocator(t), schema.Arrow(), strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(record.Release)
	return record
}

// checkedAllocator fails the test unless all of it is released in its cleanups.
func checkedAllocator(t testing.TB) memory.Allocator {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}

func mustValue(t testing.TB, e *Env, text string) *Expr {
	t.Helper()
	x, mistakes := e.Value(diag.Plain(text))
	if mistakes != nil {
		t.Fatalf("%s:\n%v", text, mistakes)
	}
	return x
}

func mustPredicate(t testing.TB, e *Env, text string) *Expr {
	t.Helper()
	x, mistakes := e.Predicate(diag.Plain(text))
	if mistakes != nil {
		t.Fatalf("%s:\n%v", text, mistakes)
	}
	return x
}

// oneOffer has a value in every column; noOffer has none but its id.
const (
	oneOffer = `{"id": "a", "name": "Käse", "code": "P1", "flag": true, "stock": 3, "sold": 0, "price": 12.5, "msrp": 12,
		"eur": "10.10", "seen": "2026-01-31T10:00:00Z", "day": "2026-01-31", "tags": ["new", "hot", null], "scores": [1.5, 2], "counts": [1, null, 3],
		"attrs": [{"key": "color", "value": "red"}, {"key": "size", "value": null}], "weights": [{"key": "net", "value": 2.5}],
		"shop": {"name": "WELLCOME", "rating": 4.5, "tags": ["x"], "home": {"city": "HK", "zip": 7}},
		"prices": [{"currency": "EUR", "gross": 9.5, "since": null}, {"currency": "HKD", "gross": 80, "since": "2026-01-01T00:00:00Z"}, null],
		"grid": [[1, 2], [], [3]]}`
	noOffer = `{"id": "b"}`
)

func offerVars(t testing.TB) (full, empty *Vars) {
	b := NewBatch(batchOf(t, offers(t), "["+oneOffer+","+noOffer+"]"))
	now := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	return &Vars{Offer: Row{b, 0}, Now: now}, &Vars{Offer: Row{b, 1}, Now: now}
}

// failure is what a table expects where there is an *EvalError with this in it.
type failure string

func check(t *testing.T, x *Expr, v *Vars, want any) {
	t.Helper()
	got, err := x.Eval(v)
	if w, ok := want.(failure); ok {
		if err == nil || !strings.Contains(err.Error(), string(w)) {
			t.Errorf("%s = %v, error %v, want an error with %q", x.Text(), got, err, w)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", x.Text(), err)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", x.Text(), diff)
	}
}

func TestOfferValues(t *testing.T) {
	env := OfferEnv(offers(t), OfferOptions{Now: true})
	full, empty := offerVars(t)
	for _, c := range []struct {
		text        string
		full, empty any
	}{
		// columns
		{`offer.name`, "Käse", nil},
		{`offer.eur`, 10.1, nil},
		{`offer.day`, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), nil},
		{`offer.seen`, time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC), nil},
		{`offer.tags`, []any{"new", "hot", nil}, []any{}},
		{`offer.attrs`, map[string]any{"color": "red", "size": nil}, map[string]any{}},
		{`offer.shop`, map[string]any{"name": "WELLCOME", "rating": 4.5, "tags": []any{"x"}, "home": map[string]any{"city": "HK", "zip": int64(7)}}, nil},
		{`offer.shop.home.city`, "HK", nil},
		{`offer.shop.tags`, []any{"x"}, nil},
		{`offer.attrs.color`, "red", failure("no such key: color")},
		{`offer.attrs["color"]`, "red", failure("no such key: color")},
		{`offer.grid`, []any{[]any{int64(1), int64(2)}, []any{}, []any{int64(3)}}, []any{}},
		{`now`, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		// null scalars
		{`offer.price >= 4.0`, true, nil},
		{`offer.price == 4.0`, false, false},
		{`offer.price != 4.0`, true, true},
		{`offer.price == null`, false, true},
		{`null == offer.price`, false, true},
		{`offer.name.size()`, int64(4), nil},
		{`offer.name + "!"`, "Käse!", nil},
		{`"<" + offer.name`, "<Käse", nil},
		{`offer.name.contains(offer.code)`, false, nil},
		{`string(offer.price)`, "12.5", nil},
		{`[offer.price, 1.0]`, []any{12.5, 1.0}, []any{nil, 1.0}},
		// && and ||
		{`false && offer.price > 1.0`, false, false},
		{`offer.price > 1.0 && false`, false, false},
		{`offer.price > 1.0 || true`, true, true},
		{`true || offer.price > 1.0`, true, true},
		{`true && offer.price > 1.0`, true, nil},
		{`offer.price > 1.0 || false`, true, nil},
		{`!(offer.price > 1.0)`, false, nil},
		{`offer.flag && true`, true, nil},
		{`offer.flag || false`, true, nil},
		{`!offer.flag`, false, nil},
		{`offer.flag ? 1 : 2`, int64(1), nil},
		// other errors
		{`1 / offer.sold`, failure("division by zero"), nil},
		{`offer.price > 1.0 && 1 / 0 > 1`, failure("division by zero"), failure("division by zero")},
		{`1 / 0 > 1 && offer.price > 1.0`, failure("division by zero"), failure("division by zero")},
		{`offer.price < 1.0 && 1 / 0 > 1`, false, failure("division by zero")},
		{`offer.tags[0]`, "new", failure("index out of bounds: 0")},
		{`offer.tags[7]`, failure("index out of bounds: 7"), failure("index out of bounds: 7")},
		{`offer.attrs[offer.code]`, failure("no such key: P1"), nil},
		{`offer.stock + 9223372036854775807`, failure("overflow"), nil},
		{`int(offer.name)`, failure("int(offer.name): type conversion error"), nil},
		{`timestamp(offer.name)`, failure("timestamp(offer.name)"), nil},
		{`dyn(offer.name) + 1`, failure("no such overload for (string, int)"), nil},
		{`dyn(offer.name).foo`, failure("a string has no element foo"), nil},
		// structs
		{`offer.shop == null`, false, true},
		{`has(offer.shop)`, true, false},
		{`has(offer.shop.rating)`, true, false},
		{`has(offer.shop.home.city)`, true, false},
		{`has(offer.shop.tags)`, true, false},
		{`offer.shop.rating + 1.0`, 5.5, nil},
		{`offer.shop == offer.shop`, true, true},
		{`offer.shop.name in ["WELLCOME", "PARKNSHOP"]`, true, false},
		{`first(offer.prices)`, map[string]any{"currency": "EUR", "gross": 9.5, "since": nil}, nil},
		{`first(offer.prices).gross`, 9.5, nil},
		{`first(offer.prices.filter(p, p.currency == "HKD")).gross`, 80.0, nil},
		{`offer.prices[2] == null`, true, failure("index out of bounds: 2")},
		{`offer.prices[2].gross`, nil, failure("index out of bounds: 2")},
		{`offer.prices.map(p, p.gross)`, []any{9.5, 80.0, nil}, []any{}},
		{`offer.prices.map(p, has(p.since))`, []any{false, true, false}, []any{}},
		{`offer.prices.filter(p, has(p.gross) && p.gross > 10)`, []any{map[string]any{"currency": "HKD", "gross": 80.0, "since": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}, []any{}},
		{`offer.prices.filter(p, p.gross > 10)`, nil, []any{}},
		// lists and maps
		{`has(offer.tags)`, true, false},
		{`has(offer.name)`, true, false},
		{`size(offer.tags)`, int64(3), int64(0)},
		{`"hot" in offer.tags`, true, false},
		{`offer.tags.exists(t, t == "hot")`, true, false},
		{`offer.tags.exists(t, t.startsWith("h"))`, true, false},
		{`offer.tags.exists(t, t.startsWith("z"))`, nil, false},
		{`offer.tags.all(t, t.size() > 0)`, nil, true},
		{`offer.tags.exists_one(t, t.startsWith("h"))`, nil, false},
		{`offer.tags + ["x"]`, []any{"new", "hot", nil, "x"}, []any{"x"}},
		{`offer.tags.join(",")`, failure("join"), ""},
		{`has(offer.attrs)`, true, false},
		{`has(offer.attrs.color)`, true, false},
		{`has(offer.attrs.size)`, false, false},
		{`"size" in offer.attrs`, true, false},
		{`has(dyn(offer).attrs.size)`, false, false},
		{`dyn(offer).attrs.size`, nil, failure("no such key: size")},
		{`offer.attrs.?size.orValue("none")`, "none", "none"},
		{`{"b": 1, "a": 2, "c": 3}.map(k, k)`, []any{"a", "b", "c"}, []any{"a", "b", "c"}},
		{`{10: 1, 9: 2}.map(k, k)`, []any{int64(9), int64(10)}, []any{int64(9), int64(10)}},
		{`has({"a": null}.a)`, true, true},
		{`offer.attrs.size`, nil, failure("no such key: size")},
		{`offer.attrs.map(k, k).sort()`, []any{"color", "size"}, []any{}},
		{`offer.grid.map(r, r.map(x, x * 2))`, []any{[]any{int64(2), int64(4)}, []any{}, []any{int64(6)}}, []any{}},
		{`offer.grid.map(r, size(r))`, []any{int64(2), int64(0), int64(1)}, []any{}},
		// optional
		{`offer.?name.orValue("none")`, "Käse", "none"},
		{`offer.?price.orValue(0)`, 12.5, 0.0},
		{`offer.?shop.?home.?city.orValue("none")`, "HK", "none"},
		{`offer.?shop.home.city.orValue("none")`, "HK", "none"},
		{`offer.attrs[?"color"].orValue("none")`, "red", "none"},
		{`offer.tags[?9].orValue("none")`, "none", "none"},
		{`offer.?name.hasValue()`, true, false},
		{`offer.?name`, "Käse", nil},
		{`offer.?name.optMap(n, n + "!").orValue("none")`, "Käse!", "none"},
		{`[?offer.?name, "x"]`, []any{"Käse", "x"}, []any{"x"}},
		{`{?"n": offer.?name}`, map[string]any{"n": "Käse"}, map[string]any{}},
		// our functions
		{`coalesce(offer.name, offer.code, "x")`, "Käse", "x"},
		{`coalesce(offer.price * 2.0, 1)`, 25.0, 1.0},
		{`coalesce(1 / offer.sold, 5)`, failure("division by zero"), int64(5)},
		{`coalesce(offer.name)`, "Käse", nil},
		{`coalesce(offer.price, offer.msrp, 0)`, 12.5, 0.0},
		{`first(offer.tags)`, "new", nil},
		{`count(offer.tags)`, int64(2), int64(0)},
		{`sum(offer.scores)`, 3.5, 0.0},
		{`sum(offer.scores) * 2`, 7.0, 0.0},
		{`sum(offer.counts)`, int64(4), int64(0)},
		{`avg(offer.scores)`, 1.75, nil},
		{`avg(offer.counts)`, 2.0, nil},
		{`min(offer.scores)`, 1.5, nil},
		{`max(offer.counts)`, int64(3), nil},
		{`min(offer.tags)`, "hot", nil},
		{`max(offer.prices.map(p, p.since))`, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), nil},
		{`min(offer.price, offer.msrp)`, 12.0, nil},
		{`max(offer.price, 20)`, 20.0, 20.0},
		{`round(offer.price)`, 13.0, nil},
		{`round(1.005, 2)`, 1.01, 1.01},
		{`round(offer.stock)`, int64(3), nil},
		{`avg(offer.prices.map(p, p.gross))`, 44.75, nil},
		// literals beside doubles
		{`offer.price == 12`, false, false},
		{`offer.msrp == 12`, true, false},
		{`12 == offer.msrp`, true, false},
		{`offer.msrp in [1, 12]`, true, false},
		{`12 in offer.scores`, false, false},
		{`2 in offer.scores`, true, false},
		{`offer.msrp != 3`, true, true},
		{`offer.price * 2`, 25.0, nil},
		{`2 * offer.price - 1`, 24.0, nil},
		{`offer.price / 2 + 1`, 7.25, nil},
		{`offer.flag ? offer.price : 0`, 12.5, nil},
		{`(offer.flag ? 12 : 13) == offer.msrp`, true, nil},
		{`offer.msrp == -12`, false, false},
		{`offer.price * 2 == 25`, true, nil},
		{`offer.scores == [1, 2]`, false, false},
		{`offer.prices.exists(p, p.gross == 80)`, true, false},
		{`[offer.price, 0]`, []any{12.5, 0.0}, []any{nil, 0.0}},
		{`offer.stock * 2`, int64(6), nil},
		{`offer.stock == 3`, true, false},
		{`offer.stock > 2.5`, true, nil},
		{`offer.price > 12`, true, nil},
		// decimals, NaN
		{`offer.eur == 10.10`, true, false},
		{`offer.eur * 100`, 1010.0, nil},
		{`0.0 / 0.0 < 1.0`, false, false},
		{`0.0 / 0.0 >= 1.0`, false, false},
		{`0.0 / 0.0 == 0.0 / 0.0`, false, false},
		{`0.0 / 0.0 != 0.0 / 0.0`, true, true},
		// strings and time
		{`offer.name.matches("s")`, true, nil},
		{`offer.name.matches("^s")`, false, nil},
		{`offer.name.matches(offer.name)`, true, nil},
		{`offer.name.lowerAscii()`, "käse", nil},
		{`"b" < "B"`, false, false},
		{`offer.seen.getMonth()`, int64(0), nil},
		{`offer.seen.getHours("Asia/Hong_Kong")`, int64(18), nil},
		{`now - offer.seen`, 14 * time.Hour, nil},
		{`now - offer.seen < duration("36h")`, true, nil},
		{`offer.day < now`, true, nil},
		{`offer.seen == null`, false, true},
		{`string(timestamp("2026-10-25T02:30:00+02:00"))`, "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z"},
		{`timestamp(dyn("2026-10-25T02:30:00+02:00")).getHours()`, int64(0), int64(0)},
		{`(timestamp("2026-10-25T23:30:00-02:00") + duration("0s")).getDate()`, int64(26), int64(26)},
		{`math.greatest(offer.price, 20.0)`, 20.0, nil},
		{`b"ab"`, []byte("ab"), []byte("ab")},
		{`2u`, uint64(2), uint64(2)},
		{`type(offer.stock) == int`, true, false},
		{`{"a": 1, "b": offer.stock}`, map[string]any{"a": int64(1), "b": int64(3)}, map[string]any{"a": int64(1), "b": nil}},
		{`{1: 2}`, failure("a map's keys are texts"), failure("a map's keys are texts")},
		{`int`, failure("no value that a column holds"), failure("no value that a column holds")},
	} {
		t.Run(c.text, func(t *testing.T) {
			x := mustValue(t, env, c.text)
			check(t, x, full, c.full)
			check(t, x, empty, c.empty)
		})
	}
}

func contains(text, part string) bool { return strings.Contains(text, part) }
