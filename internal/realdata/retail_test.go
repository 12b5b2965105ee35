package realdata

import (
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/storage"
)

// A retailer turns lines of the catalogue into the offers that they make.
type retailer struct{ t testing.TB }

// offer is what a line makes.
func (r retailer) offer(line string) row {
	var p map[string]any
	decodeJSON(r.t, strings.NewReader(line), &p)
	out := r.declared(p)
	out["id"] = p["id"]
	r.derive(out)
	return out
}

func (r retailer) declared(p map[string]any) row {
	out := row{
		"attributes": r.attributes(p["attributes"]), "priceInfo": r.priceInfo(p["priceInfo"]), "colorInfo": r.colours(p["colorInfo"]),
		"images": r.images(p["images"]), "availableTime": asTime(r.t, p["availableTime"]), "availableQuantity": asInt(r.t, p["availableQuantity"]),
	}
	for _, name := range []string{"name", "title", "availability", "uri", "retrievableFields"} {
		out[name] = asText(p[name])
	}
	for _, name := range []string{"categories", "brands", "sizes"} {
		out[name] = asTexts(p[name])
	}
	for _, name := range retailAbsent {
		if p[name] != nil {
			r.t.Fatalf("the catalogue has %s after all", name)
		}
		out[name] = nil
	}
	return out
}

// retailAbsent are the columns of the schema that the catalogue does not use.
var retailAbsent = []string{
	"type", "primaryProductId", "collectionMemberIds", "gtin", "description", "languageCode", "tags", "rating", "expireTime", "ttl",
	"fulfillmentInfo", "audience", "materials", "patterns", "conditions", "publishTime", "promotions",
}

func (r retailer) attributes(v any) any {
	if v == nil {
		return nil
	}
	out := []any{}
	for _, a := range v.([]any) {
		a := a.(map[string]any)
		value := a["value"].(map[string]any)
		out = append(out, row{"key": asText(a["key"]), "value": row{
			"text": asTexts(value["text"]), "numbers": r.numbers(value["numbers"]),
			"searchable": asBool(r.t, value["searchable"]), "indexable": asBool(r.t, value["indexable"]),
		}})
	}
	return out
}

func (r retailer) numbers(v any) any {
	if v == nil {
		return nil
	}
	out := []any{}
	for _, n := range v.([]any) {
		out = append(out, asDouble(r.t, n))
	}
	return out
}

func (r retailer) priceInfo(v any) any {
	p := v.(map[string]any)
	return row{
		"currencyCode": asText(p["currencyCode"]), "price": asDecimal(r.t, p["price"], 2),
		"originalPrice": asDecimal(r.t, p["originalPrice"], 2), "cost": asDecimal(r.t, p["cost"], 2),
		"priceEffectiveTime": asTime(r.t, p["priceEffectiveTime"]), "priceExpireTime": asTime(r.t, p["priceExpireTime"]),
	}
}

func (r retailer) colours(v any) any {
	if v == nil {
		return nil
	}
	c := v.(map[string]any)
	return row{"colorFamilies": asTexts(c["colorFamilies"]), "colors": asTexts(c["colors"])}
}

func (r retailer) images(v any) any {
	out := []any{}
	for _, i := range v.([]any) {
		i := i.(map[string]any)
		out = append(out, row{"uri": asText(i["uri"]), "height": asInt(r.t, i["height"]), "width": asInt(r.t, i["width"])})
	}
	return out
}

// derive adds the derived columns to the declared ones.
func (r retailer) derive(out row) {
	price := out["priceInfo"].(row)
	out["price"], out["saved"], out["days"] = price["price"], nil, nil
	if price["originalPrice"] != nil {
		saved := rational(r.t, price["originalPrice"])
		out["saved"] = rounded(saved.Sub(saved, rational(r.t, price["price"])), 2)
	}
	if from, ok := price["priceEffectiveTime"].(time.Time); ok {
		out["days"] = int64(price["priceExpireTime"].(time.Time).Sub(from).Hours()) / 24
	}
	out["material"], out["year"], out["green"], out["tag"] = nil, nil, false, nil
	attributes, _ := out["attributes"].([]any)
	for _, a := range attributes {
		switch a := a.(row); a["key"] {
		case "material":
			out["material"] = a["value"].(row)["text"]
		case "collection":
			out["year"] = a["value"].(row)["numbers"].([]any)[0]
		case "ecofriendly":
			out["green"] = true
		}
	}
	image := out["images"].([]any)[0].(row)
	out["image"], out["pixels"] = image["uri"], image["height"].(int64)*image["width"].(int64)
}

func TestRetail(t *testing.T) {
	dir := realData(t, "google_retail")
	ws := loadWorkspace(t, filepath.Join("testdata", "retail"), map[string]string{"FEEDMILL_DATA": dir})
	store := newStore(t)
	report := aggregateOnce(t, ws, store)
	schema, rows := readSnapshot(t, store, report.Snapshot)
	want := map[string]row{}
	for _, line := range readLines(t, filepath.Join(dir, "products.json")) {
		offer := retailer{t}.offer(line)
		want[offer["id"].(string)] = offer
	}
	compared := compareOffers(t, schema, rows, want)
	nulls, values := 0, 0
	for _, r := range rows {
		for _, v := range r {
			null, value := leaves(v)
			nulls, values = nulls+null, values+value
		}
	}
	recordFigures(t, "Google retail catalogue", []string{
		"| offers | columns | rejected | values compared | single values in them, nested | nulls among them | edits that convert | edits that are rejected |",
		"|--:|--:|--:|--:|--:|--:|--:|--:|",
		fmt.Sprintf("| %d | %d | %d | %d | %d | %d | %d | %d |",
			len(rows), len(schema), report.Sources["products"].Rejected, compared, values, nulls, len(good), len(bad)),
	})
}

// leaves counts the scalars of a value, and how many of them are null.
func leaves(v any) (nulls, all int) {
	var members []any
	switch v := v.(type) {
	case nil:
		return 1, 1
	case []any:
		members = v
	case row:
		for _, member := range v {
			members = append(members, member)
		}
	default:
		return 0, 1
	}
	for _, member := range members {
		null, count := leaves(member)
		nulls, all = nulls+null, all+count
	}
	return nulls, all
}

// An edit makes a line of a file out of a real one.
type edit struct {
	from, to string // the first from becomes to
	place    string // of the reject; empty for the whole row
	reason   string // empty: the line is good
	want     row    // columns of a good line that are other than the real one's
}

const pen = "GGCOGOAC101259" // the offer that is edited

// bad are edits that must be rejected.
var bad = []edit{
	{from: `"price": "16"`, to: `"price": "16.999"`, place: "priceInfo", reason: `in price: "16.999" has more than 2 digits after the point`},
	{from: `"price": "16"`, to: `"price": "16,50"`, place: "priceInfo", reason: `in price: "16,50" is not a number`},
	{from: `"price": "16"`, to: `"price": "12345678901"`, place: "priceInfo", reason: `in price: "12345678901" does not fit decimal(12,2)`},
	{from: `"price": "16"`, to: `"price": NaN`, reason: "not valid JSON"},
	{from: `"priceInfo": {`, to: `"priceInfo": [], "x": {`, place: "priceInfo", reason: "a list is not an object"},
	{from: `"2020-08-01T12:00:00+00:00"`, to: `"01.08.2020"`, place: "priceInfo", reason: `in priceEffectiveTime: "01.08.2020" is not an RFC 3339 time`},
	{from: `"availableTime": "2021-10-11T12:00:00+00:00"`, to: `"availableTime": 1633953600`, place: "availableTime", reason: "a number is a time only with the format unix or unixmilli"},
	{from: `"availableQuantity": 50`, to: `"availableQuantity": 50.5`, place: "availableQuantity", reason: "50.5 is not an int"},
	{from: `"height": "300"`, to: `"height": "3e2"`, place: "images", reason: `in 0: in height: "3e2" is not an int`},
	{from: `"indexable": "true"`, to: `"indexable": "maybe"`, place: "attributes", reason: `in 0: in value: in indexable: "maybe" is not a bool`},
	{from: `"categories": ["Office"]`, to: `"categories": "Office"`, place: "categories", reason: `"Office" is not JSON`},
	{from: `"brands": ["#IamRemarkable"]`, to: `"brands": [{"name": "x"}]`, place: "brands", reason: "in 0: an object is not a text"},
	{from: `"title": "#IamRemarkable Pen"`, to: `"title": ""`, place: "title", reason: "the value is null, but required"},
	{from: `"title": `, to: `"titel": `, place: "title", reason: "the value is null, but required"},
	{from: `"id": "GGCOGOAC101259"`, to: `"id": ""`, place: "key", reason: "the key is null or empty"},
	{from: `"id": "GGCOGOAC101259"`, to: `"id": null`, place: "key", reason: "the key is null or empty"},
	{from: `"id": "GGCOGOAC101259"`, to: `"id": true`, place: "key", reason: "the key is neither a text nor an int"},
	{from: `"id": "GGCOGOAC101259"`, to: `"id": 12.5`, place: "key", reason: "the key is neither a text nor an int"},
	{from: `"#IamRemarkable Pen"`, to: "\"\xff Pen\"", reason: "not valid JSON"},
	{from: `,"uri": "https://shop.googlemerchandisestore.com/Google+Redesign/Office/IamRemarkable+Pen"}`, to: ``, reason: "the JSON value is cut short"},
	{from: `IamRemarkable+Pen"}`, to: `IamRemarkable+Pen"} {}`, reason: "there is more after the JSON value"},
	{from: `{"id"`, to: `["id"`, reason: "not valid JSON"},
}

// good are edits that give the same value in another form, or a missing one.
var good = []edit{
	{from: `"id": "GGCOGOAC101259"`, to: `"id": 20260101`},
	{from: `"price": "16"`, to: `"price": 17.005`, want: row{"priceInfo.price": dec("17.01"), "price": dec("17.01"), "saved": dec("27.99")}},
	{from: `"price": "16"`, to: `"price": " 16.5 "`, want: row{"priceInfo.price": dec("16.50"), "price": dec("16.50"), "saved": dec("28.50")}},
	{from: `"price": "16"`, to: `"price": "1.65e1"`, want: row{"priceInfo.price": dec("16.50"), "price": dec("16.50"), "saved": dec("28.50")}},
	{from: `"originalPrice": "45.0"`, to: `"originalPrice": ""`, want: row{"priceInfo.originalPrice": nil, "saved": nil}},
	{from: `"originalPrice": "45.0",`, to: ``, want: row{"priceInfo.originalPrice": nil, "saved": nil}},
	{from: `"availableQuantity": 50`, to: `"availableQuantity": "50.0"`},
	{from: `"availableQuantity": 50`, to: `"availableQuantity": 5e1`},
	{from: `"indexable": "true"`, to: `"indexable": "YES"`},
	{from: `"indexable": "true"`, to: `"indexable": 1`},
	{from: `"categories": ["Office"]`, to: `"categories": "[\"Office\"]"`},
	{from: `"categories": ["Office"]`, to: `"categories": []`, want: row{"categories": []any{}}},
	{from: `"categories": ["Office"],`, to: ``, want: row{"categories": nil}},
	{from: `"brands": ["#IamRemarkable"]`, to: `"brands": [2026]`, want: row{"brands": []any{"2026"}}},
	{from: `"2021-10-11T12:00:00+00:00"`, to: `"2021-10-11T20:00:00+08:00"`},
	{from: `"2021-10-11T12:00:00+00:00"`, to: `"2021-10-11 12:00"`},
	{from: `"2021-10-11T12:00:00+00:00"`, to: `"2021-10-11T12:00:00.1234567Z"`, want: row{"availableTime": time.Date(2021, 10, 11, 12, 0, 0, 123456000, time.UTC)}},
	{from: `"#IamRemarkable Pen"`, to: `"\u0043af\u00e9 \ud83d\ude00"`, want: row{"title": "Café 😀"}},
}

// edited is the real line with an edit; a good one gets an id of its own.
func edited(t testing.TB, line string, e edit, id string) string {
	t.Helper()
	if !strings.Contains(line, e.from) {
		t.Fatalf("the line has no %s", e.from)
	}
	line = strings.Replace(line, e.from, e.to, 1)
	return strings.Replace(line, `"id": "`+pen+`"`, `"id": "`+id+`"`, 1)
}

// wanted is the offer of a good edit.
func (r retailer) wanted(line string, e edit, id string) row {
	out := r.offer(line)
	out["id"] = id
	if strings.HasPrefix(e.from, `"id"`) {
		out["id"] = strings.TrimPrefix(e.to, `"id": `)
	}
	for place, v := range e.want {
		if outer, inner, nested := strings.Cut(place, "."); nested {
			out[outer].(row)[inner] = v
		} else {
			out[place] = v
		}
	}
	return out
}

// A spoilt is a catalogue with bad lines in it.
type spoilt struct {
	dir     string
	lines   int64
	offers  map[string]row
	rejects []source.Reject
}

// spoil writes the catalogue with all edits between its lines.
func spoil(t testing.TB, dir string) spoilt {
	t.Helper()
	s := spoilt{dir: t.TempDir(), offers: map[string]row{}}
	path := filepath.Join(s.dir, "products.json")
	var text strings.Builder
	add := func(line string) {
		text.WriteString(line + "\n")
		s.lines++
	}
	reject := func(line, place, reason string) {
		s.rejects = append(s.rejects, source.Reject{File: path, Row: s.lines, Line: s.lines + 1, Place: place, Reason: reason, Raw: excerpt(line)})
		add(line)
	}
	lines := readLines(t, filepath.Join(dir, "products.json"))
	real := lineOf(t, lines, pen)
	for i, line := range lines {
		offer := retailer{t}.offer(line)
		s.offers[offer["id"].(string)] = offer
		add(line)
		if i%10 == 0 && i/10 < len(bad) {
			e := bad[i/10]
			reject(edited(t, real, e, "bad"), e.place, e.reason)
		}
		if i%15 == 0 && i/15 < len(good) {
			id := fmt.Sprint("good-", i/15)
			offer := retailer{t}.wanted(real, good[i/15], id)
			s.offers[offer["id"].(string)] = offer
			add(edited(t, real, good[i/15], id))
		}
	}
	invalid := readLines(t, filepath.Join(dir, "products_some_invalid.json"))[0]
	reject(invalid, "availability", "the value is not one of those in `in`")
	if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return s
}

func lineOf(t testing.TB, lines []string, id string) string {
	t.Helper()
	for _, line := range lines {
		if strings.Contains(line, `"id": "`+id+`"`) {
			return line
		}
	}
	t.Fatalf("the catalogue has no %s", id)
	return ""
}

func excerpt(line string) string {
	if len(line) > 1024 {
		line = line[:1024]
	}
	return strings.ToValidUTF8(line, "\ufffd")
}

// share is how many of the rows are bad, as a percentage that is off by a
// little.
func (s spoilt) share(off float64) string {
	exact, _ := big.NewRat(int64(100*len(s.rejects)), s.lines).Float64()
	return fmt.Sprintf("%.9f%%", exact+off)
}

// A catalogue with bad rows keeps them with their place and reason. When they
// are more than `rejects` allows nothing is published; otherwise the good rows
// all are.
func TestRetailRejects(t *testing.T) {
	dir := realData(t, "google_retail")
	s := spoil(t, dir)
	for _, c := range []struct {
		rejects string
		stops   bool
	}{{"0", true}, {s.share(-1e-6), true}, {s.share(1e-6), false}, {"100%", false}} {
		ws := loadWorkspace(t, filepath.Join("testdata", "retail"), map[string]string{"FEEDMILL_DATA": s.dir, "FEEDMILL_REJECTS": c.rejects})
		store := newStore(t)
		report, err := tryAggregate(t, ws, store)
		checkRejects(t, readRejects(t, store, report.Run, "products"), s.rejects)
		if c.stops {
			checkStopped(t, store, report.Status, err, fmt.Sprintf("%d of %d rows are rejected", len(s.rejects), s.lines))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		schema, rows := readSnapshot(t, store, report.Snapshot)
		compareOffers(t, schema, rows, s.offers)
		if got := report.Sources["products"].Rejected; got != int64(len(s.rejects)) {
			t.Errorf("the report has %d rejected rows of %d", got, len(s.rejects))
		}
	}
}

// checkRejects compares all that is kept of the rejected rows; a wanted reason
// may leave out the end.
func checkRejects(t testing.TB, got, want []source.Reject) {
	t.Helper()
	want = slices.Clone(want)
	for i := range min(len(got), len(want)) {
		if strings.HasPrefix(got[i].Reason, want[i].Reason) {
			want[i].Reason = got[i].Reason
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rejected rows (-want +got):\n%s", diff)
	}
}

// checkStopped fails the test unless a run failed and published nothing.
func checkStopped(t testing.TB, store storage.Store, status string, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) || status != manifest.Failed {
		t.Errorf("the run did not stop: status %s, %v", status, err)
	}
	current, err := manifest.Current(t.Context(), store, "snapshots")
	if err != nil || current != (manifest.Pointer{}) {
		t.Errorf("a stopped run published %+v, %v", current, err)
	}
}

// Of rows with one key the later one stands, up to the share of `duplicates`.
func TestRetailDuplicates(t *testing.T) {
	dir := realData(t, "google_retail")
	lines := readLines(t, filepath.Join(dir, "products.json"))
	want := map[string]row{}
	text := ""
	for _, line := range append(lines, strings.Replace(lines[0], `"name": "`, `"name": "later `, 1), lines[1]) {
		offer := retailer{t}.offer(line)
		want[offer["id"].(string)] = offer
		text += line + "\n"
	}
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "products.json"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		share string
		stops bool
	}{{"0", true}, {"0.5%", true}, {"1%", false}} {
		ws := loadWorkspace(t, filepath.Join("testdata", "retail"), map[string]string{"FEEDMILL_DATA": data, "FEEDMILL_DUPLICATES": c.share})
		store := newStore(t)
		report, err := tryAggregate(t, ws, store)
		if c.stops {
			checkStopped(t, store, report.Status, err, "duplicates")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		schema, rows := readSnapshot(t, store, report.Snapshot)
		compareOffers(t, schema, rows, want)
		if got := report.Sources["products"].Duplicates; got != 2 {
			t.Errorf("%d duplicates, want 2", got)
		}
	}
}
