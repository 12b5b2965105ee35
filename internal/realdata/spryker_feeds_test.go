package realdata

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"math/big"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/memory"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/generate"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A marketItem is an item of the Spryker feeds, as a partner reads it.
type marketItem struct {
	ID           string   `xml:"http://base.google.com/ns/1.0 id"`
	Title        string   `xml:"http://base.google.com/ns/1.0 title"`
	Description  string   `xml:"http://base.google.com/ns/1.0 description"`
	Link         string   `xml:"http://base.google.com/ns/1.0 link"`
	Image        string   `xml:"http://base.google.com/ns/1.0 image_link"`
	More         []string `xml:"http://base.google.com/ns/1.0 additional_image_link"`
	Availability string   `xml:"http://base.google.com/ns/1.0 availability"`
	Price        string   `xml:"http://base.google.com/ns/1.0 price"`
	SalePrice    string   `xml:"http://base.google.com/ns/1.0 sale_price"`
	Brand        string   `xml:"http://base.google.com/ns/1.0 brand"`
	Code         string   `xml:"http://base.google.com/ns/1.0 gtin"`
	Path         string   `xml:"http://base.google.com/ns/1.0 product_type"`
	Color        string   `xml:"http://base.google.com/ns/1.0 color"`
	Seller       string   `xml:"seller"`
	Until        string   `xml:"until"`
	Rating       string   `xml:"rating"`
	Stores       string   `xml:"stores"`
	Attributes   []named  `xml:"attribute"`
	Others       []placed `xml:"other"`
}

type named struct {
	Name string `xml:"name,attr"`
	Text string `xml:",chardata"`
}

type placed struct {
	Place string `xml:"place,attr"`
	Price string `xml:",chardata"`
}

// exportFeed returns the bytes of a published feed, which are the same when they
// come compressed.
func exportFeed(t testing.TB, store storage.Store, name string) []byte {
	t.Helper()
	ctx := context.Background()
	catalog, err := part.Published(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	feed, err := catalog.Open(ctx, store, name)
	if err != nil {
		t.Fatal(err)
	}
	if len(feed.Files) != 1 {
		t.Fatalf("feed %s has %d files", name, len(feed.Files))
	}
	var document, packed bytes.Buffer
	if err := feed.Files[0].WritePlain(ctx, store, &document); err != nil {
		t.Fatal(err)
	}
	if err := feed.Files[0].WriteGzip(ctx, store, &packed); err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(&packed)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(reader)
	if err != nil || !bytes.Equal(unpacked, document.Bytes()) {
		t.Fatalf("feed %s: %d bytes, %d of them compressed: %v", name, document.Len(), len(unpacked), err)
	}
	return document.Bytes()
}

// parseMarket returns the items of a feed by id.
func parseMarket(t testing.TB, document []byte) (title string, items map[string]marketItem) {
	t.Helper()
	var rss struct {
		Title string       `xml:"channel>title"`
		Items []marketItem `xml:"channel>item"`
	}
	if err := xml.Unmarshal(document, &rss); err != nil {
		t.Fatal(err)
	}
	items = map[string]marketItem{}
	for _, item := range rss.Items {
		if _, twice := items[item.ID]; twice {
			t.Errorf("item %s is there twice", item.ID)
		}
		items[item.ID] = item
	}
	return rss.Title, items
}

// A market is what a feed is made for.
type market struct {
	store, currency, language string // such as AT, CHF, de_DE
}

// A verdict is how a condition ends; of several the least counts.
type verdict int

const (
	no    verdict = iota
	undue         // undecided: a value is missing
	yes
)

func verdictOf(condition bool) verdict {
	if condition {
		return yes
	}
	return no
}

// approved says whether everybody released an offer of a store. Of a concrete
// product the files may leave it open.
func (s *suite) approved(l line, store string) verdict {
	shop, concrete := s.only(s.merchants[l["merchant_reference"]]), s.only(s.concretes[l["concrete_sku"]])
	abstract := concrete["abstract_sku"]
	released := l["is_active"] == "1" && l["approval_status"] == "approved" &&
		shop["is_active"] == "1" && shop["status"] == "approved" && last(s.releases[abstract])["approval_status"] == "approved" &&
		len(having(s.offerStores[l["product_offer_reference"]], "store_name", store)) > 0 &&
		len(having(s.productStores[abstract], "store_name", store)) > 0
	if released && concrete["is_active"] == "" {
		return undue
	}
	return verdictOf(released && concrete["is_active"] == "1")
}

// valid says whether an offer is valid at a time; its first and last moments
// count.
func (s *suite) valid(offer string, now time.Time) verdict {
	l := s.only(s.validity[offer])
	from, bounded := s.clock(l["valid_from"], "UTC").(time.Time)
	if bounded && now.Before(from) {
		return no
	}
	to, bounded := s.clock(l["valid_to"], "UTC").(time.Time)
	return verdictOf(!bounded || !now.After(to))
}

// amount is the cents of a price in a market: nil where there is none.
func (s *suite) amount(prices []line, m market, kind string) *big.Rat {
	prices = having(having(having(prices, "store", m.store), "currency", m.currency), "price_type", kind)
	if l := s.only(prices); l != nil {
		return rational(s.t, l["value_gross"])
	}
	return nil
}

// defaultPrice is that of the offer, else of the concrete, else of the abstract
// product.
func (s *suite) defaultPrice(l line, m market) *big.Rat {
	abstract := s.only(s.concretes[l["concrete_sku"]])["abstract_sku"]
	for _, prices := range [][]line{s.prices[l["product_offer_reference"]], s.skuPrices[l["concrete_sku"]], s.productPrices[abstract]} {
		if price := s.amount(prices, m, "DEFAULT"); price != nil {
			return price
		}
	}
	return nil
}

func moneyText(cents *big.Rat, currency string) string {
	return new(big.Rat).Quo(cents, big.NewRat(100, 1)).FloatString(2) + " " + currency
}

// item is the offer as the feed of a market must show it at a price.
func (s *suite) item(l line, m market, price *big.Rat) marketItem {
	id, sku := l["product_offer_reference"], l["concrete_sku"]
	concrete := s.only(s.concretes[sku])
	abstract := s.only(s.abstracts[concrete["abstract_sku"]])
	item := marketItem{
		ID: id, Title: concrete["name."+m.language], Description: concrete["description."+m.language],
		Link:  "https://" + strings.ToLower(m.store) + ".example.org" + abstract["url."+m.language],
		Price: moneyText(price, m.currency), Availability: "out_of_stock", Seller: s.only(s.merchants[l["merchant_reference"]])["merchant_name"],
	}
	if original := s.amount(s.prices[id], m, "ORIGINAL"); original != nil && original.Cmp(price) > 0 {
		item.Price, item.SalePrice = moneyText(original, m.currency), item.Price
	}
	if s.available(id) {
		item.Availability = "in_stock"
	}
	item.Brand, _ = attributes(abstract)["brand"].(string)
	item.Code, _ = attributes(concrete)["upcs"].(string)
	item.Color, _ = attributes(concrete)["color"].(string)
	item.Path, _ = s.breadcrumbs(strings.Split(abstract["category_key"], ",")[0], "name."+m.language).(string)
	if to, bounded := s.clock(s.only(s.validity[id])["valid_to"], "UTC").(time.Time); bounded {
		item.Until = to.Format("02.01.2006")
	}
	if _, mean := s.stars(s.approvedReviews(abstract["abstract_sku"])); mean != nil {
		item.Rating = fmt.Sprint(mean)
	}
	s.addLists(&item, l, abstract)
	return item
}

func (s *suite) addLists(item *marketItem, l, abstract line) {
	images := having(s.skuImages[l["concrete_sku"]], "locale", "de_DE")
	if len(images) == 0 {
		images = having(s.productImages[abstract["abstract_sku"]], "locale", "de_DE")
	}
	for i, image := range s.sorted(images, "#sort_order", "#number") {
		if i == 0 {
			item.Image = image["external_url_large"]
			continue
		}
		item.More = append(item.More, image["external_url_large"])
	}
	var stores []string
	for _, l := range s.offerStores[item.ID] {
		stores = append(stores, l["store_name"])
	}
	item.Stores = strings.Join(slices.Sorted(slices.Values(stores)), "/")
	for _, a := range s.german(abstract) {
		text, _ := a.(row)["text"].(string)
		item.Attributes = append(item.Attributes, named{a.(row)["name"].(string), text})
	}
	for _, p := range s.sorted(s.prices[item.ID], "store", "-currency", "price_type") {
		item.Others = append(item.Others, placed{p["store"], moneyText(rational(s.t, p["value_gross"]), p["currency"])})
	}
}

// A sheet is what a feed must hold, and how many offers it must leave out.
type sheet struct {
	items               map[string]marketItem
	unpriced, undecided int64
}

// marketFeed is the feed of all offers of a market at a time.
func (s *suite) marketFeed(m market, now time.Time) sheet {
	out := sheet{items: map[string]marketItem{}}
	for _, l := range s.offers {
		id, price := l["product_offer_reference"], s.defaultPrice(l, m)
		switch decided := min(s.approved(l, m.store), s.valid(id, now)); {
		case decided == undue:
			out.undecided++
		case decided == yes && price == nil:
			out.unpriced++
		case decided == yes:
			out.items[id] = s.item(l, m, price)
		}
	}
	return out
}

func (s *suite) available(offer string) bool {
	stock := s.only(s.stock[offer])
	return stock != nil && (stock["is_never_out_of_stock"] == "1" || rational(s.t, stock["quantity"]).Sign() > 0)
}

// A rival is an offer among those of one concrete product.
type rival struct {
	line
	price *big.Rat
}

func (r rival) compare(other rival) int {
	return cmp.Or(r.price.Cmp(other.price), strings.Compare(other.line["merchant_reference"], r.line["merchant_reference"]),
		strings.Compare(r.line["product_offer_reference"], other.line["product_offer_reference"]))
}

// bestFeed is what is in stock with a price of its own: of each product the
// cheapest, then that of the merchant whose reference is the greatest, then that
// whose id is the smallest.
func (s *suite) bestFeed(m market, now time.Time) sheet {
	out, bySKU := sheet{items: map[string]marketItem{}}, map[string][]rival{}
	for _, l := range s.offers {
		id := l["product_offer_reference"]
		price, priced := s.amount(s.prices[id], m, "DEFAULT"), undue
		if price != nil {
			priced = verdictOf(price.Sign() > 0)
		}
		switch min(priced, verdictOf(s.available(id)), s.approved(l, m.store), s.valid(id, now)) {
		case undue:
			out.undecided++
		case yes:
			bySKU[l["concrete_sku"]] = append(bySKU[l["concrete_sku"]], rival{l, price})
		}
	}
	for _, rivals := range bySKU {
		best := slices.MinFunc(rivals, rival.compare)
		out.items[best.line["product_offer_reference"]] = s.item(best.line, m, best.price)
	}
	return out
}

// generateAt makes and publishes all feeds as they are at a time; what it
// allocates it must give back.
func generateAt(t testing.TB, ws *workspace.Workspace, store storage.Store, now time.Time) *generate.Report {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	report, err := generate.Run(context.Background(), generate.Options{Workspace: ws, Store: store, Workers: 2, At: now, Alloc: alloc})
	if err != nil {
		t.Fatal(err)
	}
	alloc.AssertSize(t, 0)
	if !report.Now.Equal(now) || len(report.Held()) > 0 {
		t.Fatalf("held at %s: %+v", report.Now, report)
	}
	return report
}

var sprykerMarkets = map[string]market{
	"de-eur": {"DE", "EUR", "de_DE"}, "de-chf": {"DE", "CHF", "de_DE"},
	"at-eur": {"AT", "EUR", "de_DE"}, "at-chf": {"AT", "CHF", "de_DE"},
	"at-chf-best": {"AT", "CHF", "en_US"},
}

// At these times other offers are valid than at the one before; on 1 December
// 2025 the same, for some the last moment.
var sprykerTimes = []string{
	"2020-01-20T00:00:00Z", "2020-01-20T00:00:00.000001Z", "2025-06-01T00:00:00Z",
	"2025-12-01T00:00:00Z", "2025-12-01T00:00:00.000001Z", "2030-06-01T12:00:00Z",
}

// Five feeds of one template, one time after the other.
func TestSprykerFeeds(t *testing.T) {
	dir := realData(t, "spryker_suite")
	ws := loadWorkspace(t, filepath.Join("testdata", "spryker"), map[string]string{"FEEDMILL_DATA": dir})
	store := newStore(t)
	aggregateOnce(t, ws, store)
	s := openSuite(t, dir)
	names := slices.Sorted(maps.Keys(sprykerMarkets))
	figures := []string{
		"| now | " + strings.Join(names, " | ") + " | without a price | on sale | out of stock |",
		"|---|" + strings.Repeat("--:|", len(names)+3),
	}
	before := map[string]sheet{}
	times := sprykerTimes
	if testing.Short() {
		times = times[3:5]
	}
	for _, now := range times {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		sheets := s.sheets(at)
		report := generateAt(t, ws, store, at)
		same := reflect.DeepEqual(sheets, before)
		if want := map[bool]string{false: manifest.Done, true: manifest.Unchanged}[same]; report.Status != want {
			t.Errorf("status %s at %s, not %s", report.Status, now, want)
		}
		for _, name := range names {
			sheets[name].compare(t, store, report, name)
		}
		figures = append(figures, "| "+now+marketFigures(sheets))
		before = sheets
	}
	if !testing.Short() {
		recordFigures(t, "Spryker feeds", figures)
	}
}

// sheets are all feeds at a time.
func (s *suite) sheets(now time.Time) map[string]sheet {
	out := map[string]sheet{}
	for name, m := range sprykerMarkets {
		if name == "at-chf-best" {
			out[name] = s.bestFeed(m, now)
			continue
		}
		out[name] = s.marketFeed(m, now)
	}
	return out
}

// compare compares a published feed with what it must hold.
func (s sheet) compare(t *testing.T, store storage.Store, report *generate.Report, name string) {
	t.Helper()
	title, items := parseMarket(t, exportFeed(t, store, name))
	if diff := gocmp.Diff(s.items, items); diff != "" {
		t.Errorf("feed %s at %s (-raw +feed):\n%s", name, report.Now, diff)
	}
	want := map[string]string{"de": "Marktplatz de", "at": "Marktplatz at", "at-chf-best": "The marketplace"}
	if title != cmp.Or(want[name], want[name[:2]]) {
		t.Errorf("feed %s is called %q", name, title)
	}
	r := report.Feeds[name]
	if r.Items != int64(len(s.items)) || r.Errors != 0 || r.Undecided != s.undecided || r.Left["required price"] != s.unpriced {
		t.Errorf("feed %s at %s: want %d items, %d undecided, %d without a price: %+v", name, report.Now, len(s.items), s.undecided, s.unpriced, r)
	}
	for id, item := range items {
		if utf8.RuneCountInString(item.Title) > 150 {
			t.Errorf("item %s: a title of more than 150 characters", id)
		}
	}
}

// marketFigures count the items of each feed, and what is special about them.
func marketFigures(sheets map[string]sheet) string {
	text, unpriced, sale, sold := " |", int64(0), 0, 0
	for _, name := range slices.Sorted(maps.Keys(sheets)) {
		text += fmt.Sprintf(" %d |", len(sheets[name].items))
		unpriced += sheets[name].unpriced
		for _, item := range sheets[name].items {
			sale += cmp.Compare(item.SalePrice, "")
			sold += strings.Count(item.Availability, "out_of_stock")
		}
	}
	return text + fmt.Sprintf(" %d | %d | %d |", unpriced, sale, sold)
}
