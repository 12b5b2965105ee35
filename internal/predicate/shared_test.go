package predicate

import (
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/diag"
)

// sharedTexts makes shared expressions that stand in a file, one a line.
func sharedTexts(lines ...string) Shared {
	data := "shared:\n  " + strings.Join(lines, "\n  ") + "\n"
	file := diag.NewFile("feeds/shared.yaml", []byte(data))
	shared := Shared{}
	for i, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		col := 2 + len([]rune(name)) + 2 + 1
		shared[name] = diag.Text{File: file, Value: value, Marks: []diag.Mark{{Offset: 0, Line: i + 2, Col: col}}}
	}
	return shared
}

func TestShared(t *testing.T) {
	env := OfferEnv(offers(t), OfferOptions{Shared: sharedTexts(
		`sellable: offer.price > 0 && has(offer.name)`,
		`good: shared.sellable && shared.rating >= 4`,
		`rating: coalesce(offer.shop.rating, shared.zero)`,
		`zero: 0.0`,
		`limit: 12`,
		`hot: offer.tags.exists(t, t == "hot" && shared.sellable)`,
		`city: offer.shop.home`,
	)})
	if mistakes := env.CheckShared(); mistakes != nil {
		t.Fatal(mistakes)
	}
	full, empty := offerVars(t)
	for _, c := range []struct {
		text        string
		full, empty any
	}{
		{`shared.sellable`, true, false},
		{`!shared.sellable || shared.good`, true, true},
		{`shared.good`, true, false},
		{`shared.rating + shared.zero`, 4.5, 0.0},
		{`shared.hot`, true, false},
		{`offer.tags.all(t, shared.hot)`, true, true},
		{`shared.city.city`, "HK", nil},
		{`shared.city.zip == shared.limit`, false, false},
		// a promoted literal in one use does not change another
		{`offer.msrp == shared.limit`, true, false},
		{`offer.stock * shared.limit`, int64(36), nil},
	} {
		x := mustValue(t, env, c.text)
		check(t, x, full, c.full)
		check(t, x, empty, c.empty)
	}
}

func TestSharedMistakes(t *testing.T) {
	env := OfferEnv(offers(t), OfferOptions{Shared: sharedTexts(
		`a: shared.b && true`,
		`b: shared.c || false`,
		`c: offer.flag && shared.a`,
		`self: shared.self`,
		`typo: offer.pirce > 3 && shared.sellabel`,
		`usestypo: shared.typo || offer.nmae == ""`,
		`syntax: offer.price >`,
		`kind: offer.name + 1`,
		`sellable: offer.price > 0`,
		`free: x > 1`,
		`text: '"ä" + offer.nam'`,
		`limit: offer.stock + 1`,
	)})
	var out strings.Builder
	out.WriteString(env.CheckShared().Error() + "\n")
	feed := diag.NewFile("feeds/f.yaml", []byte("feed: f\nwhere: >-\n  shared.usestypo\n  && offer.stokc > 1\n"))
	where := diag.Text{File: feed, Value: "shared.usestypo && offer.stokc > 1", Marks: []diag.Mark{{Offset: 0, Line: 3, Col: 3}, {Offset: 16, Line: 4, Col: 3}}}
	_, mistakes := env.Predicate(where)
	out.WriteString("\n# used in a feed\n\n" + mistakes.Error() + "\n")
	for _, text := range []string{`shared.sellable + 1`, `offer.tags.exists(x, shared.free)`, `offer.tags.exists(shared, shared.sellable)`, `shared.a`,
		`offer.flag && shared.limit`, `!shared.limit`, `shared.limit.x == 1`, `shared.limit.exists(x, true)`} {
		_, mistakes := env.Predicate(diag.Plain(text))
		if mistakes == nil {
			t.Errorf("%s is accepted", text)
		}
		out.WriteString("\n# " + text + "\n\n" + mistakes.Error() + "\n")
	}
	golden(t, "shared.txt", out.String())
}

// TestSharedGrowth doubles an expression until it is too large to be one.
func TestSharedGrowth(t *testing.T) {
	shared := Shared{"x0": diag.Plain("offer.stock")}
	name := "x0"
	for i := 1; i < 40; i++ {
		next := "x" + string(rune('a'+i%26)) + strings.Repeat("y", i/26)
		shared[next] = diag.Plain("shared." + name + " + shared." + name)
		name = next
	}
	env := OfferEnv(offers(t), OfferOptions{Shared: shared})
	if mistakes := env.CheckShared(); mistakes == nil || !strings.Contains(mistakes.Error(), "grows too large") {
		t.Errorf("got %v", mistakes)
	}
}

// TestSharedOrder compiles in any order and finds the same mistakes.
func TestSharedOrder(t *testing.T) {
	texts := []string{`a: shared.b`, `b: shared.c`, `c: shared.a`, `d: shared.a && shared.c`}
	want := OfferEnv(offers(t), OfferOptions{Shared: sharedTexts(texts...)}).CheckShared().Error()
	env := OfferEnv(offers(t), OfferOptions{Shared: sharedTexts(texts...)})
	for _, text := range []string{"shared.c", "shared.d", "shared.b"} {
		if _, mistakes := env.Value(diag.Plain(text)); mistakes == nil {
			t.Errorf("%s is accepted", text)
		}
	}
	if got := env.CheckShared().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
