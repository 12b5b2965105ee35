package history

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/stream"
	"github.com/feedmill/feedmill/internal/stream/mem"
)

func (s *shop) diffOptions(topic *mem.Topic) diff.Options {
	s.clock.add(time.Minute)
	return diff.Options{
		Workspace: s.ws, Store: s.store, Workers: 2, Now: s.clock.Now, Random: s.random,
		Producer: func(context.Context) (stream.Producer, error) { return topic.Producer(), nil },
	}
}

// runsOf lists what is left of a kind.
func (s *shop) runsOf(kind string) []string {
	s.t.Helper()
	runs, err := manifest.List(context.Background(), s.store, kind)
	s.must(err)
	return runs
}

// takeable finds that what the runs that are left hand over is there.
func (s *shop) takeable() {
	s.t.Helper()
	for _, run := range s.runsOf(event.Kind) {
		m, err := manifest.Read(context.Background(), s.store, event.Kind, run)
		s.must(err)
		var report diff.Report
		s.must(json.Unmarshal(m.Report, &report))
		if report.Decision != nil && len(report.ChangeSets) == 0 {
			s.t.Errorf("run %s approved events, and hands over none", run)
		}
		for _, name := range report.ChangeSets {
			_, err := storage.ReadAll(context.Background(), s.store, name)
			s.must(err)
		}
	}
}

// What diff goes on from stays, however old it is: states, change sets that are
// held, and those that are not sent yet. Everything else of it goes.
func TestEvents(t *testing.T) {
	s := newShop(t, 1)
	s.ws.Retention.Events = 3 * 24 * time.Hour
	topic := mem.New(2)
	ctx := context.Background()
	run := func(status string) *diff.Report {
		t.Helper()
		r, err := diff.Run(ctx, s.diffOptions(topic))
		s.must(err)
		if r.Status != status {
			t.Fatalf("%s, want %s: %+v", r.Status, status, r)
		}
		return r
	}
	s.change(map[string]string{"x": "a", "y": "b", "z": "c"})
	s.aggregate()
	first := run(manifest.Held)
	s.clock.add(month)
	s.mustGC()
	_, err := diff.Decide(ctx, diff.DecideOptions{Options: s.diffOptions(topic), Run: first.Run, Decision: manifest.Decision{Action: manifest.Approved, By: "ann", Reason: "go"}})
	s.must(err)
	if n := len(topic.Records()); n != 3 {
		t.Fatalf("%d events are sent of what was held", n)
	}
	s.clock.add(24 * time.Hour)
	s.mustGC()
	s.takeable()
	for day := range 12 {
		s.change(map[string]string{"x": "abc"[day%3 : day%3+1], "new" + string(rune('a'+day)): "b"})
		s.aggregate()
		run(manifest.Done)
		s.clock.add(24 * time.Hour)
		s.mustGC()
		s.takeable()
	}
	if runs := s.runsOf(event.Kind); len(runs) < 2 || len(runs) > 3 {
		t.Errorf("%d runs are left, of three days", len(runs))
	}
	states := map[string]bool{}
	for _, name := range names(t, s.store, statesFolder) {
		states[strings.Split(name, "/")[2]] = true
	}
	if len(states) > 2 { // of the last run, and of that within the grace time
		t.Errorf("%d states are left", len(states))
	}
	s.clock.add(month)
	s.mustGC()
	if r := run(manifest.Unchanged); r.Events["partner"].Unchanged != 15 {
		t.Errorf("%+v", r.Events)
	}
	s.change(map[string]string{"x": "c", "y": "a"})
	s.aggregate()
	topic.FailAfter(1, context.DeadlineExceeded)
	if _, err := diff.Run(ctx, s.diffOptions(topic)); err == nil {
		t.Fatal("the broker did not fail")
	}
	s.clock.add(month)
	s.mustGC()
	if r := run(manifest.Unchanged); r.Sent == 0 {
		t.Errorf("what was not sent is lost: %+v", r)
	}
}
