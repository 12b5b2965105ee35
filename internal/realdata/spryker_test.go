package realdata

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What follows makes of the raw lines what the workspace calls the columns.

func (s *suite) declaredOffer(l line) row {
	return row{
		"reference": l["product_offer_reference"], "sku": l["concrete_sku"], "merchant": asText(l["merchant_reference"]),
		"merchant_sku": asText(l["merchant_sku"]), "active": s.flag(l["is_active"]), "approval": asText(l["approval_status"]),
	}
}

func (s *suite) price(l line) any {
	if l == nil {
		return nil
	}
	return row{
		"offer": l["product_offer_reference"], "folder": l["folder"], "store": l["store"], "currency": l["currency"], "kind": l["price_type"],
		"net": s.cents(l["value_net"]), "gross": s.cents(l["value_gross"]), "volume": s.volume(l["price_data.volume_prices"]),
	}
}

func (s *suite) productPrice(l line) any {
	return row{
		"abstract": asText(l["abstract_sku"]), "concrete": asText(l["concrete_sku"]), "store": l["store"], "currency": l["currency"],
		"kind": l["price_type"], "net": s.cents(l["value_net"]), "gross": s.cents(l["value_gross"]),
	}
}

func (s *suite) reduction(l line) any {
	return row{
		"abstract": l["abstract_sku"], "store": l["store"], "currency": l["currency"], "kind": l["price_type"],
		"gross": s.cents(l["value_gross"]), "from": asTime(s.t, l["from_included"]), "to": asTime(s.t, l["to_included"]),
	}
}

func (s *suite) stockOf(offer string) any {
	l := s.only(s.stock[offer])
	if l == nil {
		return nil
	}
	return row{"warehouse": l["stock_name"], "quantity": asInt(s.t, l["quantity"]), "endless": s.flag(l["is_never_out_of_stock"])}
}

func (s *suite) validityOf(offer string) any {
	l := s.only(s.validity[offer])
	if l == nil {
		return nil
	}
	return row{"from": s.clock(l["valid_from"], "UTC"), "to": s.clock(l["valid_to"], "UTC")}
}

func (s *suite) shop(merchant string) any {
	l := s.only(s.merchants[merchant])
	if l == nil {
		return nil
	}
	return row{
		"name": l["merchant_name"], "registration": asText(l["registration_number"]), "status": l["status"], "email": asText(l["email"]),
		"active": s.flag(l["is_active"]), "url_de": asText(l["url.de_DE"]), "url_en": asText(l["url.en_US"]),
	}
}

func (s *suite) profile(merchant string) any {
	l := s.only(s.profiles[merchant])
	if l == nil {
		return nil
	}
	return row{
		"phone":    asText(l["public_phone"]),
		"about_en": asText(l["description_glossary_key.en_US"]), "about_de": asText(l["description_glossary_key.de_DE"]),
		"delivery_en": asText(l["delivery_time_glossary_key.en_US"]), "delivery_de": asText(l["delivery_time_glossary_key.de_DE"]),
		"terms_en": asText(l["terms_conditions_glossary_key.en_US"]),
	}
}

func (s *suite) concrete(l line) row {
	bundled := []any{}
	if l["bundled"] != "" {
		bundled = words(l["bundled"], ", ")
	}
	return row{
		"abstract": l["abstract_sku"], "name_en": asText(l["name.en_US"]), "name_de": asText(l["name.de_DE"]),
		"description_en": asText(l["description.en_US"]), "description_de": asText(l["description.de_DE"]),
		"attributes": attributes(l), "bundled": bundled, "splittable": s.flag(l["is_quantity_splittable"]), "active": s.flag(l["is_active"]),
	}
}

func (s *suite) product(l line) row {
	return row{
		"categories": words(l["category_key"], ","), "rank": asText(l["category_product_order"]),
		"name_en": asText(l["name.en_US"]), "name_de": asText(l["name.de_DE"]), "url_en": asText(l["url.en_US"]), "url_de": asText(l["url.de_DE"]),
		"attributes": attributes(l), "color": asText(l["color_code"]),
		"description_en": asText(l["description.en_US"]), "description_de": asText(l["description.de_DE"]),
		"keywords_de": words(l["meta_keywords.de_DE"], ","), "tax_set": asText(l["tax_set_name"]),
		"new_from": s.day(l["new_from"]), "new_to": s.clock(l["new_to"], "Europe/Berlin"),
	}
}

func (s *suite) german(l line) []any {
	out := []any{}
	for i := range 9 {
		suffix := fmt.Sprintf("%d.de_DE", i+1)
		if name := l["attribute_key_"+suffix]; name != "" {
			out = append(out, row{"abstract": l["abstract_sku"], "place": int64(i + 1), "name": name, "text": asText(l["value_"+suffix])})
		}
	}
	return out
}

func (s *suite) image(l line) any {
	return row{
		"locale": l["locale"], "abstract": asText(l["abstract_sku"]), "concrete": asText(l["concrete_sku"]),
		"large": asText(l["external_url_large"]), "small": asText(l["external_url_small"]), "sort": asInt(s.t, l["sort_order"]), "number": asInt(s.t, l["number"]),
	}
}

func (s *suite) category(key string) any {
	l := s.only(s.categories[key])
	if l == nil {
		return nil
	}
	return row{
		"category": key, "parent": asText(l["parent_category_key"]), "name_en": l["name.en_US"], "name_de": l["name.de_DE"],
		"root": s.flag(l["is_root"]), "rank": asInt(s.t, l["node_order"]),
	}
}

// path returns a category and those above it, the highest first.
func (s *suite) path(key string) []line {
	l := s.only(s.categories[key])
	if l == nil {
		return nil
	}
	return append(s.path(l["parent_category_key"]), l)
}

// breadcrumbs are the names on the path below the root.
func (s *suite) breadcrumbs(key, name string) any {
	var names []string
	for _, l := range s.path(key) {
		if l["is_root"] != "1" {
			names = append(names, l[name])
		}
	}
	return asText(strings.Join(names, " > "))
}

// each turns lines into values.
func each(lines []line, value func(line) any) []any {
	out := []any{}
	for _, l := range lines {
		out = append(out, value(l))
	}
	return out
}

// having returns the lines with a value in a field.
func having(lines []line, name, value string) []line {
	var out []line
	for _, l := range lines {
		if l[name] == value {
			out = append(out, l)
		}
	}
	return out
}

// sorted orders lines by their fields: "-name" descending, "#name" as a number;
// what is equal stays in the order of the file.
func (s *suite) sorted(lines []line, fields ...string) []line {
	return slices.SortedStableFunc(slices.Values(lines), func(a, b line) int {
		for _, name := range fields {
			name, descending := strings.CutPrefix(name, "-")
			name, number := strings.CutPrefix(name, "#")
			c := strings.Compare(a[name], b[name])
			if number {
				c = rational(s.t, a[name]).Cmp(rational(s.t, b[name]))
			}
			if c != 0 && descending {
				return -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

func (s *suite) labelsOf(abstract string) []any {
	out := []any{}
	for _, l := range s.sorted(s.labels, "-#priority") {
		if slices.Contains(strings.Split(l["product_abstract_skus"], ","), abstract) {
			out = append(out, row{"abstract": abstract, "name": l["name.de_DE"], "priority": asInt(s.t, l["priority"])})
		}
	}
	return out
}

func (s *suite) approvedReviews(abstract string) []line {
	return s.sorted(having(s.reviews[abstract], "status", "approved"), "-#rating", "customer_reference")
}

func (s *suite) review(l line) any {
	return row{
		"abstract": l["abstract_product_sku"], "customer": l["customer_reference"], "locale": l["locale_name"],
		"summary": asText(l["summary"]), "stars": asInt(s.t, l["rating"]), "status": l["status"],
	}
}

// stars are the mean of reviews, as a double and to two places.
func (s *suite) stars(reviews []line) (any, any) {
	if len(reviews) == 0 {
		return nil, nil
	}
	sum := new(big.Rat)
	for _, l := range reviews {
		sum.Add(sum, rational(s.t, l["rating"]))
	}
	mean := sum.Quo(sum, big.NewRat(int64(len(reviews)), 1))
	double, _ := mean.Float64()
	return double, rounded(mean, 2)
}

func (s *suite) warehouse(l line) any {
	return row{
		"concrete": l["concrete_sku"], "warehouse": l["name"], "quantity": asDecimal(s.t, l["quantity"], 3), "endless": s.flag(l["is_never_out_of_stock"]),
	}
}

// offerPrice is the default price of an offer itself.
func (s *suite) offerPrice(offer, store, currency string) line {
	prices := having(having(s.prices[offer], "store", store), "currency", currency)
	return s.only(having(prices, "price_type", "DEFAULT"))
}

// offer is every column of an offer.
func (s *suite) offer(l line) row {
	r := s.declaredOffer(l)
	r["id"] = l["product_offer_reference"]
	s.addOffer(r, l)
	concrete := s.only(s.concretes[l["concrete_sku"]])
	s.addSeller(r, l, s.only(s.owners[concrete["abstract_sku"]]))
	s.addConcrete(r, l["concrete_sku"], concrete)
	abstract := s.only(s.abstracts[concrete["abstract_sku"]])
	s.addProduct(r, abstract)
	s.addImages(r, l["concrete_sku"], abstract["abstract_sku"])
	s.addVariants(r, s.only(s.groupOf[abstract["abstract_sku"]]))
	s.addCategories(r, abstract)
	s.addTax(r, abstract["tax_set_name"])
	return r
}

func (s *suite) addOffer(r row, l line) {
	id := l["product_offer_reference"]
	r["stock"], r["validity"] = s.stockOf(id), s.validityOf(id)
	r["prices"] = each(s.sorted(s.prices[id], "store", "-currency", "price_type"), s.price)
	r["rivals"] = each(s.sorted(s.bySKU[l["concrete_sku"]], "-is_active", "merchant_reference", "-product_offer_reference"), func(l line) any { return s.declaredOffer(l) })
	r["stores"] = each(s.sorted(s.offerStores[id], "folder"), func(l line) any { return l["store_name"] })
	r["available"] = false
	if stock := s.only(s.stock[id]); stock != nil {
		r["available"] = stock["is_never_out_of_stock"] == "1" || rational(s.t, stock["quantity"]).Sign() > 0
	}
	r["eur_de"], r["chf_at"] = s.cents(s.offerPrice(id, "DE", "EUR")["value_gross"]), s.cents(s.offerPrice(id, "AT", "CHF")["value_gross"])
	r["cheapest"] = nil
	if cheapest := s.sorted(having(s.prices[id], "currency", "EUR"), "#value_gross"); len(cheapest) > 0 {
		r["cheapest"] = s.cents(cheapest[0]["value_gross"])
	}
}

// addSeller adds the merchant of the offer, else whoever has the product.
func (s *suite) addSeller(r row, l, owner line) {
	seller := cmp.Or(l["merchant_reference"], owner["merchant_reference"])
	r["seller"], r["shop"], r["profile"] = asText(seller), s.shop(seller), s.profile(seller)
	r["owner"] = nil
	if owner != nil {
		r["owner"] = row{"merchant": owner["merchant_reference"], "shared": s.flag(owner["is_shared"])}
	}
}

func (s *suite) addConcrete(r row, sku string, concrete line) {
	r["concrete"], r["code"] = s.concrete(concrete), attributes(concrete)["upcs"]
	r["sku_prices"] = each(s.sorted(s.skuPrices[sku], "store", "currency", "price_type"), s.productPrice)
	r["warehouses"] = each(s.sorted(s.warehouses[sku], "-#quantity", "name"), s.warehouse)
	pieces := new(big.Rat)
	for _, l := range s.warehouses[sku] {
		pieces.Add(pieces, rational(s.t, l["quantity"]))
	}
	r["pieces"] = rounded(pieces, 3)
	r["end"] = nil
	if end := s.only(s.ends[sku]); end != nil {
		r["end"] = row{"note_en": asText(end["note.en_US"]), "note_de": asText(end["note.de_DE"])}
	}
	r["discontinued"] = r["end"] != nil
}

func (s *suite) addProduct(r row, l line) {
	sku := l["abstract_sku"]
	r["product"], r["german"], r["brand"] = s.product(l), s.german(l), attributes(l)["brand"]
	r["release"] = row{"status": last(s.releases[sku])["approval_status"]}
	r["product_prices"] = each(s.sorted(s.productPrices[sku], "-#value_gross", "store", "currency"), s.productPrice)
	r["reductions"] = each(s.sorted(having(s.reductions[sku], "price_type", "DEFAULT"), "-from_included", "to_included", "store", "currency"), s.reduction)
	r["product_stores"] = each(s.sorted(s.productStores[sku], "-store_name"), func(l line) any { return l["store_name"] })
	r["labels"] = s.labelsOf(sku)
	reviews := s.approvedReviews(sku)
	r["reviews"], r["reviewers"] = each(reviews, s.review), int64(len(reviews))
	r["rating"], r["rated"] = s.stars(reviews)
}

func (s *suite) addImages(r row, sku, abstract string) {
	german := having(s.skuImages[sku], "locale", "de_DE")
	r["sku_images"] = each(s.sorted(german, "#sort_order"), s.image)
	ofProduct := having(s.productImages[abstract], "locale", "de_DE")
	r["product_images"] = each(s.sorted(ofProduct, "#sort_order"), s.image)
	if len(german) == 0 {
		german = ofProduct
	}
	r["images"] = each(s.sorted(german, "#sort_order"), func(l line) any { return asText(l["external_url_large"]) })
}

func (s *suite) variant(l line) any {
	return row{"group": l["group_key"], "abstract": l["abstract_sku"], "position": asInt(s.t, l["position"])}
}

// addVariants adds the products of a group, and their images in two orders.
func (s *suite) addVariants(r row, group line) {
	r["group"], r["variants"], r["gallery"], r["palette"] = nil, []any{}, []any{}, []any{}
	if group == nil {
		return
	}
	r["group"] = s.variant(group)
	variants := s.sorted(s.groups[group["group_key"]], "-#position")
	r["variants"] = each(variants, s.variant)
	var images []line
	for _, v := range variants {
		images = append(images, s.productImages[v["abstract_sku"]]...)
	}
	r["gallery"] = each(s.sorted(images, "-locale", "#sort_order", "#number"), s.image)
	r["palette"] = each(having(images, "locale", "de_DE"), s.image)
}

func (s *suite) addCategories(r row, abstract line) {
	keys := strings.Split(abstract["category_key"], ",")
	r["shelves"] = []any{}
	var lines []line
	for _, key := range keys {
		r["shelves"] = append(r["shelves"].([]any), s.category(key))
		lines = append(lines, s.only(s.categories[key]))
	}
	r["ranked"] = each(s.sorted(lines, "-#node_order", "category_key"), func(l line) any { return s.category(l["category_key"]) })
	path := s.path(keys[0])
	for _, name := range []string{"leaf", "middle", "top"} {
		r[name] = nil
		if n := len(path); n > 0 {
			r[name], path = s.category(path[n-1]["category_key"]), path[:n-1]
		}
	}
	if len(path) > 0 {
		s.t.Fatalf("category %s is deeper than the workspace says", keys[0])
	}
	r["path_en"], r["path_de"] = s.breadcrumbs(keys[0], "name.en_US"), s.breadcrumbs(keys[0], "name.de_DE")
}

func (s *suite) addTax(r row, set string) {
	r["tax_de"], r["net_de"] = nil, nil
	rate := s.only(having(s.taxes[set], "country_name", "Germany"))
	if rate == nil {
		return
	}
	r["tax_de"] = row{"percent": asDecimal(s.t, rate["tax_rate_percent"], 2)}
	if r["eur_de"] == nil {
		return
	}
	factor := new(big.Rat).Add(big.NewRat(1, 1), new(big.Rat).Quo(rational(s.t, rate["tax_rate_percent"]), big.NewRat(100, 1)))
	r["net_de"] = rounded(new(big.Rat).Quo(rational(s.t, r["eur_de"].(json.Number)), factor), 2)
}

// The offers and products of a marketplace, joined from 32 files of an importer.
func TestSpryker(t *testing.T) {
	dir := realData(t, "spryker_suite")
	ws := loadWorkspace(t, filepath.Join("testdata", "spryker"), map[string]string{"FEEDMILL_DATA": dir})
	store := newStore(t)
	report := aggregateOnce(t, ws, store)
	schema, rows := readSnapshot(t, store, report.Snapshot)
	s := openSuite(t, dir)
	want := map[string]row{}
	for _, l := range s.offers {
		want[l["product_offer_reference"]] = s.offer(l)
	}
	for _, l := range s.wares {
		want[l["concrete_sku"]] = s.offer(l)
		want[l["concrete_sku"]]["reference"] = nil
	}
	compared := compareOffers(t, schema, rows, want)
	if len(report.Warnings) > 0 {
		t.Errorf("warnings %q", report.Warnings)
	}
	for name, source := range report.Sources {
		rejected, doubled := 0, 0
		switch name {
		case "prices":
			rejected, doubled = len(s.broken), s.doubled
		case "releases":
			doubled = 1
		}
		if source.Rejected != int64(rejected) || source.Duplicates != int64(doubled) {
			t.Errorf("source %s: want %d rejected and %d repeated: %+v", name, rejected, doubled, source)
		}
	}
	var broken []string
	for _, r := range readRejects(t, store, report.Run, "prices") {
		offer, _, _ := strings.Cut(r.Raw, ",")
		broken = append(broken, offer)
		if r.Place != "volume" || !strings.HasSuffix(r.File, "/price_product_offer.csv") || r.Line != r.Row+2 {
			t.Errorf("rejected %+v", r)
		}
	}
	if !slices.Equal(broken, s.broken) {
		t.Errorf("rejected the prices of %q, want %q", broken, s.broken)
	}
	recordFigures(t, "Spryker marketplace", sprykerFigures(rows, compared, s))
}

// sprykerFigures count what offers have of everything that is joined as many.
func sprykerFigures(rows []row, compared int, s *suite) []string {
	lists := []string{"prices", "product_prices", "sku_prices", "reductions", "gallery", "reviews", "german", "labels", "warehouses", "rivals"}
	joined := map[string]int{}
	rated, valid := 0, 0
	for _, r := range rows {
		for _, name := range lists {
			joined[name] += len(r[name].([]any))
		}
		rated += cmp.Compare(r["reviewers"].(int64), 0)
		if r["validity"] != nil {
			valid++
		}
	}
	text := fmt.Sprintf("| %d | %d | %d | %d | %d | %d |", len(rows), compared, len(s.broken), s.doubled, rated, valid)
	for _, name := range lists {
		text += fmt.Sprintf(" %d |", joined[name])
	}
	return []string{
		"| offers and products | values compared | prices rejected | prices replaced | offers with a rating | with a validity | " + strings.Join(lists, " | ") + " |",
		"|--:|--:|--:|--:|--:|--:|" + strings.Repeat("--:|", len(lists)),
		text,
	}
}
