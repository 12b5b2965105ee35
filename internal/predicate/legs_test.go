package predicate

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
)

// tell writes a leg and those below it.
func (l *Leg) tell(b *strings.Builder, indent string) {
	b.WriteString(indent)
	if l.Shared != "" {
		b.WriteString("shared." + l.Shared + ": ")
	}
	if l.Join == "" {
		b.WriteString(l.Text() + "\n")
		return
	}
	b.WriteString(string(l.Join) + "\n")
	for _, leg := range l.Legs {
		leg.tell(b, indent+"  ")
	}
}

func TestLegs(t *testing.T) {
	env := OfferEnv(offers(t), OfferOptions{Now: true, Shared: sharedTexts(
		`sellable: offer.price > 0 && shared.named`, `named: has(offer.name)`, `hot: offer.tags.exists(t, t == "a && b")`, `limit: 12`, `alias: shared.sellable`, `few: offer.stock < shared.limit`, `either: shared.few || offer.sold > 1 || shared.hot`,
	)})
	for text, want := range map[string]string{
		`offer.stock > 0`: "offer.stock > 0\n",
		`offer.stock > 0 && (offer.stock < 9 && offer.sold != 1)`: "all of\n  offer.stock > 0\n  offer.stock < 9\n  offer.sold != 1\n",
		`offer.stock > 0 && offer.sold > 0 || has(offer.name)`:    "any of\n  all of\n    offer.stock > 0\n    offer.sold > 0\n  has(offer.name)\n",
		`shared.sellable && offer.stock > shared.limit`:           "all of\n  shared.sellable: all of\n    offer.price > 0.0\n    shared.named: has(offer.name)\n  offer.stock > 12\n",
		`shared.sellable`: "shared.sellable: all of\n  offer.price > 0.0\n  shared.named: has(offer.name)\n",
		`!(shared.hot) && (offer.stock > 1 ? true : shared.named)`:                                                                                                           "all of\n  !offer.tags.exists(t, t == \"a && b\")\n  (offer.stock > 1) ? true : has(offer.name)\n",
		"offer.tags.exists(t,\n  t == ')' && t != '\\'') && has(offer.name)":                                                                                                 "all of\n  offer.tags.exists(t, t == \")\" && t != \"'\")\n  has(offer.name)\n",
		`coalesce(offer.stock, offer.sold, 0) > 1 && coalesce(coalesce(offer.stock), 1) == 1`:                                                                                "all of\n  coalesce(offer.stock, offer.sold, 0) > 1\n  coalesce(coalesce(offer.stock), 1) == 1\n",
		`size(offer.tags.filter(t, t == "a")) >= 1 && !(offer.tags.exists(t, t != r"\") == has(offer.name))`:                                                                 "all of\n  size(offer.tags.filter(t, t == \"a\")) >= 1\n  !(offer.tags.exists(t, t != \"\\\\\") == has(offer.name))\n",
		"offer.name == 'me@home  now' && offer.attrs.`a.b` == \"x\" && math.greatest(offer.stock, 2) > min(3, offer.stock)":                                                  "all of\n  offer.name == \"me@home  now\"\n  offer.attrs.`a.b` == \"x\"\n  math.greatest(offer.stock, 2) > min(3, offer.stock)\n",
		`offer.tags.exists(t, shared.hot && t == "b") && (shared.hot == shared.named)`:                                                                                       "all of\n  offer.tags.exists(t, offer.tags.exists(t, t == \"a && b\") && t == \"b\")\n  offer.tags.exists(t, t == \"a && b\") == has(offer.name)\n",
		`!(offer.stock > 1 && offer.stock < 9 && offer.stock != 6 && has(offer.name)) && (has(offer.name) ? offer.stock == 1 || offer.stock == 2 || offer.sold == 3 : true)`: "all of\n  !(offer.stock > 1 && offer.stock < 9 && offer.stock != 6 && has(offer.name))\n  has(offer.name) ? (offer.stock == 1 || offer.stock == 2 || offer.sold == 3) : true\n",
		`offer.tags.exists(t, t == "a" || t == "b" && t != "x" && t != "y" || t == "c") && coalesce(offer.stock == 1 || offer.stock == 2 || offer.sold == 5, false)`:         "all of\n  offer.tags.exists(t, t == \"a\" || t == \"b\" && t != \"x\" && t != \"y\" || t == \"c\")\n  coalesce(offer.stock == 1 || offer.stock == 2 || offer.sold == 5, false)\n",
		`offer.tags.all(t, offer.tags.exists(u, u == t || u == "a" || (u == "b" && t == "c" && has(offer.name))))`:                                                           "offer.tags.all(t, offer.tags.exists(u, u == t || u == \"a\" || u == \"b\" && t == \"c\" && has(offer.name)))\n",
		`offer.tags.exists(t, t == "x" && shared.few && !shared.either)`:                                                                                                     "offer.tags.exists(t, t == \"x\" && offer.stock < 12 && !(offer.stock < 12 || offer.sold > 1 || offer.tags.exists(t, t == \"a && b\")))\n",
		`shared.alias || shared.hot`: "any of\n  shared.alias: all of\n    offer.price > 0.0\n    shared.named: has(offer.name)\n  shared.hot: offer.tags.exists(t, t == \"a && b\")\n",
	} {
		var b strings.Builder
		mustPredicate(t, env, text).Legs().tell(&b, "")
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// joined is what the outcomes of the legs make of a leg: an error is absorbed by
// what settles the junction.
func (l *Leg) joined(v *Vars) (outcome Outcome, undecided bool) {
	if l.Join == "" {
		outcome, _ = l.Expr.Decide(v)
		return outcome, outcome > True
	}
	settles, rest := False, True
	if l.Join == AnyOf {
		settles, rest = True, False
	}
	for _, leg := range l.Legs {
		o, open := leg.joined(v)
		if o == settles && !open {
			return settles, false
		}
		undecided = undecided || open
	}
	return rest, undecided
}

// The text of a leg, read again, says the same of every row.
func TestTextsOfRandomLegs(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := &generator{rand.New(rand.NewPCG(seed, 0))}
	env := OfferEnv(offers(t), OfferOptions{Now: true})
	vars := &Vars{Offer: Row{Batch: randomRows(t, g, 40)}, Now: time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)}
	read := 0
	for range 300 {
		x, mistakes := env.Predicate(diag.Plain("!(" + g.of("bool", 2) + " && " + g.of("bool", 2) + " && " + g.of("bool", 3) + ") || [" + g.of("bool", 2) + " || " + g.of("bool", 1) + " || " + g.of("bool", 1) + "].exists(b, b)"))
		if mistakes != nil {
			continue
		}
		for _, leg := range append(x.Legs().Legs, x.Legs()) {
			again, mistakes := env.Predicate(diag.Plain(leg.Text()))
			if mistakes != nil {
				t.Fatalf("%s: %v", leg.Text(), mistakes)
			}
			read++
			for i := range 40 {
				vars.Offer.Index = i
				want, _ := leg.Expr.Decide(vars)
				if got, _ := again.Decide(vars); got != want {
					t.Fatalf("of %s, row %d: %s is %v, and read again %v", x.Text(), i, leg.Text(), want, got)
				}
			}
		}
	}
	if read < 300 {
		t.Errorf("only %d texts", read)
	}
}

// The outcomes of the legs make that of the predicate.
func TestLegsOfRandomPredicates(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := &generator{rand.New(rand.NewPCG(seed, 0))}
	env := OfferEnv(offers(t), OfferOptions{Now: true})
	rows := randomRows(t, g, 40)
	vars := &Vars{Offer: Row{Batch: rows}, Now: time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)}
	joins := 0
	for range 300 {
		x, mistakes := env.Predicate(diag.Plain("(" + g.of("bool", 2) + ") && (" + g.of("bool", 3) + ") || (" + g.of("bool", 2) + ")"))
		if mistakes != nil {
			continue
		}
		legs := x.Legs()
		joins += len(legs.Legs)
		for i := range 30 {
			vars.Offer.Index = i
			want, _ := x.Decide(vars)
			got, open := legs.joined(vars)
			if open != (want > True) || !open && got != want {
				t.Fatalf("%s, row %d: legs say %v, %v, the predicate %v", x.Text(), i, got, open, want)
			}
		}
	}
	if joins < 300 {
		t.Errorf("only %d legs", joins)
	}
}

// Where the value of an environment variable was put in, texts have what was written.
func TestTextsWithoutValues(t *testing.T) {
	env := OfferEnv(offers(t), OfferOptions{Now: true, Shared: sharedTexts(`other: offer.name == "x"`)})
	put := func(format string, values ...string) diag.Text {
		text := diag.Text{}
		for i, part := range strings.Split(format, "$") {
			if i > 0 {
				from := len(text.Value)
				text.Value += values[i-1]
				text.Values = append(text.Values, diag.Value{From: from, To: len(text.Value), Raw: "${V}"})
			}
			text.Value += part
		}
		text.Raw = strings.ReplaceAll(format, "$", "${V}")
		return text
	}
	for want, text := range map[string]diag.Text{
		`!(offer.name != "a.${V}.é" && offer.stock > ${V} && offer.stock < -${V} && offer.price > ${V})`: put(`!(offer.name != "a.$.é" && offer.stock > $ && offer.stock < -$ && offer.price > $)`, "s3cr3t", "12", "34", "1.5"),
		`offer.tags.exists(t, t == "${V}" || t == "b" || t == '${V}${V}')`:                               put(`offer.tags.exists(t, t == "$" || t == "b" || t == '$$')`, "s3cr3t", "s3", "cr3t"),
		`offer.name in ["${V}", "x"] || offer.name == ""`:                                                put(`offer.name in ["$", "x"] || offer.name == ""`, "s3cr3t"),
		`offer.stock > ${V}`: put(`$`, "offer.stock > 12"),
		`offer.tags == ["plain", "${V}"] || offer.name == "x"`: put(`offer.tags == ["plain", "$"] || shared.other`, ""),
	} {
		x, mistakes := env.Predicate(text)
		if mistakes != nil {
			t.Fatal(mistakes)
		}
		var b strings.Builder
		for i, leg := range x.Legs().Legs {
			if i > 0 {
				b.WriteString(" || ")
			}
			b.WriteString(leg.Text())
		}
		if x.Legs().Join == "" {
			b.WriteString(x.Legs().Text())
		}
		if got := b.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
