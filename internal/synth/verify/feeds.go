package main

import (
	"cmp"
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// A wanted offer and what its item should say.
type wanted struct {
	id string
	item
}

// feeds are the conditions of some of the sample feeds, by hand.
var feeds = map[string]func(*market, time.Time) []wanted{
	"google-de":     google("de"),
	"google-fr":     google("fr"),
	"google-pl":     google("pl"),
	"google-en":     google("en"),
	"comparer-best": comparerBest,
	"meta-all":      metaAll,
}

// sellable is shared.sellable of feeds/shared.yaml.
func (m *market) sellable(o *offer, now time.Time) bool {
	if !o.active || !o.priced || o.price <= 0 || o.stock <= 0 || o.availableFrom.After(now) {
		return false
	}
	s, known := m.sellers[o.seller]
	return known && s.active && (s.rating == 0 || s.rating >= 2)
}

// google is the feed of a language of feeds/google.yaml; its template leaves out
// what has no image and cuts titles.
func google(language string) func(*market, time.Time) []wanted {
	return func(m *market, now time.Time) []wanted {
		return m.pictured(now, 150, func(o *offer) bool { return o.language == language })
	}
}

// metaAll is the feed of feeds/meta.yaml, whose template cuts titles later.
func metaAll(m *market, now time.Time) []wanted {
	return m.pictured(now, 200, func(*offer) bool { return true })
}

// pictured are the offers with an image that can be sold, titles cut.
func (m *market) pictured(now time.Time, points int, in func(*offer) bool) []wanted {
	var out []wanted
	for _, o := range m.offers {
		if m.sellable(o, now) && o.hasImages && in(o) {
			price := fmt.Sprintf("%d.%02d %s", o.price/100, o.price%100, o.currency)
			out = append(out, wanted{o.id, item{price, cut(o.title, points)}})
		}
	}
	return out
}

func cut(text string, points int) string {
	runes := []rune(text)
	return string(runes[:min(points, len(runes))])
}

// comparerBest is the feed of feeds/price-comparer.yaml: of the offers with a
// code the cheapest, then the best rated seller's, then the first id.
func comparerBest(m *market, now time.Time) []wanted {
	best := map[string]*offer{}
	var out []wanted
	for _, o := range m.offers {
		if !m.sellable(o, now) || o.condition != "new" || o.language != "de" && o.language != "fr" {
			continue
		}
		if o.code == "" {
			out = append(out, m.compared(o))
			continue
		}
		if b := best[o.code]; b == nil || m.better(o, b) {
			best[o.code] = o
		}
	}
	for _, o := range best {
		out = append(out, m.compared(o))
	}
	return out
}

func (m *market) better(a, b *offer) bool {
	rating := func(o *offer) float64 { return m.sellers[o.seller].rating } // 0, none, comes last
	return cmp.Or(cmp.Compare(euros(a), euros(b)), cmp.Compare(rating(b), rating(a)), cmp.Compare(a.id, b.id)) < 0
}

func (m *market) compared(o *offer) wanted {
	cents := euros(o)
	return wanted{o.id, item{fmt.Sprintf("%d.%02d", cents/100, cents%100), cut(o.title, 300)}}
}

var rates = map[string]float64{"EUR": 1, "GBP": 0.86, "USD": 1.08, "PLN": 4.30, "CNY": 7.80, "HKD": 8.45}

// euros is offer.eur in cents: the price in doubles divided by the rate, the
// shortest text of that rounded half up, exactly.
func euros(o *offer) int64 {
	quotient := float64(o.price) / 100 / rates[o.currency]
	exact, ok := new(big.Rat).SetString(strconv.FormatFloat(quotient, 'g', -1, 64))
	if !ok {
		panic(fmt.Sprintf("verify: %v is no number", quotient))
	}
	exact.Mul(exact, big.NewRat(100, 1)).Add(exact, big.NewRat(1, 2))
	return new(big.Int).Div(exact.Num(), exact.Denom()).Int64()
}
