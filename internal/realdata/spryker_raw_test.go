package realdata

import (
	"encoding/csv"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A line is a row of a CSV file, by the names of its header.
type line = map[string]string

func readTable(t testing.TB, path string) []line {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]line, len(records)-1)
	for i, record := range records[1:] {
		lines[i] = line{}
		for k, name := range records[0] {
			lines[i][name] = record[k]
		}
	}
	return lines
}

// indexed groups lines by one of their fields, in the order of the file. Those
// in which it is empty are nobody's.
func indexed(lines []line, name string) map[string][]line {
	index := map[string][]line{}
	for _, l := range lines {
		if l[name] != "" {
			index[l[name]] = append(index[l[name]], l)
		}
	}
	return index
}

var sprykerStores = []string{"AT", "DE", "US"}

// A suite is the raw files of the marketplace, looked up as the importer of its
// publisher would.
type suite struct {
	t       testing.TB
	dir     string
	offers  []line
	wares   []line            // concrete products as if they were offers
	bySKU   map[string][]line // offers
	prices  map[string][]line // by offer; one for each store, currency and kind
	broken  []string          // the offers of prices whose volume prices are no JSON
	doubled int               // prices that a later one replaced

	productPrices, skuPrices, reductions map[string][]line
	offerStores, productStores           map[string][]line
	stock, validity, warehouses          map[string][]line
	merchants, profiles, owners          map[string][]line
	concretes, abstracts, releases       map[string][]line
	ends, reviews, categories, taxes     map[string][]line
	skuImages, productImages             map[string][]line
	groupOf, groups                      map[string][]line
	labels                               []line
}

func openSuite(t testing.TB, dir string) *suite {
	s := &suite{t: t, dir: dir}
	s.offers = s.table("common/marketplace/merchant_product_offer.csv")
	s.bySKU = indexed(s.offers, "concrete_sku")
	s.readPrices()
	prices := s.perStore("product_price.csv")
	s.skuPrices = indexed(prices, "concrete_sku")
	s.productPrices = indexed(without(prices, "concrete_sku"), "abstract_sku")
	s.reductions = indexed(without(s.perStore("product_price_schedule.csv"), "concrete_sku"), "abstract_sku")
	s.offerStores = indexed(s.perStore("merchant_product_offer_store.csv"), "product_offer_reference")
	s.productStores = indexed(s.perStore("product_abstract_store.csv"), "abstract_sku")
	s.stock = indexed(s.table("common/marketplace/product_offer_stock.csv"), "product_offer_reference")
	s.validity = indexed(s.table("common/marketplace/product_offer_validity.csv"), "product_offer_reference")
	s.warehouses = indexed(s.table("common/marketplace/product_stock.csv"), "concrete_sku")
	s.merchants = indexed(s.table("common/marketplace/merchant.csv"), "merchant_reference")
	s.profiles = indexed(s.table("common/marketplace/merchant_profile.csv"), "merchant_reference")
	concretes := s.table("common/product_concrete.csv")
	s.concretes = indexed(concretes, "concrete_sku")
	for _, l := range concretes {
		s.wares = append(s.wares, line{"product_offer_reference": l["concrete_sku"], "concrete_sku": l["concrete_sku"], "is_active": l["is_active"]})
	}
	s.owners = indexed(s.table("common/marketplace/merchant_product.csv"), "sku")
	s.abstracts = indexed(s.table("common/product_abstract.csv"), "abstract_sku")
	s.releases = indexed(s.table("common/product_abstract_approval_status.csv"), "sku")
	s.ends = indexed(s.table("common/product_discontinued.csv"), "sku_concrete")
	s.reviews = indexed(s.table("common/product_review.csv"), "abstract_product_sku")
	s.categories = indexed(s.table("common/category.csv"), "category_key")
	s.taxes = indexed(s.table("common/tax.csv"), "tax_set_name")
	images := s.numbered(s.table("common/product_image.csv"))
	s.skuImages, s.productImages = indexed(images, "concrete_sku"), indexed(images, "abstract_sku")
	groups := s.table("common/product_group.csv")
	s.groupOf, s.groups = indexed(groups, "abstract_sku"), indexed(groups, "group_key")
	s.labels = s.table("common/product_label.csv")
	return s
}

func (s *suite) table(name string) []line { return readTable(s.t, filepath.Join(s.dir, name)) }

// perStore reads a file of every store.
func (s *suite) perStore(name string) []line {
	var lines []line
	for _, store := range sprykerStores {
		for _, l := range s.table(filepath.Join(store, name)) {
			l["folder"] = store
			lines = append(lines, l)
		}
	}
	return lines
}

// numbered adds the number that an image's key ends with.
func (s *suite) numbered(images []line) []line {
	for _, l := range images {
		number, found := strings.CutPrefix(l["product_image_key"], "product_image_")
		if !found {
			s.t.Fatalf("an image called %s", l["product_image_key"])
		}
		l["number"] = number
	}
	return images
}

// without returns the lines in which a field is empty.
func without(lines []line, name string) []line {
	var out []line
	for _, l := range lines {
		if l[name] == "" {
			out = append(out, l)
		}
	}
	return out
}

// readPrices keeps the last price of each offer, store, currency and kind.
func (s *suite) readPrices() {
	s.prices = map[string][]line{}
	for _, l := range s.perStore("price_product_offer.csv") {
		offer := l["product_offer_reference"]
		if text := l["price_data.volume_prices"]; text != "" && !json.Valid([]byte(text)) {
			s.broken = append(s.broken, offer)
			continue
		}
		known := slices.IndexFunc(s.prices[offer], func(p line) bool {
			return p["store"] == l["store"] && p["currency"] == l["currency"] && p["price_type"] == l["price_type"]
		})
		if known < 0 {
			s.prices[offer] = append(s.prices[offer], l)
			continue
		}
		s.prices[offer][known] = l
		s.doubled++
	}
}

// last is the line that replaced the others, or nil.
func last(lines []line) line {
	if len(lines) == 0 {
		return nil
	}
	return lines[len(lines)-1]
}

// only is the one line there may be, or nil.
func (s *suite) only(lines []line) line {
	s.t.Helper()
	if len(lines) > 1 {
		s.t.Fatalf("%d lines of one key: %v", len(lines), lines)
	}
	return last(lines)
}

// cents are an amount in the currency's unit.
func (s *suite) cents(text string) any {
	if text == "" {
		return nil
	}
	amount := rational(s.t, text)
	return json.Number(amount.Quo(amount, big.NewRat(100, 1)).FloatString(2))
}

// flag is a 0 or 1.
func (s *suite) flag(text string) any {
	switch text {
	case "":
		return nil
	case "0", "1":
		return text == "1"
	}
	s.t.Fatalf("%q is neither 0 nor 1", text)
	return nil
}

// clock is what clocks in a zone showed.
func (s *suite) clock(text, zone string) any {
	if text == "" {
		return nil
	}
	in, err := time.LoadLocation(zone)
	if err != nil {
		s.t.Fatal(err)
	}
	at, err := time.ParseInLocation(time.DateTime, text, in)
	if err != nil {
		s.t.Fatal(err)
	}
	return at.UTC()
}

func (s *suite) day(text string) any {
	if text == "" {
		return nil
	}
	at, err := time.Parse(time.DateOnly, text[:10])
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

// words are the parts of a text; an empty one is null.
func words(text, separator string) []any {
	out := []any{}
	for _, word := range strings.Split(text, separator) {
		out = append(out, asText(word))
	}
	return out
}

// attributes are the pairs of a product. A pair without a language goes before
// the others, of which those with smaller numbers do; German before English.
func attributes(l line) row {
	out := row{}
	take := func(suffix string) {
		key, value := l["attribute_key_"+suffix], l["value_"+suffix]
		if _, known := out[key]; key != "" && value != "" && !known {
			out[key] = value
		}
	}
	for i := range 9 {
		take(strconv.Itoa(i + 1))
	}
	for i := range 9 {
		take(strconv.Itoa(i+1) + ".de_DE")
		take(strconv.Itoa(i+1) + ".en_US")
	}
	return out
}

// volume are the prices of larger quantities.
func (s *suite) volume(text string) any {
	if text == "" {
		return nil
	}
	var steps []map[string]any
	decodeJSON(s.t, strings.NewReader(text), &steps)
	out := []any{}
	for _, step := range steps {
		out = append(out, row{
			"quantity": asInt(s.t, step["quantity"]), "net_price": asInt(s.t, step["net_price"]), "gross_price": asInt(s.t, step["gross_price"]),
		})
	}
	return out
}
