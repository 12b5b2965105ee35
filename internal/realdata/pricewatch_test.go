package realdata

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/aggregate"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A watched is a product of the price watch, as its files have it.
type watched struct {
	Code   any               `json:"code"` // a text, or a number for one of them
	Brand  map[string]string `json:"brand"`
	Name   map[string]string `json:"name"`
	Cat1   map[string]string `json:"cat1Name"`
	Cat2   map[string]string `json:"cat2Name"`
	Cat3   map[string]string `json:"cat3Name"`
	Prices []struct {
		Seller string `json:"supermarketCode"`
		Price  string `json:"price"`
	} `json:"prices"`
	Promotions []struct {
		Seller string `json:"supermarketCode"`
		En     string `json:"en"`
		Hant   string `json:"zh-Hant"`
		Hans   string `json:"zh-Hans"`
	} `json:"offers"`
}

func (w *watched) code() string { return fmt.Sprint(w.Code) }

func (w *watched) id(seller string) string { return w.code() + "@" + seller }

// readWatch reads a delivery of the price watch.
func readWatch(t testing.TB, path string) []watched {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var products []watched
	decodeJSON(t, unzipped, &products)
	return products
}

// watchedOffers is what a delivery's snapshot must hold.
func watchedOffers(t testing.TB, products []watched) map[string]row {
	t.Helper()
	want := map[string]row{}
	for i := range products {
		w := &products[i]
		rivals := w.rivals(t)
		for _, rival := range rivals {
			id := w.id(rival["seller"].(string))
			if want[id] != nil {
				t.Fatalf("the files have offer %s twice", id)
			}
			want[id] = w.offer(t, id, rival, rivals)
		}
	}
	return want
}

// rivals is the product's offers, the cheapest first.
func (w *watched) rivals(t testing.TB) []row {
	t.Helper()
	var out []row
	for _, p := range w.Prices {
		if p.Price != "" {
			out = append(out, row{"code": w.code(), "seller": p.Seller, "price": asDecimal(t, p.Price, 2)})
		}
	}
	slices.SortFunc(out, func(a, b row) int {
		return cmp.Or(rational(t, a["price"]).Cmp(rational(t, b["price"])), strings.Compare(a["seller"].(string), b["seller"].(string)))
	})
	return out
}

func (w *watched) offer(t testing.TB, id string, mine row, rivals []row) row {
	t.Helper()
	promotions := w.promotions(id)
	var promotion any
	if len(promotions) > 0 {
		promotion = promotions[0].(row)["zh_hant"]
	}
	sum := new(big.Rat)
	list := []any{}
	for _, r := range rivals {
		sum.Add(sum, rational(t, r["price"]))
		list = append(list, r)
	}
	return row{
		"id": id, "code": mine["code"], "seller": mine["seller"], "price": mine["price"],
		"product": w.product(), "promotions": promotions, "rivals": list,
		"name_en": asText(w.Name["en"]), "name_zh_hant": asText(w.Name["zh-Hant"]), "name_zh_hans": asText(w.Name["zh-Hans"]),
		"path":     w.Cat1["en"] + " > " + w.Cat2["en"] + " > " + w.Cat3["en"],
		"promoted": len(promotions) > 0, "promotion": promotion,
		"sellers": int64(len(rivals)), "lowest": rivals[0]["price"],
		"mean":     rounded(sum.Quo(sum, big.NewRat(int64(len(rivals)), 1)), 3),
		"cheapest": rivals[0]["seller"] == mine["seller"], "dearest": dearest(t, rivals),
	}
}

func (w *watched) product() row {
	names := row{}
	for language, name := range w.Name {
		names[language] = asText(name)
	}
	var categories, category []any
	for _, c := range []map[string]string{w.Cat1, w.Cat2, w.Cat3} {
		categories = append(categories, asText(c["en"]))
		category = append(category, row{"en": asText(c["en"]), "hant": asText(c["zh-Hant"]), "hans": asText(c["zh-Hans"])})
	}
	return row{
		"brand": asText(w.Brand["en"]), "brand_zh_hant": asText(w.Brand["zh-Hant"]), "brand_zh_hans": asText(w.Brand["zh-Hans"]),
		"name": names, "categories": categories, "category": category,
	}
}

func (w *watched) promotions(id string) []any {
	out := []any{}
	for _, p := range w.Promotions {
		if w.id(p.Seller) == id {
			out = append(out, row{"offer": id, "en": asText(p.En), "zh_hant": asText(p.Hant), "zh_hans": asText(p.Hans)})
		}
	}
	slices.SortFunc(out, func(a, b any) int {
		return cmp.Or(
			strings.Compare(a.(row)["en"].(string), b.(row)["en"].(string)),
			strings.Compare(a.(row)["zh_hant"].(string), b.(row)["zh_hant"].(string)))
	})
	return out
}

// dearest is the seller of the highest price above 100, the first by name of
// those with the same.
func dearest(t testing.TB, rivals []row) any {
	t.Helper()
	highest := rational(t, rivals[len(rivals)-1]["price"])
	if highest.Cmp(big.NewRat(100, 1)) <= 0 {
		return nil
	}
	for _, r := range rivals {
		if rational(t, r["price"]).Cmp(highest) == 0 {
			return r["seller"]
		}
	}
	panic("no rival has the highest price")
}

// watchChange is what the collector of the files counted between a delivery and
// the one before it.
type watchChange struct {
	New   int `json:"new"`
	Gone  int `json:"gone"`
	Price int `json:"price"`
	Promo int `json:"promo"`
}

type watchDelivery struct {
	File     string      `json:"file"`
	Products int         `json:"products"`
	Offers   int         `json:"offers"`
	Change   watchChange `json:"change_from_previous"`
}

func (d watchDelivery) version() string {
	return strings.TrimSuffix(strings.TrimPrefix(d.File, "pricewatch_"), ".json")
}

// readWatchManifest returns the deliveries in order.
func readWatchManifest(t testing.TB, dir string) []watchDelivery {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var deliveries []watchDelivery
	decodeJSON(t, file, &deliveries)
	if !slices.IsSortedFunc(deliveries, func(a, b watchDelivery) int { return strings.Compare(a.File, b.File) }) {
		t.Fatal("the manifest's deliveries are not in order")
	}
	return deliveries
}

// changes counts what is different between two snapshots.
func changes(before, after map[string]row) watchChange {
	var c watchChange
	for id, r := range after {
		old, ok := before[id]
		switch {
		case !ok:
			c.New++
			continue
		case old["price"] != r["price"]:
			c.Price++
		}
		if english(old) != english(r) {
			c.Promo++
		}
	}
	for id := range before {
		if _, ok := after[id]; !ok {
			c.Gone++
		}
	}
	return c
}

// english is the English text of an offer's only promotion, which is the one
// that the collector looked at.
func english(r row) any {
	promotions := r["promotions"].([]any)
	if len(promotions) == 0 {
		return nil
	}
	return promotions[0].(row)["en"]
}

func byID(rows []row) map[string]row {
	out := map[string]row{}
	for _, r := range rows {
		out[r["id"].(string)] = r
	}
	return out
}

// objectsOf returns the digests of a snapshot's partitions.
func objectsOf(t testing.TB, store storage.Store, run string) []manifest.Object {
	t.Helper()
	m, err := manifest.Read(t.Context(), store, "snapshots", run)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Objects {
		m.Objects[i].Name = filepath.Base(m.Objects[i].Name)
	}
	return m.Objects
}

// deliver puts a file into the folder that the sources read.
func deliver(t testing.TB, from, to, name string) {
	t.Helper()
	if err := os.Symlink(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
		t.Fatal(err)
	}
}

// Each delivery of the price watch arrives, is aggregated, and what it made is
// compared; then every earlier state is made again from all files, by time
// travel.
func TestPriceWatch(t *testing.T) {
	dir := realData(t, "hk_pricewatch")
	deliveries := readWatchManifest(t, dir)
	if testing.Short() {
		deliveries = deliveries[:2]
	}
	data := t.TempDir()
	ws := loadWorkspace(t, filepath.Join("testdata", "pricewatch"), map[string]string{"FEEDMILL_DATA": data})
	store := newStore(t)
	figures := []string{
		"| delivery | products | offers | with promotion | values compared | new | gone | price | promotion |",
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|",
	}
	var before map[string]row
	made := map[string][]manifest.Object{}
	for i, d := range deliveries {
		deliver(t, dir, data, d.File+".gz")
		report := aggregateOnce(t, ws, store)
		schema, rows := readSnapshot(t, store, report.Snapshot)
		products := readWatch(t, filepath.Join(dir, d.File+".gz"))
		want := watchedOffers(t, products)
		compared := compareOffers(t, schema, rows, want)
		checkWatchReport(t, report, d, products)
		after := byID(rows)
		change := watchChange{}
		if i > 0 {
			change = changes(before, after)
		}
		if diff := gocmp.Diff(d.Change, change); diff != "" {
			t.Errorf("the changes of %s are not the manifest's (-manifest +seen):\n%s", d.version(), diff)
		}
		figures = append(figures, fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d | %d |", d.version(),
			len(products), len(rows), report.Sources["promotions"].Rows, compared, change.New, change.Gone, change.Price, change.Promo))
		before, made[d.version()] = after, objectsOf(t, store, report.Snapshot)
	}
	travelWatch(t, ws, deliveries, made)
	if !testing.Short() {
		recordFigures(t, "Hong Kong price watch", figures)
	}
}

func checkWatchReport(t testing.TB, report *aggregate.Report, d watchDelivery, products []watched) {
	t.Helper()
	promotions := 0
	for _, w := range products {
		promotions += len(w.Promotions)
	}
	type counts struct{ Offers, Prices, Products, Promotions, Rejected int }
	want := counts{Offers: d.Offers, Prices: d.Offers, Products: d.Products, Promotions: promotions}
	got := counts{
		Offers: int(report.Offers), Prices: int(report.Sources["prices"].Rows),
		Products: int(report.Sources["products"].Rows), Promotions: int(report.Sources["promotions"].Rows),
	}
	for name, source := range report.Sources {
		got.Rejected += int(source.Rejected + source.Duplicates)
		if diff := gocmp.Diff([]string{d.version()}, source.Versions); diff != "" {
			t.Errorf("versions of %s: %s", name, diff)
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("report of %s (-want +got):\n%s", d.version(), diff)
	}
}

// travelWatch makes the state of every delivery in another warehouse, the last
// one first: it must be the bytes that the deliveries gave one by one.
func travelWatch(t *testing.T, ws *workspace.Workspace, deliveries []watchDelivery, made map[string][]manifest.Object) {
	t.Helper()
	store := newStore(t)
	for i, d := range slices.Backward(deliveries) {
		opts := []option{asOf(d.version())}
		if i%2 == 0 {
			opts = append(opts, full)
		}
		report := aggregateOnce(t, ws, store, opts...)
		if diff := gocmp.Diff(made[d.version()], objectsOf(t, store, report.Snapshot)); diff != "" {
			t.Errorf("the snapshot as of %s has other bytes than the one made when it came:\n%s", d.version(), diff)
		}
	}
}
