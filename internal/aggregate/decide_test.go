package aggregate

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/manifest"
)

func (s *shop) decide(action, run string, sources ...string) error {
	_, _, err := Decide(context.Background(), DecideOptions{Store: s.store, Run: run, Sources: sources, Decision: manifest.Decision{Action: action, By: "ann", Reason: "it is right"}})
	return err
}

func refused(err error, why string) bool {
	var refusal *manifest.RefusedError
	return errors.As(err, &refusal) && strings.Contains(refusal.Why, why)
}

// An approved delivery is taken by the next run, a rejected one is left out without
// holding it again; either is about the files that were held and no others.
func TestDecide(t *testing.T) {
	s := newShop(t, pricesYAML("    guard: {drop: 30%}"))
	s.put("prices_1.jsonl", rows(200))
	first := s.must("done")
	s.put("prices_2.jsonl", rows(60))
	held := s.must("held")
	for why, err := range map[string]error{
		"does not hold source other": s.decide(manifest.Approved, held.Run, "other"), "nothing that run": s.decide(manifest.Approved, first.Run),
	} {
		if !refused(err, why) {
			t.Errorf("%v, want %s", err, why)
		}
	}
	if err := s.decide(manifest.Rejected, held.Run); err != nil {
		t.Fatal(err)
	}
	if report := s.must("unchanged"); report.Offers != 200 || len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], "rejected by ann") {
		t.Errorf("after it was rejected: %+v", report)
	}
	s.put("prices_2.jsonl", rows(59))
	again := s.must("held")
	if err := s.decide(manifest.Approved, held.Run); !refused(err, "superseded") {
		t.Errorf("of a run before: %v", err)
	}
	if err := s.decide(manifest.Approved, again.Run); err != nil {
		t.Fatal(err)
	}
	if report := s.must("done"); report.Offers != 59 {
		t.Errorf("after it was approved: %+v", report)
	}
	s.must("unchanged")
}

// A delivery that is too old can be approved.
func TestDecideAboutAge(t *testing.T) {
	s := newShop(t, pricesYAML("    max_age: 26h"))
	s.put("prices_2026-05-17.jsonl", rows(3))
	late := func(o *Options) { o.Now = func() time.Time { return time.Date(2026, 5, 30, 1, 0, 0, 0, time.UTC) } }
	held := s.must("held", late)
	if err := s.decide(manifest.Approved, held.Run, "prices"); err != nil {
		t.Fatal(err)
	}
	if report := s.must("done", late); report.Offers != 3 {
		t.Errorf("approved: %+v", report)
	}
	s.must("unchanged", late)
}

// The last state of a held source is of use as long as the source has the columns
// that it has: else there is no new snapshot, until the source passes or is approved.
func TestHeldWithOtherColumns(t *testing.T) {
	definition := func(tags, more string) string {
		return `
warehouse: ./warehouse
partitions: 2
sources:
  prices: {path: "data/prices_{version}.jsonl", format: jsonl, key: row.id, columns: {price: int}}
  tags: {path: "data/tags_{version}.jsonl", format: jsonl, key: row.id, ` + more + `columns: {` + tags + `}}
offer: {from: prices, join: {tag: {source: tags, on: offer.id}}}
`
	}
	const stored = "b: string, c: string"
	for _, changed := range []struct{ columns, more string }{
		{"c: string, b: string", ""}, {"c: string", ""}, {"b: string, c: string, d: {type: int, value: 1 + 1}", ""}, {"b: int, c: string", ""},
	} {
		for _, decided := range []string{"", manifest.Approved, manifest.Rejected} {
			s := newShop(t, definition(stored, ""))
			s.put("prices_1.jsonl", rows(20))
			s.put("tags_1.jsonl", `{"id":"p001","b":"1","c":"CCC"}`+"\n")
			first := s.must("done")
			s.put("tags_2.jsonl", "")
			s.redefine(definition(changed.columns, changed.more))
			held := s.must("held")
			if held.Snapshot != first.Run || !strings.Contains(strings.Join(held.Warnings, "\n"), "source tags: its last state has other columns") {
				t.Errorf("%+v: %+v", changed, held)
			}
			switch decided {
			case "":
				s.put("tags_2.jsonl", `{"id":"p001","b":"1","c":"new"}`+"\n")
				now := s.must("done")
				if tag := s.offers(now.Run)["p001"]["tag"].(map[string]any); tag["c"] != "new" {
					t.Errorf("%+v: %v", changed, tag)
				}
			case manifest.Approved:
				if err := s.decide(decided, held.Run); err != nil {
					t.Fatal(err)
				}
				if now := s.must("done"); s.offers(now.Run)["p001"]["tag"] != nil {
					t.Errorf("%+v: %v", changed, s.offers(now.Run)["p001"])
				}
			case manifest.Rejected:
				if err := s.decide(decided, held.Run); err != nil {
					t.Fatal(err)
				}
				again := s.must("held")
				reasons := again.Sources["tags"].Reasons
				if again.Snapshot != first.Run || len(reasons) != 2 || reasons[1].Check != "state" || !strings.Contains(reasons[1].Text, "rejected by ann") {
					t.Errorf("%+v: %+v", changed, again)
				}
				if err := s.decide(manifest.Approved, again.Run); err != nil {
					t.Fatal(err)
				}
				if now := s.must("done"); s.offers(now.Run)["p001"]["tag"] != nil {
					t.Errorf("%+v: %v", changed, now)
				}
				continue
			}
		}
	}
	s := newShop(t, definition(stored, ""))
	s.put("prices_1.jsonl", rows(20))
	s.put("tags_1.jsonl", `{"id":"p001","b":"BBB","c":"CCC"}`+"\n")
	s.must("done")
	s.put("tags_2.jsonl", "")
	s.put("prices_2.jsonl", rows(21))
	s.redefine(definition(stored, `where: row.b != "", `))
	held := s.must("held")
	if tag, ok := s.offers(held.Run)["p001"]["tag"].(map[string]any); !ok || tag["b"] != "BBB" || held.Snapshot != held.Run {
		t.Errorf("of the same columns: %+v", held)
	}
}

// A decision about one source of a run leaves the others held, and the next one, about
// the rest, leaves that one as it was decided.
func TestDecideInParts(t *testing.T) {
	s := newShop(t, `
warehouse: ./warehouse
partitions: 2
sources:
  prices: {path: "data/prices_{version}.jsonl", format: jsonl, key: row.id, guard: {drop: 30%, floor: 0}, columns: {price: int}}
  tags: {path: "data/tags_{version}.jsonl", format: jsonl, key: row.id, guard: {drop: 30%, floor: 0}, columns: {price: int}}
offer: {from: prices, join: {tag: {source: tags, on: offer.id}}}
`)
	s.put("prices_1.jsonl", rows(10))
	s.put("tags_1.jsonl", rows(10))
	s.must("done")
	s.put("prices_2.jsonl", rows(2))
	s.put("tags_2.jsonl", rows(3))
	held := s.must("held")
	decide := func(action string, sources ...string) (left string) {
		t.Helper()
		_, names, err := Decide(context.Background(), DecideOptions{Store: s.store, Run: held.Run, Sources: sources, Decision: manifest.Decision{Action: action, By: "ann", Reason: "r"}})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(names, " ")
	}
	if left := decide(manifest.Rejected, "prices"); left != "tags" {
		t.Errorf("left: %s", left)
	}
	if left := decide(manifest.Approved); left != "" {
		t.Errorf("left: %s", left)
	}
	report := s.must("done")
	if report.Offers != 10 || report.Sources["tags"].Rows != 3 || report.Sources["prices"].Decision != "rejected by ann: r" {
		t.Errorf("%+v", report)
	}
}

// A rejected delivery is left out until there is a newer one, also where the guard would
// let it pass now.
func TestRejectedDeliveryStaysOut(t *testing.T) {
	definition := pricesYAML("    guard: {drop: 30%, floor: 0}")
	s := newShop(t, definition)
	s.put("prices_1.jsonl", rows(10))
	s.must("done")
	s.put("prices_2.jsonl", rows(6))
	held := s.must("held")
	if err := s.decide(manifest.Rejected, held.Run); err != nil {
		t.Fatal(err)
	}
	s.redefine(strings.Replace(definition, "30%", "90%", 1))
	for range 2 {
		if report := s.must("unchanged"); report.Offers != 10 || !strings.Contains(strings.Join(report.Warnings, ""), "source prices: rejected by ann") {
			t.Errorf("%+v", report)
		}
	}
	s.put("prices_3.jsonl", rows(7))
	if report := s.must("done"); report.Offers != 7 {
		t.Errorf("%+v", report)
	}
}

// Who approves a delivery that is old has not seen how many rows it has, and who decides
// about its rows does not decide that it may grow old.
func TestDecisionsCoverTheirChecks(t *testing.T) {
	s := newShop(t, pricesYAML("    max_age: 26h\n    guard: {drop: 30%, floor: 0}"))
	minute := 0
	at := func(day int) func(*Options) {
		minute++ // runs are in the order of their times
		now := time.Date(2026, 5, day, 1, minute, 0, 0, time.UTC)
		return func(o *Options) { o.Now = func() time.Time { return now } }
	}
	s.put("prices_2026-05-17.jsonl", rows(10))
	s.must("done", at(17))
	s.put("prices_2026-05-18.jsonl", rows(3))
	old := s.must("held", at(30))
	if err := s.decide(manifest.Approved, old.Run); err != nil {
		t.Fatal(err)
	}
	small := s.must("held", at(30))
	if reasons := small.Sources["prices"].Reasons; len(reasons) != 1 || reasons[0].Check != "drop" {
		t.Errorf("%+v", small.Sources)
	}
	if err := s.decide(manifest.Approved, small.Run); err != nil {
		t.Fatal(err)
	}
	if report := s.must("done", at(30)); report.Offers != 3 {
		t.Errorf("%+v", report)
	}
	s.must("unchanged", at(30))

	s.put("prices_2026-05-31.jsonl", rows(1))
	if err := s.decide(manifest.Rejected, s.must("held", at(31)).Run); err != nil {
		t.Fatal(err)
	}
	s.must("unchanged", at(31))
	late := func(o *Options) { o.Now = func() time.Time { return time.Date(2026, 6, 9, 1, 0, 0, 0, time.UTC) } }
	if held := s.must("held", late); held.Sources["prices"].Reasons[0].Check != "max_age" {
		t.Errorf("%+v", held.Sources)
	}
}
