package aggregate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/source"
)

const changesYAML = `
warehouse: ./warehouse
partitions: 4
sources:
  changes:
    path: data/log/{version}/*.jsonl
    format: jsonl
    keep: log
    key: row.id
    order: row.at
    deleted: row.op == "D"
    guard: {empty: pass, drop: 100%}
    columns: {seller: string, price: "decimal(12,2)"}
  sellers:
    path: data/sellers_{version}.csv
    format: csv
    key: row.code
    columns: {name: string, stars: int}
    guard: {empty: pass, drop: 100%}
  stats:
    path: data/stats_{version}.jsonl
    format: jsonl
    key: row.offer
    columns: {clicks: int}
    guard: {empty: pass, drop: 100%}
  labels:
    path: data/labels_{version}.jsonl
    format: jsonl
    columns: {offer: string, label: string, weight: int}
    guard: {empty: pass, drop: 100%}
offer:
  from: changes
  join:
    shop: {source: sellers, on: offer.seller}
    stat: {source: stats, on: offer.id}
    labels: {source: labels, on: offer.id, by: offer, many: true, where: it.weight > 2, order: [it.weight desc, it.label asc], limit: 100}
  columns:
    title: {type: string, value: 'offer.shop.name + " " + offer.id'}
`

// A change is one row of the log.
type change struct {
	version string
	file    string
	row     int
	ID      string `json:"id"`
	At      int    `json:"at"`
	Op      string `json:"op"`
	Seller  string `json:"seller"`
	Price   string `json:"price"`
}

// A market makes random deliveries and knows what they mean.
type market struct {
	*shop
	r       *rand.Rand
	files   map[string][]change // of the log
	sellers map[string]string   // of the newest dump: name by code
	clicks  map[string]int
	labels  []label
	dumps   int
}

type label struct {
	Offer  string `json:"offer"`
	Label  string `json:"label"`
	Weight int    `json:"weight"`
}

func newMarket(t *testing.T, r *rand.Rand) *market {
	m := &market{shop: newShop(t, changesYAML), r: r, files: map[string][]change{}}
	m.delivery()
	m.dump()
	return m
}

// delivery adds a file to a random version of the log, or rewrites one.
func (m *market) delivery() {
	version := fmt.Sprintf("2026-%d", 1+m.r.IntN(30))
	file := fmt.Sprintf("part-%d.jsonl", m.r.IntN(3))
	rows := make([]change, m.r.IntN(20))
	var text strings.Builder
	for i := range rows {
		rows[i] = change{
			version: version, file: file, row: i,
			ID: fmt.Sprintf("k%d", m.r.IntN(25)), At: m.r.IntN(40), Op: "DUUUU"[m.r.IntN(5):][:1],
			Seller: fmt.Sprintf("s%d", m.r.IntN(6)), Price: fmt.Sprintf("%d.25", m.r.IntN(100)),
		}
		line, _ := json.Marshal(rows[i])
		text.Write(append(line, '\n'))
	}
	m.files[version+"/"+file] = rows
	m.put("log/"+version+"/"+file, text.String())
}

// dump writes new dumps of the newest sources.
func (m *market) dump() {
	m.dumps++
	m.sellers, m.clicks, m.labels = map[string]string{}, map[string]int{}, nil
	sellers, stats, labels := "code,name,stars\n", "", ""
	for i := range 6 {
		if code := fmt.Sprintf("s%d", i); m.r.IntN(4) > 0 {
			m.sellers[code] = fmt.Sprintf("Shop %d of %d", i, m.dumps)
			sellers += fmt.Sprintf("%s,%s,%d\n", code, m.sellers[code], i)
		}
	}
	for i := range 25 {
		if id := fmt.Sprintf("k%d", i); m.r.IntN(3) > 0 {
			m.clicks[id] = m.r.IntN(1000)
			stats += fmt.Sprintf(`{"offer": %q, "clicks": %d}`+"\n", id, m.clicks[id])
		}
	}
	for range m.r.IntN(60) {
		l := label{fmt.Sprintf("k%d", m.r.IntN(25)), fmt.Sprintf("L%d", m.r.IntN(9)), m.r.IntN(8)}
		m.labels = append(m.labels, l)
		line, _ := json.Marshal(l)
		labels += string(line) + "\n"
	}
	m.put(fmt.Sprintf("sellers_%d.csv", m.dumps), sellers)
	m.put(fmt.Sprintf("stats_%d.jsonl", m.dumps), stats)
	m.put(fmt.Sprintf("labels_%d.jsonl", m.dumps), labels)
}

// want replays everything naively.
func (m *market) want() map[string]map[string]any {
	var all []change
	for _, rows := range m.files {
		all = append(all, rows...)
	}
	slices.SortFunc(all, func(a, b change) int {
		if a.At != b.At {
			return a.At - b.At
		}
		if c := source.CompareVersions(a.version, b.version); c != 0 {
			return c
		}
		if c := strings.Compare(a.file, b.file); c != 0 {
			return c
		}
		return a.row - b.row
	})
	out := map[string]map[string]any{}
	for _, c := range all {
		if c.Op == "D" {
			delete(out, c.ID)
			continue
		}
		out[c.ID] = map[string]any{"id": c.ID, "seller": c.Seller, "price": c.Price}
	}
	for id, offer := range out {
		m.join(id, offer)
	}
	return out
}

func (m *market) join(id string, offer map[string]any) {
	offer["shop"], offer["stat"], offer["title"] = nil, nil, nil
	if name, ok := m.sellers[offer["seller"].(string)]; ok {
		offer["shop"] = map[string]any{"name": name, "stars": float64(offer["seller"].(string)[1] - '0')}
		offer["title"] = name + " " + id
	}
	if clicks, ok := m.clicks[id]; ok {
		offer["stat"] = map[string]any{"clicks": float64(clicks)}
	}
	var mine []label
	for _, l := range m.labels {
		if l.Offer == id && l.Weight > 2 {
			mine = append(mine, l)
		}
	}
	slices.SortStableFunc(mine, func(a, b label) int {
		if a.Weight != b.Weight {
			return b.Weight - a.Weight
		}
		return strings.Compare(a.Label, b.Label)
	})
	list := []any{}
	for _, l := range mine {
		list = append(list, map[string]any{"offer": l.Offer, "label": l.Label, "weight": float64(l.Weight)})
	}
	offer["labels"] = list
}

// plain brings rows of a snapshot into the form of encoding/json.
func plain(t testing.TB, rows map[string]map[string]any) map[string]map[string]any {
	t.Helper()
	data, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever the order in which deliveries come, are rewritten and repeated, the
// snapshot is what a naive replay gives, and the bytes are those of a full run
// in an empty warehouse.
func TestIncrementalIsFull(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	markets := 12
	if testing.Short() {
		markets = 2
	}
	for range markets {
		m := newMarket(t, r)
		for range 8 {
			report, err := m.aggregate()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m.want(), plain(t, m.offers(report.Snapshot))); diff != "" {
				t.Fatalf("the snapshot is not what a replay gives: %s", diff)
			}
			other := m.afresh()
			again := other.must("done", full)
			if diff := cmp.Diff(other.objects(again.Snapshot), m.objects(report.Snapshot)); diff != "" {
				t.Fatalf("a full run gives other bytes: %s", diff)
			}
			m.must("unchanged")
			m.next()
		}
	}
}

func (m *market) next() {
	if m.r.IntN(3) > 0 {
		m.delivery()
	}
	if m.r.IntN(3) == 0 {
		m.dump()
	}
}

// Where changes may be late, the state is that of the timely ones, and the late
// ones are counted, whatever is beaten by what.
func TestLateIncrementalIsFull(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 10 {
		s := newShop(t, lateYAML)
		var log []lateChange
		late := map[string]int{} // the greatest change of earlier deliveries
		for version := 1; version <= 6; version++ {
			greatest := late[fmt.Sprint(version-1)]
			log = append(log, lateDelivery(s, r, version, greatest)...)
			for _, c := range log {
				greatest = max(greatest, c.At)
			}
			late[fmt.Sprint(version)] = greatest
			report := s.must("done")
			want, rejected := replayLate(log, late)
			if diff := cmp.Diff(want, plain(t, s.offers(report.Snapshot))); diff != "" {
				t.Fatalf("the snapshot is not what a replay gives: %s", diff)
			}
			if got := report.Sources["changes"].Rejected; got != int64(rejected) {
				t.Fatalf("%d changes are late, want %d", got, rejected)
			}
			again := s.afresh()
			if diff := cmp.Diff(again.objects(again.must("done", full).Snapshot), s.objects(report.Snapshot)); diff != "" {
				t.Fatalf("a full run gives other bytes: %s", diff)
			}
		}
	}
}

const lateYAML = `
warehouse: ./warehouse
partitions: 2
sources:
  changes:
    path: data/log/{version}/*.jsonl
    format: jsonl
    keep: log
    key: row.id
    order: row.at
    late: 10s
    rejects: 100%
    guard: {empty: pass, drop: 100%}
    columns: {price: {type: int, value: row.price}, at: {type: timestamp, format: unix}}
offer: {from: changes}
`

type lateChange struct {
	version string
	ID      string `json:"id"`
	At      int    `json:"at"`
	Price   int    `json:"price"`
}

// lateDelivery writes two files of changes around the greatest one so far.
func lateDelivery(s *shop, r *rand.Rand, version, greatest int) (all []lateChange) {
	for file := range 2 {
		var text strings.Builder
		for range r.IntN(30) {
			c := lateChange{fmt.Sprint(version), fmt.Sprintf("k%d", r.IntN(8)), max(1, greatest-15+r.IntN(30)), r.IntN(1000)}
			line, _ := json.Marshal(c)
			text.Write(append(line, '\n'))
			all = append(all, c)
		}
		s.put(fmt.Sprintf("log/%d/%d.jsonl", version, file), text.String())
	}
	return all
}

// replayLate applies the changes that are not late, and counts those that are.
func replayLate(log []lateChange, late map[string]int) (want map[string]map[string]any, rejected int) {
	want = map[string]map[string]any{}
	for _, c := range log {
		version, _ := strconv.Atoi(c.version)
		if c.At < late[fmt.Sprint(version-1)]-10 {
			rejected++
			continue
		}
		if old, found := want[c.ID]; found && old["order"].(int) > c.At {
			continue
		}
		want[c.ID] = map[string]any{"order": c.At, "id": c.ID, "price": float64(c.Price), "at": time.Unix(int64(c.At), 0).UTC().Format(time.RFC3339)}
	}
	for _, o := range want {
		delete(o, "order")
	}
	return want, rejected
}

// A key with very many changes in several deliveries costs what as many keys do;
// comparing each change with all better ones would take 17 billion steps.
func TestLateOfAHotKey(t *testing.T) {
	const deliveries, changes = 8, 25_000
	s := newShop(t, lateYAML)
	for version := 1; version <= deliveries; version++ {
		var text strings.Builder
		for i := range changes {
			fmt.Fprintf(&text, `{"id":"hot","at":%d,"price":%d}`+"\n", 1_000_000*version+i, i)
		}
		s.put(fmt.Sprintf("log/%d/0.jsonl", version), text.String())
	}
	s.put("log/9/0.jsonl", `{"id":"hot","at":1,"price":1}`)
	report := s.must("done")
	if got := plain(t, s.offers(report.Snapshot))["hot"]["price"]; got != changes-1.0 {
		t.Errorf("price %v, want that of the last change", got)
	}
	if got := report.Sources["changes"].Rejected; got != 1 {
		t.Errorf("%d changes are late, want 1", got)
	}
}
