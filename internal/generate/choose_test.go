package generate

import (
	"bytes"
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

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

// Feeds with the same key and order share a ranking.
func TestRankings(t *testing.T) {
	m := newMarket(t, strings.TrimPrefix(choosing+cheapFeeds, "\n---"))
	p, err := newPlan(m.ws, nil)
	m.must(err)
	if len(p.rankings) != 3 || len(p.choices) != 6 || len(p.rankings[0].choices) != 3 {
		t.Errorf("%d rankings, %d choices, %d of the first", len(p.rankings), len(p.choices), len(p.rankings[0].choices))
	}
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

// The encodings of values of one type compare as the values do.
func TestAppendValue(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for _, ascending := range [][]any{
		{false, true},
		{int64(math.MinInt64), int64(-1), int64(0), int64(1), int64(math.MaxInt64)},
		{math.Inf(-1), -1.5, -math.SmallestNonzeroFloat64, 0.0, math.SmallestNonzeroFloat64, 1.0, 1e300, math.Inf(1), math.NaN()},
		{"", "\x00", "\x00\x00", "\x00a", "a", "a\x00", "a\x00b", "aa", "b", "ä", "\xff"},
		{time.Time{}, time.Unix(-1, 0), time.Unix(0, 0), now, now.Add(1), now.Add(time.Second)},
		{-time.Second, time.Duration(0), time.Second},
	} {
		for i, a := range ascending {
			for k, b := range ascending {
				checkOrder(t, a, b, cmp.Compare(i, k))
			}
		}
	}
	if x, _ := appendValue(nil, math.Copysign(0, -1)); !bytes.Equal(x, must(appendValue(nil, 0.0))) {
		t.Error("the zeros differ")
	}
	if _, err := appendValue(nil, []any{}); err == nil {
		t.Error("a list has an order")
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

func checkOrder(t *testing.T, a, b any, want int) {
	t.Helper()
	x, y := must(appendValue(nil, a)), must(appendValue(nil, b))
	if got := bytes.Compare(x, y); got != want {
		t.Errorf("%v and %v compare as %d", a, b, got)
	}
	for _, descending := range []bool{false, true} {
		x, y := must(appendKey(nil, a, descending)), must(appendKey(nil, b, descending))
		if got := bytes.Compare(append(x, 'i'), append(y, 'i')); (got != want) != descending && want != 0 || descending && got != -want {
			t.Errorf("%v and %v, descending %v, compare as %d", a, b, descending, got)
		}
		null := must(appendKey(nil, nil, descending))
		if bytes.Compare(x, null) >= 0 {
			t.Errorf("null comes before %v", a)
		}
	}
}
