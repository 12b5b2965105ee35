package generate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/locate"
	"github.com/feedmill/feedmill/internal/manifest"
)

const cautiousFeed = `
feed: cautious
template: shop
where: offer.stock > 0 && (offer.seller != "nobody" || offer.rating > 100.0)
fields: {title: '"x"', price: offer.price}
guard: {drop: 10%, floor: 0}
---
feed: other
template: shop
where: "true"
fields: {title: '"x"', price: offer.price}
`

// countRows counts rows by hand.
func countRows(rows []map[string]any, holds func(row map[string]any) bool) (n int64) {
	for _, r := range rows {
		if holds(r) {
			n++
		}
	}
	return n
}

func inStock(row map[string]any) bool {
	n := 0
	_, err := fmt.Sscan(text(row, "stock"), &n)
	return err == nil && n > 0
}

// soldOut is the offers with none of a seller's left.
func soldOut(rows []map[string]any, seller string) []map[string]any {
	out := make([]map[string]any, len(rows))
	for i, r := range rows {
		out[i] = map[string]any{}
		for name, v := range r {
			out[i][name] = v
		}
		if text(r, "seller") == seller {
			out[i]["stock"] = 0
		}
	}
	return out
}

// A held feed names the condition and the value that its change comes from, with
// the counts that a reading by hand gives.
func TestCauses(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := newMarket(t, cautiousFeed)
	rows := randomRows(rand.New(rand.NewPCG(seed, 2)), 300)
	first := m.aggregate(rows)
	m.generate(manifest.Done)
	gone := soldOut(rows, "WELLCOME")
	m.aggregate(gone)
	got := m.generate(manifest.Held).Feeds["cautious"].Causes
	ofWellcome := func(row map[string]any) bool { return inStock(row) && text(row, "seller") == "WELLCOME" }
	want := &locate.Causes{
		Snapshot: first,
		Legs:     []locate.Change{{What: "offer.stock > 0", Before: countRows(rows, inStock), Now: countRows(gone, inStock)}},
		Values:   []locate.Change{{What: "seller WELLCOME", Before: countRows(rows, ofWellcome)}},
	}
	if len(got.Values) > 1 {
		got.Values = got.Values[:1] // what goes with the seller by chance
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Where the snapshot of what is published is gone, the feed is held all the same.
func TestCausesUnknown(t *testing.T) {
	m := newMarket(t, cautiousFeed)
	rows := randomRows(rand.New(rand.NewPCG(1, 2)), 100)
	first := m.aggregate(rows)
	m.generate(manifest.Done)
	m.aggregate(soldOut(rows, "WELLCOME"))
	for info, err := range m.store.List(context.Background(), "snapshots/"+first+"/") {
		m.must(err)
		m.must(m.store.Remove(context.Background(), info.Name))
	}
	f := m.generate(manifest.Held).Feeds["cautious"]
	if f.Causes == nil || !strings.Contains(f.Causes.Unknown, first) {
		t.Errorf("causes: %+v", f.Causes)
	}
}

// The rules that leave out more offers than before are named. Of a feed that chooses, no
// values are: which its offers have is not counted.
func TestCausesOfRulesAndChoices(t *testing.T) {
	for _, chooses := range []bool{false, true} {
		feeds := strings.Replace(cautiousFeed, `fields: {title: '"x"', price`, "fields: {title: offer.title, price", 1)
		if chooses {
			feeds = strings.Replace(feeds, "guard: {drop", "choose: {per: offer.code, by: [offer.price asc]}\nguard: {drop", 1)
		}
		m := newMarket(t, feeds)
		rows := randomRows(rand.New(rand.NewPCG(3, 4)), 300)
		m.aggregate(rows)
		before := m.generate(manifest.Done).Feeds["cautious"].Left["required title"]
		gone := soldOut(rows, "WELLCOME")
		for i, row := range gone {
			if i%3 == 0 {
				delete(row, "title")
			}
		}
		m.aggregate(gone)
		f := m.generate(manifest.Held).Feeds["cautious"]
		want := []locate.Change{{What: "rule required title", Before: before, Now: f.Left["required title"]}}
		if diff := cmp.Diff(want, f.Causes.Rules); diff != "" || want[0].Now <= want[0].Before {
			t.Errorf("%s: %v", diff, want)
		}
		if got := len(f.Causes.Values); (got == 0) != chooses || len(f.Causes.Legs) == 0 {
			t.Errorf("%+v", f.Causes)
		}
	}
}

// A feed that is held since its predicate was edited names the conditions that were
// added, or dropped, with the offers that they cost or brought.
func TestCausesOfEdits(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rows := randomRows(rand.New(rand.NewPCG(seed, 2)), 300)
	rated := func(row map[string]any) bool { f, known := row["rating"].(float64); return known && f > 2.5 }
	both := func(row map[string]any) bool { return inStock(row) && rated(row) }
	feedOf := func(where string) string {
		return strings.Replace(cautiousFeed, `offer.stock > 0 && (offer.seller != "nobody" || offer.rating > 100.0)`, where, 1)
	}
	for _, c := range []struct {
		was, is string
		want    locate.Change
	}{
		{"offer.stock > 0", "shared.liked && offer.stock > 0", locate.Change{What: "added offer.rating > 2.5", Before: countRows(rows, inStock), Now: countRows(rows, both)}},
		{"offer.stock > 0 && shared.liked", "offer.stock > 0", locate.Change{What: "dropped offer.rating > 2.5", Before: countRows(rows, both), Now: countRows(rows, inStock)}},
		{"offer.stock > 0 && offer.rating >= 0.0", "shared.liked && offer.stock > 0", locate.Change{
			What: "added offer.rating > 2.5", Now: countRows(rows, both),
			Before: countRows(rows, func(row map[string]any) bool { return inStock(row) && row["rating"] != nil }),
		}},
	} {
		shared := "\n---\nshared: {liked: offer.rating > 2.5}\n"
		m := newMarketOf(t, strings.Replace(settings, "floor: 3,", "floor: 3, growth: 1%,", 1), feedOf(c.was)+shared)
		m.aggregate(rows)
		m.generate(manifest.Done)
		m.define(feedOf(c.is) + shared)
		got := m.generate(manifest.Held).Feeds["cautious"]
		if diff := cmp.Diff([]locate.Change{c.want}, got.Causes.Edited); diff != "" || !got.Redefined {
			t.Errorf("%s, then %s: %s", c.was, c.is, diff)
		}
	}
}

// Where the predicate of before does not fit the columns of now the rest is said.
func TestCausesOfMisfits(t *testing.T) {
	m := newMarket(t, cautiousFeed)
	rows := randomRows(rand.New(rand.NewPCG(1, 2)), 100)
	m.aggregate(rows)
	m.generate(manifest.Done)
	m.settings = strings.Replace(m.settings, "rating", "stars", -1)
	m.define(strings.Replace(cautiousFeed, " || offer.rating > 100.0", "", 1))
	m.aggregate(soldOut(rows, "WELLCOME"))
	got := m.generate(manifest.Held).Feeds["cautious"].Causes
	if got.Edited != nil || got.Unknown != "" || len(got.Legs) != 1 {
		t.Errorf("causes: %+v", got)
	}
}
