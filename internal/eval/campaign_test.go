package eval_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A marketer writes predicates as the feeds of a marketplace have them. Its lists
// are the legs that feeds choose from.
type marketer struct {
	*rand.Rand
	places, categories, numbers, texts, traits, lists, others []string
}

// newMarketer makes some 850 distinct legs.
func newMarketer(c *catalogue) *marketer {
	m := &marketer{Rand: rand.New(rand.NewPCG(1, 2))}
	m.addPlaces()
	m.addCategories(c)
	m.addNumbers()
	m.addTexts(c)
	m.addTraits(c)
	m.addLists()
	m.addOthers()
	return m
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strconv.Quote(w)
	}
	return strings.Join(out, ", ")
}

// addPlaces adds languages with their countries: pairs that many feeds share.
func (m *marketer) addPlaces() {
	for language, countries := range map[string]string{"de": "DE AT", "en": "GB IE US", "fr": "FR", "pl": "PL", "zh": "HK CN"} {
		m.places = append(m.places, fmt.Sprintf("offer.language == %q", language))
		for _, country := range strings.Fields(countries) {
			m.places = append(m.places, fmt.Sprintf("offer.language == %q && offer.shop.country == %q", language, country),
				fmt.Sprintf("offer.language == %q && offer.shop.country == %q", language, country))
		}
	}
	slices.Sort(m.places)
	m.places = append(m.places, `offer.shop.country in ["DE", "AT"]`, `offer.shop.country in ["GB", "IE", "US"]`, `!(offer.shop.country in ["CN", "HK"])`,
		`offer.currency == "EUR"`, `offer.currency in ["GBP", "USD"]`, `offer.language in ["de", "fr"]`)
}

// addCategories adds every branch of the tree.
func (m *marketer) addCategories(c *catalogue) {
	for path := range c.categories {
		parts := strings.Split(path.(string), " > ")
		for n := 1; n < len(parts); n++ {
			m.categories = append(m.categories, fmt.Sprintf("offer.category.startsWith(%q)", strings.Join(parts[:n], " > ")+" > "))
		}
		m.categories = append(m.categories, fmt.Sprintf("offer.category == %q", path))
	}
	slices.Sort(m.categories)
	m.categories = slices.Compact(m.categories)
	for i := 5; i < len(m.categories); i += 5 {
		m.categories = append(m.categories, "("+m.categories[i]+" || "+m.categories[i-3]+")")
	}
}

// addNumbers adds thresholds.
func (m *marketer) addNumbers() {
	for _, c := range []struct {
		value, op string
		at        string
	}{
		{"offer.price", ">=", "2 4 5 8 10 12.5 15 20 25 30 35 40 50 60 75 80 100 120 150 180 200 250 300 400 500 750 1000"},
		{"offer.price", "<", "9.99 10 14.99 15 19.99 20 25 29.99 40 49.99 60 80 99.99 100 149.5 150 199.99 250 500 999 2000"},
		{"offer.eur", ">", "1 3 5 7.5 10 15 20 30 50 100"},
		{"offer.eur", "<=", "5 10 20 30 45 60 100 200 300 400 600 900 1200 2500"},
		{"offer.stock", ">", "1 2 3 5 10 20 25 50 100 250"},
		{"offer.reduction", ">=", "5 10 15 20 25 30 40"},
		{"offer.weight", "<", "0.25 0.5 1 2 3 5 10 20 31.5"},
		{"offer.delivery_days", "<=", "1 2 3 4 5 7 10"},
		{"offer.shop.rating", ">=", "2.5 3 3.5 3.8 4 4.2 4.5 4.7 4.9"},
		{"offer.stats.clicks", ">=", "1 5 10 20 50 100 200 500"},
		{"offer.stats.impressions", ">", "100 500 1000 5000 10000"},
		{"offer.stats.conversion", ">", "0.005 0.01 0.02 0.05"},
		{"offer.stats.revenue", ">", "0 10 50 100 250 500 1000 5000 10000 20000"},
		{"coalesce(offer.stats.clicks, 0)", "<", "5 10 50 100 300"},
		{"offer.cat.commission", ">=", "0.05 0.08 0.1 0.12"},
		{"size(offer.images)", ">=", "1 2 3"},
		{"size(offer.title)", "<=", "60 70 100 150"},
	} {
		for _, at := range strings.Fields(c.at) {
			m.numbers = append(m.numbers, c.value+" "+c.op+" "+at)
		}
	}
}

// addTexts adds what is looked for in titles and descriptions.
func (m *marketer) addTexts(c *catalogue) {
	for _, word := range c.words("title", 170) {
		m.texts = append(m.texts, fmt.Sprintf("offer.title.contains(%q)", word))
	}
	for _, word := range c.words("description", 30) {
		m.texts = append(m.texts, fmt.Sprintf("offer.description.contains(%q)", word))
	}
	for _, pattern := range []string{"(?i)limited edition|édition limitée", "(?i)refurbished|generalüberholt", `\bX{0,3}L\b`, `[0-9]+ ?(ml|l)\b`, "(?i)gift|geschenk|cadeau"} {
		m.texts = append(m.texts, fmt.Sprintf("offer.title.matches(%q)", pattern))
	}
	m.texts = append(m.texts, `offer.title.lowerAscii().contains("kit")`, `offer.title.lowerAscii().contains("set")`, `offer.title.endsWith("XL")`, `offer.mpn.startsWith("A")`, `offer.mpn.startsWith("XB-")`)
}

// addTraits adds brands, sellers and properties.
func (m *marketer) addTraits(c *catalogue) {
	brands := distinct(c, "brand", 150)
	for i, brand := range brands {
		if i%3 == 0 {
			m.traits = append(m.traits, fmt.Sprintf("offer.brand in [%s]", quoted(brands[max(0, i-8):i+1])))
		}
		m.traits = append(m.traits, fmt.Sprintf("offer.brand == %q", brand))
	}
	sellers := distinct(c, "seller", 80)
	for i, seller := range sellers {
		if i%2 == 0 {
			m.traits = append(m.traits, fmt.Sprintf("offer.seller == %q", seller))
		} else {
			m.traits = append(m.traits, fmt.Sprintf("!(offer.seller in [%s])", quoted(sellers[max(0, i-20):i])))
		}
	}
	for _, color := range []string{"black", "white", "red", "blue", "green", "schwarz", "weiß", "rot", "blau", "noir", "blanc", "rouge", "czarny", "黑色", "白色"} {
		m.traits = append(m.traits, fmt.Sprintf(`"color" in offer.attributes && offer.attributes.color == %q`, color))
	}
	for _, class := range []string{`"A"`, `"A", "B"`, `"A", "B", "C"`, `"A", "B", "C", "D"`} {
		m.traits = append(m.traits, fmt.Sprintf(`(!("energy_class" in offer.attributes) || offer.attributes["energy_class"] in [%s])`, class))
	}
	for _, age := range []string{"adult", "all ages", "infant", "kids", "newborn", "toddler"} {
		m.traits = append(m.traits, fmt.Sprintf("offer.age_group == %q", age))
	}
}

func distinct(c *catalogue, column string, n int) []string {
	var out []string
	for i := 0; len(out) < n; i++ {
		if text, ok := c.offer(i)[column].(string); ok && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// addLists adds what is asked of the elements of lists.
func (m *marketer) addLists() {
	for _, tag := range []string{"bestseller", "bulky", "clearance", "eco", "express", "fragile", "gift", "handmade", "limited", "new", "outlet", "preorder", "sale", "seasonal", "vegan", "xl"} {
		m.lists = append(m.lists, fmt.Sprintf("offer.tags.exists(t, t == %q)", tag), fmt.Sprintf("!(%q in offer.tags)", tag))
	}
	for _, tags := range []string{`"bulky", "outlet"`, `"sale", "clearance"`, `"eco", "vegan"`, `"new", "preorder"`, `"fragile", "bulky", "xl"`} {
		m.lists = append(m.lists, fmt.Sprintf("!offer.tags.exists(t, t in [%s])", tags), fmt.Sprintf("offer.tags.all(t, !(t in [%s]))", tags))
	}
	for _, channel := range []string{"google", "meta", "price comparers", "newsletter"} {
		m.lists = append(m.lists, fmt.Sprintf("offer.campaigns.exists(c, c.channel == %q)", channel))
		for _, discount := range []string{"0.1", "0.2", "0.3"} {
			m.lists = append(m.lists, fmt.Sprintf("offer.campaigns.exists(c, c.channel == %q && c.discount >= %s && (c.ends == null || c.ends > now))", channel, discount))
		}
	}
	m.lists = append(m.lists, `offer.campaigns.exists(c, c.budget > 1000 && c.starts <= now)`, `offer.campaigns.all(c, c.discount < 0.4)`, `offer.images.exists_one(i, i.endsWith("/1.jpg"))`)
}

// addOthers adds times, presence, choices and calculations.
func (m *marketer) addOthers() {
	m.others = append(m.others, `offer.condition == "new"`, `offer.condition == "used"`, `offer.condition != "refurbished"`, `offer.condition in ["new", "refurbished"]`, "shared.fresh", "shared.reduced",
		"shared.popular", "shared.bid >= 0.05", "shared.bid >= 0.1", "has(offer.list_price)", "has(offer.code)", "has(offer.mpn)", "has(offer.brand)", "!has(offer.weight)", "has(offer.shop.rating)", "has(offer.description)",
		"has(offer.stats)", "has(offer.campaigns)", "has(offer.age_group)", "offer.available_from == null", "offer.available_from <= now", "offer.created.getFullYear() >= 2025",
		"offer.price * 1.2 < offer.list_price", "offer.list_price - offer.price > 10.0", "offer.stats.clicks * 100 > offer.stats.impressions", "offer.price / offer.weight < 50.0", "offer.name_en != offer.title")
	for _, days := range []int{1, 3, 7, 14, 30, 60, 90, 180} {
		m.others = append(m.others, fmt.Sprintf(`offer.created > now - duration("%dh")`, 24*days), fmt.Sprintf(`now - offer.updated < duration("%dh")`, 24*days))
	}
	for _, at := range []string{"10", "25", "50", "100", "200"} {
		m.others = append(m.others, fmt.Sprintf(`(offer.language == "zh" ? offer.eur : offer.price) < %s`, at), fmt.Sprintf(`(offer.condition == "new" ? offer.stock > 2 : offer.price > %s)`, at),
			fmt.Sprintf("coalesce(offer.list_price, offer.price) >= %s", at))
	}
}

// one returns one of the legs, those at the front most often.
func (m *marketer) one(legs []string) string {
	r := m.Float64()
	return legs[int(r*r*float64(len(legs)))]
}

// feed returns a predicate.
func (m *marketer) feed() string {
	legs := []string{"shared.sellable"}
	if m.IntN(8) == 0 {
		legs = []string{"offer.active", "offer.stock > 0"}
	}
	legs = append(legs, m.one(m.places))
	if m.IntN(3) > 0 {
		legs = append(legs, m.one(m.categories))
	}
	for range m.IntN(4) {
		legs = append(legs, m.numbers[m.IntN(len(m.numbers))])
	}
	if m.IntN(5) < 2 {
		legs = append(legs, m.traits[m.IntN(len(m.traits))])
	}
	switch m.IntN(5) {
	case 0:
		legs = append(legs, m.texts[m.IntN(len(m.texts))])
	case 1:
		legs = append(legs, "!("+m.texts[m.IntN(len(m.texts))]+" || "+m.texts[m.IntN(len(m.texts))]+")")
	}
	if m.IntN(4) == 0 {
		legs = append(legs, m.one(m.lists))
	}
	for range m.IntN(3) {
		legs = append(legs, m.one(m.others))
	}
	if m.IntN(10) == 0 {
		legs = append(legs, "("+m.one(m.others)+" || "+m.numbers[m.IntN(len(m.numbers))]+")")
	}
	return strings.Join(legs, " && ")
}
