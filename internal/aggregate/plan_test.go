package aggregate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/source"
)

var day = time.Date(2026, 5, 17, 0, 0, 0, 0, time.UTC)

func newestSource() *source.Definition {
	return &source.Definition{Name: "price", Paths: []diag.Text{diag.Plain("data/p_{version}.json")}, Format: source.JSON}
}

func logSource() *source.Definition {
	return &source.Definition{Name: "changes", Paths: []diag.Text{diag.Plain("log/{version}/*.parquet")}, Keep: source.Log}
}

func delivery(version string, files ...string) source.Delivery {
	d := source.Delivery{Version: version}
	for _, name := range files {
		d.Files = append(d.Files, source.File{Name: name, Version: version, Size: 1, ModTime: day})
	}
	return d
}

func touched(d source.Delivery) source.Delivery {
	d.Files[0].ModTime = day.Add(time.Hour)
	return d
}

func stateOf(def *source.Definition, found ...source.Delivery) *SourceState {
	return &SourceState{Run: "r0", Digest: def.Digest(), Deliveries: merged(nil, found)}
}

func versionsOf(deliveries []source.Delivery) string {
	var out []string
	for _, d := range deliveries {
		for _, f := range d.Files {
			out = append(out, d.Version+":"+f.Name)
		}
	}
	return strings.Join(out, " ")
}

func TestPlanSource(t *testing.T) {
	newest, log := newestSource(), logSource()
	redefined := newestSource()
	redefined.Format = source.JSONL
	optional := newestSource()
	optional.Optional = true
	tests := []struct {
		name   string
		in     sourceInput
		action action
		read   string
		err    string
	}{
		{"newest, first run: the greatest delivery", sourceInput{def: newest, found: []source.Delivery{delivery("9", "a"), delivery("10", "b")}}, rebuild, "10:b", ""},
		{"newest, nothing new", sourceInput{def: newest, previous: stateOf(newest, delivery("1", "a")), found: []source.Delivery{delivery("1", "a")}}, keep, "", ""},
		{"newest, a greater one", sourceInput{def: newest, previous: stateOf(newest, delivery("1", "a")), found: []source.Delivery{delivery("1", "a"), delivery("2", "b")}}, rebuild, "2:b", ""},
		{"newest, the stored one is gone, an older one stays", sourceInput{def: newest, previous: stateOf(newest, delivery("2", "b")), found: []source.Delivery{delivery("1", "a")}}, keep, "", ""},
		{"newest, all are gone", sourceInput{def: newest, previous: stateOf(newest, delivery("2", "b"))}, keep, "", ""},
		{"newest, full though the stored one is gone", sourceInput{def: newest, full: true, previous: stateOf(newest, delivery("2", "b")), found: []source.Delivery{delivery("1", "a")}}, 0, "", "delivery 2 is gone"},
		{"newest, full though all are gone", sourceInput{def: newest, full: true, previous: stateOf(newest, delivery("2", "b"))}, 0, "", "delivery 2 is gone"},
		{"newest, a file changed", sourceInput{def: newest, previous: stateOf(newest, delivery("1", "a")), found: []source.Delivery{touched(delivery("1", "a"))}}, rebuild, "1:a", ""},
		{"newest, a file changed and another is gone", sourceInput{def: newest, previous: stateOf(newest, delivery("1", "a", "b")), found: []source.Delivery{touched(delivery("1", "a"))}}, 0, "", "file b of delivery 1 is gone"},
		{"newest, a consumed file is gone", sourceInput{def: newest, previous: stateOf(newest, delivery("1", "a", "b")), found: []source.Delivery{delivery("1", "a")}}, keep, "", ""},
		{"newest, one more file", sourceInput{def: newest, previous: stateOf(newest, delivery("1", "a")), found: []source.Delivery{delivery("1", "a", "b")}}, rebuild, "1:a 1:b", ""},
		{"newest, redefined", sourceInput{def: redefined, previous: stateOf(newest, delivery("1", "a")), found: []source.Delivery{delivery("1", "a")}}, rebuild, "1:a", ""},
		{"newest, back in time", sourceInput{def: newest, asOf: "1", previous: stateOf(newest, delivery("2", "b")), found: []source.Delivery{delivery("1", "a")}}, rebuild, "1:a", ""},
		{"newest, back before everything", sourceInput{def: newest, asOf: "0", previous: stateOf(newest, delivery("2", "b"))}, 0, "", "no delivery as of 0"},
		{"newest, as of a day that includes its hours", sourceInput{def: newest, asOf: "2026-05", previous: stateOf(newest, delivery("2026-05-17", "a")), found: []source.Delivery{delivery("2026-05-17", "a")}}, keep, "", ""},
		{"newest, nothing there", sourceInput{def: newest}, 0, "", "no files match data/p_{version}.json"},
		{"newest, nothing there and none needed", sourceInput{def: optional}, rebuild, "", ""},
		{"log, first run: all deliveries", sourceInput{def: log, found: []source.Delivery{delivery("1", "a"), delivery("2", "b", "c")}}, rebuild, "1:a 2:b 2:c", ""},
		{"log, nothing new", sourceInput{def: log, previous: stateOf(log, delivery("1", "a")), found: []source.Delivery{delivery("1", "a")}}, keep, "", ""},
		{"log, a late delivery of an older version", sourceInput{def: log, previous: stateOf(log, delivery("2", "b")), found: []source.Delivery{delivery("1", "a"), delivery("2", "b")}}, apply, "1:a", ""},
		{"log, a late file of a known version", sourceInput{def: log, previous: stateOf(log, delivery("2", "b")), found: []source.Delivery{delivery("2", "a", "b")}}, apply, "2:a", ""},
		{"log, consumed files are gone", sourceInput{def: log, previous: stateOf(log, delivery("1", "a"), delivery("2", "b")), found: []source.Delivery{delivery("3", "c")}}, apply, "3:c", ""},
		{"log, a file changed", sourceInput{def: log, previous: stateOf(log, delivery("1", "a"), delivery("2", "b")), found: []source.Delivery{touched(delivery("1", "a")), delivery("2", "b")}}, rebuild, "1:a 2:b", ""},
		{"log, a file changed and another is gone", sourceInput{def: log, previous: stateOf(log, delivery("1", "a"), delivery("2", "b")), found: []source.Delivery{touched(delivery("1", "a"))}}, 0, "", "file b is gone"},
		{"log, full though a file is gone", sourceInput{def: log, full: true, previous: stateOf(log, delivery("1", "a"), delivery("2", "b")), found: []source.Delivery{delivery("2", "b")}}, 0, "", "file a is gone"},
		{"log, back in time", sourceInput{def: log, asOf: "1", previous: stateOf(log, delivery("1", "a"), delivery("2", "b")), found: []source.Delivery{delivery("1", "a")}}, rebuild, "1:a", ""},
		{"log, back in time though a file is gone", sourceInput{def: log, asOf: "1", previous: stateOf(log, delivery("1", "a", "z"), delivery("2", "b")), found: []source.Delivery{delivery("1", "a")}}, 0, "", "file z is gone"},
		{"log, forward again", sourceInput{def: log, previous: stateOf(log, delivery("1", "a")), found: []source.Delivery{delivery("1", "a"), delivery("2", "b")}}, apply, "2:b", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.in.now = day
			plan, err := planSource(test.in)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want one with %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if plan.action != test.action || versionsOf(plan.read) != test.read {
				t.Errorf("%s, because %s, reads %q; want %s, %q", plan.action, plan.reason, versionsOf(plan.read), test.action, test.read)
			}
		})
	}
}

func TestStale(t *testing.T) {
	def := newestSource()
	def.MaxAge = 26 * time.Hour
	unversioned := &source.Definition{Name: "price", Paths: []diag.Text{diag.Plain("data/p.json")}, MaxAge: 26 * time.Hour}
	tests := []struct {
		name    string
		def     *source.Definition
		version string
		asOf    string
		stale   bool
	}{
		{"a date within max_age", def, "2026-05-16", "", false},
		{"a date beyond it", def, "2026-05-15", "", true},
		{"a date and time", def, "2026-05-15T2300", "", false},
		{"no date: the file's time", def, "v7", "", false},
		{"a digest is no date", unversioned, "20260101", "", false},
		{"travelling in time", def, "2026-05-01", "2026-05-01", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found := []source.Delivery{delivery(test.version, "a")}
			plan, err := planSource(sourceInput{def: test.def, found: found, asOf: test.asOf, now: day.Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			if (plan.stale != "") != test.stale {
				t.Errorf("stale: %q, want %t", plan.stale, test.stale)
			}
		})
	}
}

func TestRemapFollowsFilesThatCameBetween(t *testing.T) {
	before := merged(nil, []source.Delivery{delivery("1", "b"), delivery("3", "d")})
	after := merged(before, []source.Delivery{delivery("1", "a"), delivery("2", "c"), delivery("4", "e")})
	if diff := cmp.Diff([]int32{1, 3}, remap(before, after)); diff != "" {
		t.Error(diff)
	}
	if got := remap(before, merged(before, []source.Delivery{delivery("4", "e")})); got != nil {
		t.Errorf("ranks that stay are mapped: %v", got)
	}
	if len(before[0].Files) != 1 {
		t.Error("merged changed the list that it was given")
	}
}

func TestLateLimits(t *testing.T) {
	at := func(hours int) time.Time { return day.Add(time.Duration(hours) * time.Hour) }
	deliveries := []DeliveryState{
		{Version: "1", Files: []FileState{{Greatest: at(0)}, {Greatest: at(5)}}},
		{Version: "2", Files: []FileState{{Greatest: at(3)}}},
		{Version: "3", Files: []FileState{{Greatest: at(9)}}},
	}
	limits, expire := lateLimits(deliveries, 2*time.Hour)
	if diff := cmp.Diff([]time.Time{{}, {}, at(3), at(3)}, limits); diff != "" {
		t.Error(diff)
	}
	if !expire.Equal(at(7)) {
		t.Errorf("tombstones expire at %s, want %s", expire, at(7))
	}
}
