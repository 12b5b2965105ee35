package predicate

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/diag"
)

var update = flag.Bool("update", false, "write the goldens")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and read the difference\n%s", path, got)
	}
}

// TestMistakes prints what is said about expressions that do not compile.
func TestMistakes(t *testing.T) {
	shared := Shared{
		"sellable": diag.Plain("offer.price > 0 && has(offer.name)"),
		"limit":    diag.Plain("100"),
	}
	offerEnv := OfferEnv(offers(t), OfferOptions{Shared: shared})
	var out strings.Builder
	for _, g := range []struct {
		title string
		env   *Env
		texts []string
	}{
		{"syntax", offerEnv, []string{
			``, `  `, `offer.price >`, `offer.price = 3`, `offer.price > 3 and offer.stock > 1`, `offer.flag or true`, `not offer.flag`,
			`offer.price <> 3`, `(offer.price > 3`, `offer.name == "abc`, `offer.name == "a\q"`, `offer.price > 3)`, `offer.tags[0`, `offer..price`,
			`offer.price & 1`, `99999999999999999999`, `offer.name is null`, `offer.name like "x"`, `offer.flag ? 1`, `has(offer)`, `coalesce()`, `offer.null`,
			`offer.tags.exists(1, true)`, `offer.tags.exists(i, t, t == "a")`, `offer.tags.filter(true)`, `if offer.flag`, "offer.price > 3\n  && offer.stock >> 1", `"ä" + offer.name +`,
			`offer.flag && not offer.flag`, `(NOT offer.flag)`, `offer.name not in ["a"]`, `offer.name == "a" and offer.notes not  in ["a"]`, `offer.price between 1 and 2`, `offer.name === "a"`, `offer.name !== "a"`,
			`offer.price =< 3.0`, `offer.price => 3.0`, `offer.name := "a"`, `offer.price ** 2`, `offer.flag;`, `offer.name in ("a", "b")`, `offer.price > 1,5`, `min(offer.price,, 2)`,
			`has("x")`, `offer.tags.exists("x", true)`, `offer.name == “a”`, "offer.name\u00a0== 'a'", "offer.name\u200b == 'a'", `offer.größe`, `offer.price – 1`, `offer.price > 5€`, `cannot offer.flag`, `offer.İ == not x`,
		}},
		{"names", offerEnv, []string{
			`offer.pirce > 3`, `offer.shop.ratng > 3.0`, `price > 3`, `row.price`, `item`, `now`, `offers.price`, `siez(offer.tags)`, `offer.tags.joim(",")`,
			`offer.name.size().foo`, `offer.prices.exists(p, p.gros > 3.0)`, `offer.prices.exists(p, q.gross > 3.0)`, `math.flor(1.5)`, `shared.selable`,
			`shared`, `shared.sellable.x`, `has(shared.sellable)`, `offer.tags.exists(offer, true)`, `"ää" == offer.nmae`, `foo.bar()`,
			`offer.pirce > offer.stokc && offer.nam == 1`, `google.protobuf.Int32Value{value: 1}`,
			`offer.?nmae`, `offer.?shop.nmae`, `offer.?shop.?nmae`, `has(offer.nmae)`, `has(offer.shop.ratng) && has( offer.flga )`, `!has(shared.selable)`,
			`offer.prices.exists(p, has(p.gros))`, `offer.nmae.exists(t, has(t.x))`, `offer.tags.map(now, offer, true).size() > 0`, `offer.name.lowerAscii().exists(c, true)`,
			`sellable`, `offer.name == NULL`, `offer.name == None`, `offer.flag == True`, `today`, `lower(offer.name)`, `offer.name.toLowerCase()`, `len(offer.name)`, `offer.name.length`, `not(offer.flag)`,
			`offer.tags.filter(t, t).size() > 0`, `offer.tags.filter(t, shared.limit) == []`,
		}},
		{"types", offerEnv, []string{
			`offer.price`, `offer.name`, `dyn(offer.flag)`, `offer.price > "3"`, `offer.name == 3`, `offer.price == offer.stock`, `offer.price * offer.stock > 1`,
			`offer.name + 1 == ""`, `offer.tags == null`, `offer.name && true`, `offer.flag ? 1 : "a"`, `offer.price ? true : false`, `offer.name.foo == 1`,
			`offer.name.exists(c, c == "a")`, `offer.tags.exists(t, t)`, `offer.name[0] == "a"`, `offer.tags["a"] == "a"`, `-offer.name == ""`, `!offer.price`,
			`offer.seen > "2026-01-31"`, `size(offer.price) > 1`, `offer.name.contains(1)`, `coalesce(offer.name, 1) == 1`, `offer.price % 2 == 0`, `offer.price % double(2) == 0`, `offer.tags.contains("x")`,
			`shared.limit && true`, `offer.flag && shared . limit && true`, `!shared.limit`,
			`shared.limit.exists(x, true)`, `offer.tags.exists(t, shared.limit)`, `shared.sellable ? shared.limit : "a"`,
			`offer.price == 9007199254740993`, `sum(offer.tags) > 1`, `offer.shop > 1`, `offer.seen.getHours(1) > 1`, `1 in offer.name`,
			`contains(offer.name, "x")`, `offer.scores.sum() > 1`, `math.mx(1, 2) > 1`,
		}},
		{"constants", offerEnv, []string{
			`offer.name.matches("(")`, `matches(offer.name, "a{2,1}")`, `offer.name.matches("a**")`, `offer.seen > timestamp("2026-13-01T00:00:00Z")`, `duration("3 days") > duration("1h")`,
		}},
		{"rows", RowEnv(RowShape{}), []string{`item.x == 1`, `has(row.in)`, `path.day == ""`, `row.x + `, `1 + "a"`, `row.x.siez()`, `1`, `offer.price > 3`}},
		{"joins", ItEnv(offers(t)), []string{`it.pirce > 3`, `offer.price > 3`, `shared.sellable`, `it.prices`}},
	} {
		out.WriteString("# " + g.title + "\n")
		for _, text := range g.texts {
			x, mistakes := g.env.Predicate(diag.Plain(text))
			if (x == nil) != (len(mistakes) > 0) {
				t.Errorf("%s: expression %v, mistakes %v", text, x, mistakes)
			}
			out.WriteString("\n" + mistakes.Error() + "\n")
		}
		out.WriteString("\n")
	}
	golden(t, "mistakes.txt", out.String())
}
