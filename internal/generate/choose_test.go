package generate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
)

const choosing = `
---
feed: best
template: shop
where: offer.title != null
fields: {title: offer.title, price: offer.price}
choose: {per: offer.code, by: [offer.price asc, offer.rating desc], take: 1}
---
feed: best-two
template: shop
where: offer.title != null
fields: {title: offer.title, price: offer.price}
choose: {per: offer.code, by: [offer.rating desc], take: 2}
---
feed: top
template: shop
where: offer.title != null
fields: {title: offer.title, price: offer.price}
choose: {by: [offer.price desc], take: 10}
`

// nullsLast compares the values of a column; a null is worse than anything.
func nullsLast(a, b map[string]any, name string, descending bool) int {
	x, hasX := a[name]
	y, hasY := b[name]
	switch {
	case !hasX && !hasY:
		return 0
	case !hasX:
		return 1
	case !hasY:
		return -1
	}
	order := 0
	if name == "price" {
		order = cmp.Compare(price(a), price(b))
	} else {
		order = cmp.Compare(x.(float64), y.(float64))
	}
	if descending {
		return -order
	}
	return order
}

// best takes the best n of each group by hand.
func best(rows []map[string]any, n int, per string, better func(a, b map[string]any) int) []string {
	groups := map[string][]map[string]any{}
	for _, r := range rows {
		if r["title"] == nil {
			continue
		}
		key := text(r, per)
		if per != "" && key == "" {
			key = "alone " + text(r, "id")
		}
		groups[key] = append(groups[key], r)
	}
	var out []string
	for _, g := range groups {
		slices.SortFunc(g, func(a, b map[string]any) int {
			return cmp.Or(better(a, b), cmp.Compare(text(a, "id"), text(b, "id")))
		})
		for _, r := range g[:min(n, len(g))] {
			out = append(out, text(r, "id"))
		}
	}
	slices.Sort(out)
	return out
}

// cheapFeeds share keys and orders with others, but not who competes.
const cheapFeeds = `
---
feed: cheap-one
template: shop
where: offer.title != null && offer.price < 40.0
fields: {title: offer.title, price: offer.price}
choose: {per: offer.code, by: [offer.price asc, offer.rating desc], take: 1}
---
feed: cheap-three
template: shop
where: offer.title != null && offer.price < 40.0
fields: {title: offer.title, price: offer.price}
choose: {per: offer.code, by: [offer.price asc, offer.rating desc], take: 3}
---
feed: top-cheap
template: shop
where: offer.title != null && offer.price < 40.0
fields: {title: offer.title, price: offer.price}
choose: {by: [offer.price desc], take: 25}
`

func byPrice(a, b map[string]any) int {
	return cmp.Or(nullsLast(a, b, "price", false), nullsLast(a, b, "rating", true))
}

func cheap(rows []map[string]any) []map[string]any {
	return slices.DeleteFunc(slices.Clone(rows), func(r map[string]any) bool { return r["price"] == nil || price(r) >= 40 })
}

func TestChoose(t *testing.T) {
	for seed := range uint64(5) {
		m := newMarket(t, strings.TrimPrefix(choosing+cheapFeeds, "\n---"))
		m.aggregate(randomRows(rand.New(rand.NewPCG(seed, 1)), 200))
		m.generate(manifest.Done)
		for feed, want := range map[string][]string{
			"best":        best(m.rows, 1, "code", byPrice),
			"best-two":    best(m.rows, 2, "code", func(a, b map[string]any) int { return nullsLast(a, b, "rating", true) }),
			"top":         best(m.rows, 10, "", func(a, b map[string]any) int { return nullsLast(a, b, "price", true) }),
			"cheap-one":   best(cheap(m.rows), 1, "code", byPrice),
			"cheap-three": best(cheap(m.rows), 3, "code", byPrice),
			"top-cheap":   best(cheap(m.rows), 25, "", func(a, b map[string]any) int { return nullsLast(a, b, "price", true) }),
		} {
			if diff := gocmp.Diff(want, ids(m.export(feed)[0])); diff != "" {
				t.Errorf("seed %d, %s (-want +got):\n%s", seed, feed, diff)
			}
		}
	}
}

// Keys that cannot be computed count as null; how many, and why, is in the report and
// a warning. A null is no failure.
func TestChooseFails(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := newMarket(t, strings.Replace(choosing, "per: offer.code, by: [offer.rating desc]", `per: '6 / offer.stock', by: [offer.rating desc]`, 1))
	rows := randomRows(rand.New(rand.NewPCG(seed, 2)), 200)
	m.aggregate(rows)
	r := m.generate(manifest.Done)
	var want int64
	for _, row := range rows {
		if row["title"] != nil && row["stock"] == 0 {
			want++
		}
	}
	key := "choose per 6 / offer.stock"
	f := r.Feeds["best-two"]
	if diff := gocmp.Diff(map[string]int64{key: want}, f.Failed); diff != "" {
		t.Error(diff)
	}
	if at := slices.IndexFunc(f.Samples, func(s Sample) bool { return s.Kind == "choose" }); at < 0 || !strings.HasPrefix(f.Samples[at].Reason, key+": ") || !strings.Contains(f.Samples[at].Reason, "zero") {
		t.Errorf("samples %v", f.Samples)
	}
	if warning := fmt.Sprintf("feed best-two: could not be computed, and count as null: %d (%s)", want, key); !slices.Contains(r.Warnings, warning) {
		t.Errorf("%q is not among %q", warning, r.Warnings)
	}
	if len(r.Feeds["best"].Failed) > 0 {
		t.Errorf("best: %v", r.Feeds["best"].Failed)
	}
}
