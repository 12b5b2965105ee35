package aggregate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	s.fails("source prices: 1 of 10 rows are rejected, more than `rejects: 0%`", "prices_1.jsonl:10", "price")
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

func TestADimensionTooLargeIsAnError(t *testing.T) {
	yaml := `
warehouse: ./warehouse
partitions: 2
memory: 64MB
sources:
  offers: {path: data/offers.jsonl, format: jsonl, key: row.id, columns: {seller: string}}
  shops: {path: data/shops.jsonl, format: jsonl, key: row.id, columns: {text: string}}
offer: {from: offers, join: {shop: {source: shops, on: offer.seller}}}
`
	s := newShop(t, yaml)
	s.put("offers.jsonl", `{"id":"a","seller":"x"}`)
	var shops strings.Builder
	for i := range 300 {
		fmt.Fprintf(&shops, `{"id":"s%d","text":%q}`+"\n", i, strings.Repeat("x", 100_000))
	}
	s.put("shops.jsonl", shops.String())
	s.fails("join shop: source shops is too large", "memory")
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
