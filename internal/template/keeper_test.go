package template

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// An item keeps all rules exactly when obey returns it as it is.
func TestKeeper(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	kept := 0
	for range 20_000 {
		var rules []rule
		for _, name := range []string{"id", "g:id", "title"} {
			if random.IntN(2) == 0 {
				rules = append(rules, rule{element: name, required: random.IntN(2) == 0, max: random.IntN(6)})
			}
		}
		var b strings.Builder
		b.WriteString("<i>")
		for range random.IntN(4) {
			name := one("id", "g:id", "title", "other")
			b.WriteString("<" + name + one("", ` a=">"`, " b='/'") + ">")
			for range random.IntN(3) {
				b.WriteString(one("text", " ", "\n", "&amp;", "&#32;", "é", "日本", "\u2028", "\u0085", "<![CDATA[ab]]>", "<![CDATA[ ]]>", "<!-- c -->"))
			}
			b.WriteString("</" + name + ">" + one("", "\n", "<id/>", "<title/>"))
		}
		b.WriteString("</i>")
		item := b.String()
		got, err := obey(rules, []byte(item), &Items{})
		want := err == nil && string(got) == item
		k := newKeeper(rules)
		for range 2 {
			if k.keeps([]byte(item)) != want {
				t.Fatalf("%s\nrules %+v: keeps says %v", item, rules, !want)
			}
		}
		if want {
			kept++
		}
	}
	if kept < 2000 || kept > 18_000 {
		t.Errorf("%d items of 20,000 keep their rules", kept)
	}
}
