package aggregate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// pricesYAML is a workspace of one newest source; more is set into its
// definition.
func pricesYAML(more string) string {
	return `
warehouse: ./warehouse
partitions: 2
sources:
  prices:
    path: data/prices_{version}.jsonl
    format: jsonl
    key: row.id
    columns: {price: int}
` + more + `
offer: {from: prices}
`
}

// ids returns the ids of a snapshot's offers, sorted.
func (s *shop) ids(run string) string {
	return strings.Join(slices.Sorted(maps.Keys(s.offers(run))), " ")
}

// fails runs aggregate and expects an error with all texts, and that nothing
// was published.
func (s *shop) fails(texts ...string) *Report {
	s.t.Helper()
	before, _ := manifest.Current(context.Background(), s.store, snapshots)
	report, err := s.aggregate()
	if err == nil {
		s.t.Fatalf("no error: %+v", report)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			s.t.Errorf("error %q has no %q", err, text)
		}
	}
	if after, _ := manifest.Current(context.Background(), s.store, snapshots); after != before {
		s.t.Errorf("a failed run moved current from %v to %v", before, after)
	}
	if report.Status != manifest.Failed || report.Error == "" {
		s.t.Errorf("report of a failed run: %+v", report)
	}
	return report
}

func rows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"p%03d","price":%d}`+"\n", i, i)
	}
	return b.String()
}

func TestAsOfTravels(t *testing.T) {
	s := newShop(t, pricesYAML(""))
	s.put("prices_2026-05-17.jsonl", `{"id":"a","price":1}`)
	s.put("prices_2026-05-18T0900.jsonl", `{"id":"b","price":1}`)
	s.put("prices_2026-05-18T1800.jsonl", `{"id":"c","price":1}`)
	s.put("prices_2026-06-01.jsonl", `{"id":"d","price":1}`)
	for _, step := range []struct{ asOf, want, status string }{
		{"", "d", "done"},
		{"2026-05-18", "c", "done"},
		{"2026-05-18", "c", "unchanged"},
		{"2026-05-18T0", "b", "done"},
		{"2026-05", "c", "done"},
		{"2026-05-17", "a", "done"},
		{"", "d", "done"},
	} {
		if got := s.ids(s.must(step.status, asOf(step.asOf)).Snapshot); got != step.want {
			t.Errorf("as of %q: offers %s, want %s", step.asOf, got, step.want)
		}
	}
	if _, err := s.aggregate(asOf("2025")); err == nil || !strings.Contains(err.Error(), "no delivery as of 2025") {
		t.Errorf("as of a time before everything: %v", err)
	}
	each := func(o *Options) { o.AsOfEach = map[string]string{"prices": "2026-05-17"} }
	if got := s.ids(s.must("done", each).Snapshot); got != "a" {
		t.Errorf("as of a source's own: offers %s", got)
	}
}

func TestSourceGuardHolds(t *testing.T) {
	s := newShop(t, pricesYAML("    guard: {drop: 30%}"))
	s.put("prices_1.jsonl", rows(200))
	first := s.must("done")
	s.put("prices_2.jsonl", rows(60))
	for range 2 {
		held := s.must("held")
		source := held.Sources["prices"]
		if source.Verdict != guard.Hold || source.Rows != 200 || held.Snapshot != first.Snapshot || held.Offers != 200 {
			t.Fatalf("held: %+v", held)
		}
		if len(held.Warnings) != 1 || !strings.Contains(held.Warnings[0], "prices") {
			t.Errorf("warnings %q", held.Warnings)
		}
	}
	s.put("prices_3.jsonl", rows(190))
	if report := s.must("done"); report.Offers != 190 || report.Sources["prices"].Verdict != guard.Pass {
		t.Errorf("after a good delivery: %+v", report)
	}
}

func TestAHeldSourceDoesNotStopTheOthers(t *testing.T) {
	s := newShop(t, strings.Replace(pricesYAML("    guard: {drop: 30%}"), "offer: {from: prices}", `
  titles:
    path: data/titles_{version}.jsonl
    format: jsonl
    key: row.id
    columns: {title: string}
offer: {from: prices, join: {text: {source: titles, on: offer.id}}}`, 1))
	s.put("prices_1.jsonl", rows(200))
	s.put("titles_1.jsonl", `{"id":"p001","title":"old"}`)
	s.must("done")
	s.put("prices_2.jsonl", rows(60))
	s.put("titles_2.jsonl", `{"id":"p001","title":"new"}`)
	held := s.must("held")
	offers := s.offers(held.Snapshot)
	if len(offers) != 200 || held.Offers != 200 || held.Run != held.Snapshot {
		t.Fatalf("%d offers in %+v", len(offers), held)
	}
	text := plain(t, offers)["p001"]["text"]
	if diff := cmp.Diff(map[string]any{"title": "new"}, text); diff != "" {
		t.Error(diff)
	}
}

func TestMaxAgeHolds(t *testing.T) {
	s := newShop(t, pricesYAML("    max_age: 26h"))
	s.put("prices_2026-05-17.jsonl", rows(3))
	at := func(day int) func(*Options) {
		return func(o *Options) { o.Now = func() time.Time { return time.Date(2026, 5, day, 1, 0, 0, 0, time.UTC) } }
	}
	if report := s.must("held", at(30)); report.Snapshot != "" || report.Offers != 0 {
		t.Errorf("too old on the first run: %+v", report)
	}
	s.must("done", at(18))
	s.must("unchanged", at(18))
	if report := s.must("held", at(19)); report.Offers != 3 || report.Sources["prices"].Reasons[0].Check != "max_age" {
		t.Errorf("too old later: %+v", report)
	}
}

func TestDuplicates(t *testing.T) {
	text := `{"id":"a","price":1}
{"id":"b","price":2}
{"id":"a","price":3}
{"id":"c","price":4}
`
	s := newShop(t, pricesYAML(""))
	s.put("prices_1.jsonl", text)
	s.fails(`source prices: 1 of 4 rows repeat a key`, "duplicates: 0%", `"a"`)
	s.redefine(pricesYAML("    duplicates: 25%"))
	report := s.must("done")
	if report.Sources["prices"].Duplicates != 1 || report.Sources["prices"].Rows != 3 {
		t.Errorf("report %+v", report.Sources["prices"])
	}
	if got := plain(t, s.offers(report.Snapshot))["a"]["price"]; got != 3.0 {
		t.Errorf("price of the repeated key is %v, want that of the later row", got)
	}
	if again := s.must("unchanged"); again.Sources["prices"].Duplicates != 1 {
		t.Errorf("an unchanged run forgets: %+v", again.Sources["prices"])
	}
}

func TestRejectsAreKeptAndCounted(t *testing.T) {
	text := rows(9) + `{"id":"bad","price":"many"}` + "\n"
	s := newShop(t, pricesYAML(""))
	s.put("prices_1.jsonl", text)
	failed := s.fails("source prices: 1 of 10 rows are rejected, more than `rejects: 0%`", "prices_1.jsonl:10", "price")
	where := "rejects/" + failed.Run + "/prices"
	if _, err := storage.ReadAll(context.Background(), s.store, where+"/00000.jsonl"); err != nil || !strings.Contains(failed.Error, "they are kept under "+where+"; the first: ") {
		t.Errorf("error %q does not say where the rows are: %v", failed.Error, err)
	}
	s.redefine(pricesYAML("    rejects: 10%"))
	report := s.must("done")
	if report.Offers != 9 || report.Sources["prices"].Rejected != 1 {
		t.Errorf("report %+v", report)
	}
	kept := ""
	for info, err := range s.store.List(context.Background(), "rejects/"+report.Run+"/") {
		data, readErr := storage.ReadAll(context.Background(), s.store, info.Name)
		if err != nil || readErr != nil {
			t.Fatal(err, readErr)
		}
		kept += string(data)
	}
	for _, part := range []string{"prices_1.jsonl", "many", "price"} {
		if !strings.Contains(kept, part) {
			t.Errorf("kept %q has no %q", kept, part)
		}
	}
}

func TestMissingFieldStopsTheSource(t *testing.T) {
	s := newShop(t, pricesYAML(""))
	s.put("prices_1.jsonl", `{"id":"a","cost":1}`)
	s.fails("source prices: delivery 1 has no field row.price", "optional")
	s.redefine(pricesYAML("    optional: [row.price]"))
	if report := s.must("done"); report.Offers != 1 {
		t.Errorf("report %+v", report)
	}
}

func TestTruncatedDeliveryIsAnError(t *testing.T) {
	s := newShop(t, strings.Replace(pricesYAML(""), "jsonl", "json", 2))
	s.put("prices_1.json", `[{"id":"a","price":1},{"id":"b","pri`)
	s.fails("prices_1.json")
}

func TestUnion(t *testing.T) {
	yaml := `
warehouse: ./warehouse
partitions: 2
sources:
  north: {path: data/north.jsonl, format: jsonl, key: row.id, columns: {price: int, coat: string}}
  south: {path: data/south.jsonl, format: jsonl, key: row.id, columns: {price: int, hat: string}}
offer: {from: [north, south]}
`
	s := newShop(t, yaml)
	s.put("north.jsonl", `{"id":"a","price":1,"coat":"warm"}`)
	s.put("south.jsonl", `{"id":"b","price":2,"hat":"straw"}`)
	want := map[string]map[string]any{
		"a": {"id": "a", "price": 1.0, "coat": "warm", "hat": nil},
		"b": {"id": "b", "price": 2.0, "coat": nil, "hat": "straw"},
	}
	if diff := cmp.Diff(want, plain(t, s.offers(s.must("done").Snapshot))); diff != "" {
		t.Error(diff)
	}
	s.put("south.jsonl", `{"id":"a","price":2,"hat":"straw"}`)
	s.fails(`offer "a" is in source north and in source south`)
}

func TestJoinMistakes(t *testing.T) {
	yaml := `
warehouse: ./warehouse
partitions: 2
sources:
  offers: {path: data/offers.jsonl, format: jsonl, key: row.id, columns: {seller: string}}
  shops: {path: data/shops.jsonl, format: jsonl, key: row.id, columns: {code: string}}
offer: {from: offers, join: {shop: {source: shops, on: offer.seller, by: code%s}}}
`
	s := newShop(t, fmt.Sprintf(yaml, ""))
	s.put("offers.jsonl", `{"id":"a","seller":"x"}`)
	s.put("shops.jsonl", `{"id":"1","code":"x"}
{"id":"2","code":"x"}
{"id":"3","code":"x"}`)
	s.fails("join shop: source shops has 3 rows for \"x\"", "many: true")
	s.redefine(fmt.Sprintf(yaml, ", many: true, limit: 2"))
	s.fails("join shop: source shops has 3 rows for \"x\"", "limit: 2")
	s.redefine(fmt.Sprintf(yaml, ", many: true, limit: 3"))
	s.must("done")
}

// dimensionsYAML joins as many sources as there are to offers, each row by the
// seller.
func dimensionsYAML(sources int) string {
	var defs, joins strings.Builder
	for i := range sources {
		fmt.Fprintf(&defs, "  shops%d: {path: data/shops.jsonl, format: jsonl, key: row.id, columns: {a: string, b: string, c: string, d: string}}\n", i)
		fmt.Fprintf(&joins, "shop%d: {source: shops%d, on: offer.seller}, ", i, i)
	}
	return `
warehouse: ./warehouse
partitions: 8
sources:
  offers: {path: data/offers.jsonl, format: jsonl, key: row.id, columns: {seller: string}}
` + defs.String() + `
offer: {from: offers, join: {` + joins.String() + `}}
`
}

// shopRows writes the rows of shops that take so many MB.
func shopRows(mb int) string {
	var text strings.Builder
	value := strings.Repeat("x", 10_000)
	for i := range mb * 25 {
		fmt.Fprintf(&text, `{"id":"s%d","a":%q,"b":%q,"c":%q,"d":%q}`+"\n", i, value, value, value, value)
	}
	return text.String()
}

// All joins together get half of the memory.
func TestDimensionsTooLargeAreAnError(t *testing.T) {
	for _, c := range []struct {
		sources, mb int
		want        string // of the error
	}{
		{1, 7, ""},
		{1, 9, "join shop0: source shops0 is too large to be held in memory for a join on offer.seller: it takes 9 MB or more beside 0 MB of other joins, and all together may take 8 MB, half of `memory`"},
		{3, 2, ""},
		{4, 2, "join shop3: source shops3 is too large to be held in memory for a join on offer.seller: it takes 2 MB or more beside 6 MB of other joins, and all together may take 8 MB"},
	} {
		s := newShop(t, dimensionsYAML(c.sources))
		s.ws.Memory = 16_000_000
		s.put("offers.jsonl", `{"id":"a","seller":"s7"}`)
		s.put("shops.jsonl", shopRows(c.mb))
		if c.want != "" {
			s.fails(c.want)
			continue
		}
		offer := s.offers(s.must("done").Snapshot)["a"]
		for i := range c.sources {
			if offer[fmt.Sprintf("shop%d", i)] == nil {
				t.Errorf("%d joins of %d MB: shop%d is null", c.sources, c.mb, i)
			}
		}
	}
}

// A peak is an allocator that knows how much there was at most.
type peak struct {
	*memory.CheckedAllocator
	most int
}

func (p *peak) Allocate(size int) []byte {
	defer func() { p.most = max(p.most, p.CurrentAlloc()) }()
	return p.CheckedAllocator.Allocate(size)
}

// While a dimension is built, one of its columns is there twice, and not all.
func TestADimensionIsBuiltColumnByColumn(t *testing.T) {
	s := newShop(t, dimensionsYAML(1))
	s.put("offers.jsonl", `{"id":"a","seller":"s7"}`)
	s.put("shops.jsonl", shopRows(8))
	run := s.must("done").Run
	o := s.options()
	alloc := &peak{CheckedAllocator: memory.NewCheckedAllocator(memory.NewGoAllocator())}
	o.Alloc = alloc
	l := &loading{worker: newWorker(&o), join: &s.ws.Offer.Joins[0]}
	for partition := range s.ws.Partitions {
		if err := l.partition(context.Background(), stateRef{Layers: []string{run}}, partition); err != nil {
			t.Fatal(err)
		}
	}
	read := alloc.CurrentAlloc()
	alloc.most = read
	d := l.build()
	held := alloc.CurrentAlloc()
	if d.bytes < 8_000_000 || d.bytes > 9_000_000 || held < 8_000_000 {
		t.Errorf("a dimension of %d bytes holds %d", d.bytes, held)
	}
	if alloc.most > read+held*3/10 {
		t.Errorf("%d bytes were there at most, after %d were read for a dimension of %d", alloc.most, read, held)
	}
	d.release()
	l.release()
	if d, err := l.loadDimension(context.Background(), l.join, stateRef{Layers: []string{run}}); err != nil || l.dimensions.taken != d.bytes {
		t.Errorf("%d bytes are taken for a dimension of %d: %v", l.dimensions.taken, d.bytes, err)
	} else {
		d.release()
	}
	alloc.AssertSize(t, 0)
}

func TestLateChangesAreRejectedAndTombstonesExpire(t *testing.T) {
	yaml := `
warehouse: ./warehouse
partitions: 2
sources:
  changes:
    path: data/log/{version}.jsonl
    format: jsonl
    keep: log
    key: row.id
    order: row.at
    deleted: row.gone == true
    optional: [row.gone]
    late: 2d
    rejects: 100%
    columns: {price: int}
offer: {from: changes}
`
	s := newShop(t, yaml)
	s.put("log/1.jsonl", `{"id":"a","at":"2026-05-01T00:00:00Z","price":1}
{"id":"b","at":"2026-05-01T00:00:00Z","price":1}`)
	s.must("done")
	s.put("log/2.jsonl", `{"id":"a","at":"2026-05-02T00:00:00Z","gone":true}
{"id":"c","at":"2026-05-05T00:00:00Z","price":3}`)
	if got := s.ids(s.must("done").Snapshot); got != "b c" {
		t.Fatalf("offers %s", got)
	}
	s.put("log/3.jsonl", `{"id":"a","at":"2026-05-01T12:00:00Z","price":9}
{"id":"b","at":"2026-05-02T12:00:00Z","price":9}
{"id":"d","at":"2026-05-03T12:00:00Z","price":4}`)
	report := s.must("done")
	if got := s.ids(report.Snapshot); got != "b c d" || report.Sources["changes"].Rejected != 2 {
		t.Errorf("offers %s, %+v", got, report.Sources["changes"])
	}
	if price := plain(t, s.offers(report.Snapshot))["b"]["price"]; price != 1.0 {
		t.Errorf("a change that came too late was applied: price %v", price)
	}
	again := s.afresh()
	if diff := cmp.Diff(again.objects(again.must("done").Snapshot), s.objects(report.Snapshot)); diff != "" {
		t.Errorf("deliveries in order of version give other bytes in one run: %s", diff)
	}
}

func TestConsumedFilesMayDisappear(t *testing.T) {
	s := newShop(t, faultYAML)
	s.put("log/1/a.jsonl", `{"id":"a","at":1,"seller":"s","price":1}`)
	s.put("sellers_1.csv", "code,name\ns,Smith\n")
	s.must("done")
	s.remove("log/1/a.jsonl")
	s.remove("sellers_1.csv")
	s.must("unchanged")
	s.put("log/2/a.jsonl", `{"id":"b","at":2,"seller":"s","price":1}`)
	if got := s.ids(s.must("done").Snapshot); got != "a b" {
		t.Errorf("offers %s", got)
	}
	if _, err := s.aggregate(full); err == nil || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("a full run without the files: %v", err)
	}
}

func TestAnotherNumberOfPartitions(t *testing.T) {
	s := newShop(t, strings.Replace(faultYAML, "partitions: 2", "partitions: 8", 1))
	s.put("log/1/a.jsonl", `{"id":"a","at":1,"seller":"s","price":1}
{"id":"b","at":1,"seller":"s","price":1}
{"id":"c","at":1,"seller":"s","price":1}`)
	s.put("sellers_1.csv", "code,name\ns,Smith\n")
	s.must("done")
	for _, partitions := range []string{"partitions: 2", "partitions: 16"} {
		s.redefine(strings.Replace(faultYAML, "partitions: 2", partitions, 1))
		s.put("log/"+partitions[12:]+"/a.jsonl", `{"id":"d","at":2,"seller":"s","price":1}`)
		again := s.afresh()
		if diff := cmp.Diff(again.objects(again.must("done").Snapshot), s.objects(s.must("done").Snapshot)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestTwoRunsAtOnce(t *testing.T) {
	s := newShop(t, pricesYAML(""))
	s.put("prices_1.jsonl", rows(3))
	lease, err := manifest.Acquire(context.Background(), s.store, stage, manifest.LeaseOptions{Owner: "the other one", TTL: time.Hour, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	s.fails("the other one")
	if err := lease.Release(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.must("done")
}

// A run that another one overtakes at the last step keeps its manifest, and does
// not say that it could not be recorded.
func TestARunThatLosesTheRace(t *testing.T) {
	s := newShop(t, pricesYAML(""))
	s.put("prices_1.jsonl", rows(3))
	first := s.must("done")
	s.put("prices_2.jsonl", rows(4))
	base, err := manifest.Current(context.Background(), s.store, snapshots)
	if err != nil {
		t.Fatal(err)
	}
	var logged []string
	report, err := s.aggregate(func(o *Options) {
		o.Log = func(message string, _ ...any) {
			logged = append(logged, message)
			if message == "phase publish" {
				if _, err := manifest.Advance(context.Background(), s.store, snapshots, base, first.Run); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if !errors.Is(err, manifest.ErrLost) {
		t.Fatalf("%v, want ErrLost", err)
	}
	if m, err := manifest.Read(context.Background(), s.store, snapshots, report.Run); err != nil || m.Status != manifest.Done {
		t.Errorf("the manifest of the run is %+v, %v", m, err)
	}
	if slices.Contains(logged, "the failed run could not be recorded") {
		t.Errorf("logged %q", logged)
	}
}

func TestWorkersDoNotChangeTheBytes(t *testing.T) {
	s := newShop(t, pricesYAML(""))
	s.put("prices_1.jsonl", rows(500))
	want := s.objects(s.must("done").Snapshot)
	for _, workers := range []int{1, 7} {
		other := s.afresh()
		report := other.must("done", func(o *Options) { o.Workers = workers })
		if diff := cmp.Diff(want, other.objects(report.Snapshot)); diff != "" {
			t.Errorf("%d workers: %s", workers, diff)
		}
	}
}

// As many tasks as run at once share the memory, also where nobody says how many.
func TestWorkersShareTheMemory(t *testing.T) {
	s := newShop(t, pricesYAML(""))
	for _, c := range []struct{ workers, tasks int }{{0, runtime.GOMAXPROCS(0)}, {-1, runtime.GOMAXPROCS(0)}, {1, 1}, {7, 7}} {
		o := s.options()
		o.Workers = c.workers
		r := newRun(o)
		if got, want := r.worker.memory, s.ws.Memory/int64(c.tasks); got != want {
			t.Errorf("%d workers: a task may use %d bytes, want %d", c.workers, got, want)
		}
		if local := r.runner.(*engine.Local); local.Workers != c.tasks {
			t.Errorf("%d workers: %d tasks at a time, want %d", c.workers, local.Workers, c.tasks)
		}
	}
}

// Rows spilled in many small runs are merged like those of one.
func TestSpilling(t *testing.T) {
	yaml := strings.Replace(pricesYAML("    duplicates: 100%"), "warehouse: ./warehouse", "warehouse: ./warehouse\nmemory: 64MB", 1)
	s := newShop(t, yaml)
	s.put("prices_1.jsonl", strings.Repeat(rows(1000), 300))
	report := s.must("done")
	if report.Offers != 1000 || report.Sources["prices"].Duplicates != 299_000 {
		t.Errorf("report %+v", report)
	}
}

// Of a source that may have no file at all, none is an empty state.
func TestOptionalSource(t *testing.T) {
	s := newShop(t, `
warehouse: ./warehouse
partitions: 2
sources:
  prices: {path: "data/prices_{version}.jsonl", format: jsonl, key: row.id, columns: {price: int}}
  tags: {path: "data/tags_{version}.jsonl", format: jsonl, optional: true, key: row.id, columns: {b: string}}
offer: {from: prices, join: {tag: {source: tags, on: offer.id}}}
`)
	s.put("prices_1.jsonl", rows(2))
	first := s.must("done")
	if got := s.offers(first.Run)["p001"]["tag"]; got != nil || first.Sources["tags"].Rows != 0 {
		t.Errorf("%v, %+v", got, first.Sources)
	}
	s.must("unchanged")
	s.put("tags_1.jsonl", `{"id":"p001","b":"x"}`)
	second := s.must("done")
	if got := s.offers(second.Run)["p001"]["tag"].(map[string]any); got["b"] != "x" {
		t.Errorf("%v", got)
	}
	s.put("tags_2.jsonl", "")
	if held := s.must("held"); held.Sources["tags"].Reasons[0].Check != "empty" {
		t.Errorf("%+v", held.Sources)
	}
}

// Rows that were rejected are among the reasons why a source is held.
func TestHeldForRejects(t *testing.T) {
	s := newShop(t, pricesYAML("    rejects: 100%\n    guard: {drop: 10%, floor: 0}"))
	s.put("prices_1.jsonl", rows(10))
	s.must("done")
	s.put("prices_2.jsonl", rows(5)+`{"id":"x","price":"much"}`+"\n"+`{"id":"y","price":"much"}`)
	held := s.must("held").Sources["prices"]
	if len(held.Reasons) != 2 || held.Reasons[1].Check != "rejects" || held.Reasons[1].Was != 7 || held.Reasons[1].Is != 2 || !strings.Contains(held.Reasons[1].Text, "2 of 7 rows were rejected; the first: data/prices_2.jsonl") {
		t.Errorf("%+v", held)
	}
}
