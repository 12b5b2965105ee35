package synth

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage/mem"
)

var update = flag.Bool("update", false, "write the goldens")

// readRows reads a Parquet file in the values of a Row.
func readRows(t testing.TB, data string) []Row {
	t.Helper()
	table, err := pqarrow.ReadTable(context.Background(), strings.NewReader(data), parquet.NewReaderProperties(nil), pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	rows := make([]Row, table.NumRows())
	for c := range int(table.NumCols()) {
		at, name := 0, table.Schema().Field(c).Name
		for _, chunk := range table.Column(c).Data().Chunks() {
			for i := range chunk.Len() {
				if rows[at] == nil {
					rows[at] = Row{}
				}
				rows[at][name] = cell(chunk, i)
				at++
			}
		}
	}
	return rows
}

func cell(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.String:
		return strings.Clone(a.Value(i))
	case *array.Boolean:
		return a.Value(i)
	case *array.Int32:
		return int64(a.Value(i))
	case *array.Int64:
		return a.Value(i)
	case *array.Float64:
		return a.Value(i)
	case *array.Date32:
		return a.Value(i).ToTime()
	case *array.Decimal128:
		return a.Value(i).ToString(2)
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit)
	case *array.Map:
		from, to := a.ValueOffsets(i)
		m := map[string]any{}
		for j := from; j < to; j++ {
			m[cell(a.Keys(), int(j)).(string)] = cell(a.Items(), int(j))
		}
		return m
	case *array.List:
		from, to := a.ValueOffsets(i)
		list := make([]any, 0, to-from)
		for j := from; j < to; j++ {
			list = append(list, cell(a.ListValues(), int(j)))
		}
		return list
	default:
		panic(fmt.Sprintf("a column of %s", a.DataType()))
	}
}

// A change is a row of the log with the place it was read from.
type change struct {
	Row
	folder string
	at     time.Time
}

// readLog reads the deliveries of the log by offer, in order of name and row.
func readLog(t testing.TB, all map[string]string) map[string][]change {
	t.Helper()
	log := map[string][]change{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !strings.HasPrefix(name, "offers/") || !strings.HasSuffix(name, ".parquet") {
			continue
		}
		for _, row := range readRows(t, all[name]) {
			id := row["id"].(string)
			log[id] = append(log[id], change{row, path.Dir(name), row["ts"].(time.Time)})
		}
	}
	return log
}

// replay returns what holds of the changes whose folders come before one: the
// greatest time, then the later delivery.
func replay(changes []change, before string) (Row, bool) {
	var best change
	for _, c := range changes {
		if c.folder < before && (best.Row == nil || !c.at.Before(best.at)) {
			best = c
		}
	}
	return best.Row, best.Row != nil && best.Row["op"] != "D"
}

const testedOffers, testedDays = 4000, 4

func testedMarket(t testing.TB) (*Market, map[string]string) {
	t.Helper()
	o := Options{Offers: testedOffers, Seed: 20260101, Days: testedDays}
	store := mem.New()
	write(t, store, o)
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m, objects(t, store)
}

func TestOfferIsWhatTheLogSays(t *testing.T) {
	m, all := testedMarket(t)
	log := readLog(t, all)
	for day := range testedDays {
		alive := 0
		for i := range m.Indexes(day) {
			want, ok := replay(log[m.ID(i)], "offers/"+m.date(day+1))
			got, exists := m.Offer(i, day)
			if exists {
				alive++
			}
			if ok != exists {
				t.Fatalf("offer %d after day %d: exists %v, in the log %v", i, day, exists, ok)
			}
			if diff := gocmp.Diff(want, got); ok && diff != "" {
				t.Fatalf("offer %d after day %d (-log +truth):\n%s", i, day, diff)
			}
		}
		if share := float64(alive) / float64(m.Indexes(day)); share < 0.85 || share > 0.97 {
			t.Errorf("after day %d there are %.0f %% of the offers", day, 100*share)
		}
	}
	for i := range m.Indexes(testedDays - 1) {
		delete(log, m.ID(i))
	}
	if len(log) > 0 {
		t.Errorf("%d offers of the log that the market does not know", len(log))
	}
}

// The log has what makes logs hard, in realistic shares.
func TestLogIsRealistic(t *testing.T) {
	m, all := testedMarket(t)
	rows, firstDay, changed, deletions, inserts, late, corrected, repeated := 0, 0, 0, 0, 0, 0, 0, 0
	for _, changes := range readLog(t, all) {
		touched := map[string]bool{}
		newest := time.Time{}
		for i, c := range changes {
			rows++
			day := strings.Split(c.folder, "/")[1]
			if day == m.date(0) {
				firstDay++
			}
			touched[day] = true
			switch c.Row["op"] {
			case "D":
				deletions++
			case "I":
				inserts++
			}
			if c.at.Before(newest) {
				late++
			}
			newest = slices.MaxFunc([]time.Time{newest, c.at}, time.Time.Compare)
			for _, d := range changes[:i] {
				if d.at.Equal(c.at) && d.folder >= c.folder {
					t.Errorf("%s at %s stands in %s and before in %s", c.Row["id"], c.at, c.folder, d.folder)
				}
				if d.at.Equal(c.at) && gocmp.Equal(d.Row, c.Row) {
					repeated++
				} else if d.at.Equal(c.at) {
					corrected++
				}
			}
		}
		for day := range touched {
			if day != m.date(0) {
				changed++
			}
		}
	}
	per := func(n int) float64 { return float64(n) / testedOffers }
	for name, c := range map[string]struct{ got, low, high float64 }{
		"rows an offer on day 0":                   {per(firstDay), 2.8, 3.1},
		"share of offers with rows on a later day": {per(changed) / (testedDays - 1), 0.13, 0.18},
		"inserts an offer":                         {per(inserts), 1.01, 1.2},
		"deletions an offer":                       {per(deletions), 0.05, 0.2},
		"rows older than one before":               {per(late), 0.1, 0.9},
		"corrected rows":                           {per(corrected), 0.005, 0.05},
		"repeated rows":                            {per(repeated), 0.01, 0.1},
	} {
		if c.got < c.low || c.got > c.high {
			t.Errorf("%s: %.4f, want %.2f to %.2f", name, c.got, c.low, c.high)
		}
	}
}

func unzip(t testing.TB, data string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDumpsAreTheTruth(t *testing.T) {
	m, all := testedMarket(t)
	for day := range testedDays {
		date := m.date(day)
		if diff := gocmp.Diff(m.Sellers(day), readSellers(t, unzip(t, all["sellers/sellers_"+date+".csv.gz"]))); diff != "" {
			t.Errorf("sellers of %s (-truth +file):\n%s", date, diff)
		}
		if diff := gocmp.Diff(m.Campaigns(day), readCampaigns(t, all["campaigns/campaigns_"+date+".json"])); diff != "" {
			t.Errorf("campaigns of %s (-truth +file):\n%s", date, diff)
		}
		var want []Row
		for i := range m.Indexes(day) {
			if row, ok := m.Statistic(i, day); ok {
				want = append(want, row)
			}
		}
		if diff := gocmp.Diff(want, readRows(t, all["statistics/"+date+"/part-0000.parquet"])); diff != "" {
			t.Errorf("statistics of %s (-truth +file):\n%s", date, diff)
		}
	}
	var categories []Row
	for line := range strings.Lines(unzip(t, all["categories/categories.jsonl.gz"])) {
		var row Row
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		categories = append(categories, row)
	}
	if diff := gocmp.Diff(m.Categories(), categories); diff != "" {
		t.Errorf("categories (-truth +file):\n%s", diff)
	}
}

func readSellers(t testing.TB, text string) []Row {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = ';'
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for _, f := range records[1:] {
		row := Row{"id": f[0], "name": f[1], "country": f[2], "rating": nil, "active": f[4] == "1", "since": day(t, f[5])}
		if rating, err := strconv.ParseFloat(strings.Replace(f[3], ",", ".", 1), 64); err == nil {
			row["rating"] = rating
		}
		rows = append(rows, row)
	}
	return rows
}

func day(t testing.TB, text string) any {
	t.Helper()
	if text == "" {
		return nil
	}
	at, err := time.Parse("2006-01-02", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func readCampaigns(t testing.TB, text string) []Row {
	t.Helper()
	var dump struct {
		Campaigns []struct {
			ID, Name, Channel, Starts, Ends string
			Discount                        any
			Sellers                         []struct{ Seller, Budget string }
		}
	}
	if err := json.Unmarshal([]byte(text), &dump); err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for _, c := range dump.Campaigns {
		for _, s := range c.Sellers {
			rows = append(rows, Row{
				"campaign": c.ID, "name": c.Name, "channel": c.Channel, "discount": c.Discount, "starts": day(t, c.Starts), "ends": day(t, c.Ends),
				"seller": s.Seller, "budget": s.Budget,
			})
		}
	}
	return rows
}

// The values of a seed are kept from one release to the next, since tests and
// recorded numbers build on them.
func TestGolden(t *testing.T) {
	m, err := New(Options{Offers: 1000, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	for i := range 8 {
		row, _ := m.Offer(i, 2)
		statistic, _ := m.Statistic(i, 2)
		if err := lines.Encode([]Row{row, statistic}); err != nil {
			t.Fatal(err)
		}
	}
	for _, rows := range [][]Row{m.Sellers(2)[:4], m.Campaigns(2)[:4], m.Categories()[:2]} {
		if err := lines.Encode(rows); err != nil {
			t.Fatal(err)
		}
	}
	const golden = "testdata/market.golden"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("market (-want +got):\n%s", diff)
	}
}

func TestContent(t *testing.T) {
	m, err := New(Options{Offers: 50_000, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	ids, lengths, nulls, control, html := map[any]bool{}, []int{}, map[string]int{}, 0, 0
	n := 0
	for i := range 50_000 {
		row, ok := m.Offer(i, 0)
		if !ok {
			continue
		}
		n++
		ids[row["id"]] = true
		lengths = append(lengths, len([]rune(row["title"].(string))))
		for name, value := range row {
			if value == nil {
				nulls[name]++
			}
		}
		if code, ok := row["code"].(string); ok && !validCode(code) {
			t.Errorf("offer %d: code %s has a wrong check digit", i, code)
		}
		text, _ := row["description"].(string)
		if strings.Contains(text, "\v") {
			control++
		}
		if strings.HasPrefix(text, "<p>") {
			html++
		}
	}
	if len(ids) != n {
		t.Errorf("%d ids of %d offers", len(ids), n)
	}
	slices.Sort(lengths)
	if median := lengths[n/2]; median < 30 || median > 60 {
		t.Errorf("the median title has %d characters", median)
	}
	if over := n - index(lengths, 150); over < n/2000 || over > n/50 {
		t.Errorf("%d of %d titles are over 150 characters", over, n)
	}
	if control == 0 || html < n/20 {
		t.Errorf("descriptions: %d with a control character, %d with HTML of %d", control, html, n)
	}
	for name, want := range map[string]float64{
		"id": 0, "title": 0, "code": 8, "mpn": 30, "brand": 7, "description": 10, "condition": 2, "price": 0.5, "stock": 3, "weight": 20,
		"delivery_days": 10, "available_from": 93, "age_group": 70, "images": 2, "attributes": 12, "tags": 20, "list_price": 65,
	} {
		if got := 100 * float64(nulls[name]) / float64(n); got < want*0.8 || got > want*1.2 {
			t.Errorf("%s is null in %.1f %%, want %.1f", name, got, want)
		}
	}
}

func index(sorted []int, above int) int {
	at, _ := slices.BinarySearchFunc(sorted, above+1, cmp.Compare)
	return at
}

func validCode(code string) bool {
	sum := 0
	for i, digit := range code {
		sum += int(digit-'0') * []int{1, 3}[i%2]
	}
	return len(code) == 13 && sum%10 == 0
}
