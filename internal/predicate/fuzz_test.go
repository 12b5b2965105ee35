package predicate

import (
	"testing"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/parser"

	"github.com/feedmill/feedmill/internal/diag"
)

// FuzzCompile compiles any text in each environment and evaluates what compiles:
// nothing panics, and mistakes stand inside the text.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		`offer.price > 3 && has(offer.name)`, `shared.a || shared.b`, `row["a"].b[0]`, `offer.tags.exists(t, t.matches("("))`, `coalesce(offer.price, 1, null)`,
		`[1, 2].map(x, x / 0)`, `{"a": 1}.a`, `min(1, 2.0)`, `it.shop.?name.orValue("")`, `pairs(row, "k", "v")`, `json("{}").x`, `"ä\u00e9" + b'\xff'`,
		`offer.price == 9007199254740993`, `a.b.c(d`, `shared.`, `optional.of(1).optMap(x, x)`, `type(offer) == type(1)`, `offer.?`, `.offer`, `timestamp("x")`,
		`math.greatest(1, 2.5)`, `[offer, row]`, `offer.grid.map(r, r.map(x, x))`, `"%s".format([offer.price])`, `{b"a": 1}[b"a"]`, `round(1e300, 2147483647)`,
		`google.protobuf.Struct{}`, `duration("1h") + now`, `int(offer.name) > 1`, "offer\n.price\t>\r1", `lists.range(3)`, `size(offer.shop)`, `-9223372036854775808`,
	} {
		f.Add(text)
	}
	shared := Shared{"a": diag.Plain("offer.flag"), "b": diag.Plain("shared.a && offer.price > 1")}
	envs := []*Env{OfferEnv(offers(f), OfferOptions{Now: true, Shared: shared}), ItEnv(offers(f)), RowEnv(RowShape{Item: true, Path: true})}
	full, empty := offerVars(f)
	full.It, empty.It, full.Row = full.Offer, empty.Offer, rowVars().Row
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 {
			return
		}
		for _, env := range envs {
			x, mistakes := env.Value(diag.Plain(text))
			if (x == nil) != (len(mistakes) > 0) {
				t.Fatalf("expression %v with mistakes %v", x, mistakes)
			}
			for _, m := range mistakes {
				if m.Line < 1 || m.Col < 1 || m.Message == "" || m.Error() == "" {
					t.Fatalf("mistake %+v", m)
				}
			}
			if x == nil || loops(t, text) > 2 {
				continue
			}
			for _, v := range []*Vars{full, empty} {
				_, _ = x.Eval(v)
				if outcome, err := x.Decide(v); err != nil && err.Error() == "" {
					t.Fatalf("%v without a reason", outcome)
				}
			}
		}
	})
}

// loops is how many loops an expression has: nested ones may run for ever.
func loops(t *testing.T, text string) int {
	n := 0
	d := diag.Plain(text)
	tree, _ := RowEnv(RowShape{}).parse(&d)
	if tree == nil {
		t.Fatalf("%q parses no more", text)
	}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			n++
		}
	}))
	return n
}

// FuzzParser compares the parser that we use for its messages with cel-go's
// other one: what that accepts ours reads alike.
func FuzzParser(f *testing.F) {
	for _, text := range []string{`a.b > 3 && has(a.c) || !d`, `x[1].?y ? "a" : 'b'`, `{1: [2, -3u]}`, `r"\d" + b"\x00"`, `a in [b]`, `- -1`, `((a))`, `"""x"""`, `a.map(x, y, z)`} {
		f.Add(text)
	}
	env := RowEnv(RowShape{})
	other, err := parser.NewParser(parser.Macros(env.cel.Macros()...), parser.EnableOptionalSyntax(true),
		parser.EnableVariadicOperatorASTs(true), parser.EnableHiddenAccumulatorName(true))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 {
			return
		}
		ours, ourErrs := env.parser.Parse(common.NewTextSource(text))
		theirs, theirErrs := other.Parse(common.NewTextSource(text))
		if len(theirErrs.GetErrors()) > 0 {
			return
		}
		if len(ourErrs.GetErrors()) > 0 {
			t.Fatalf("%q: %v", text, ourErrs.ToDisplayString())
		}
		if !ast.EquivExpr(ours.Expr(), theirs.Expr()) {
			t.Fatalf("%q is read in two ways", text)
		}
	})
}
