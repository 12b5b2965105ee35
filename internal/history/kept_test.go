package history

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
)

const month = 30 * 24 * time.Hour

func (s *shop) mustGC() {
	s.t.Helper()
	_, err := s.gc(s.store)
	s.must(err)
}

// What is current stays, however old it is, and the stages go on from it.
func TestCurrentStays(t *testing.T) {
	s := newShop(t, 1)
	s.day(map[string]string{"x": "a", "y": "b"})
	want := published(t, s.store)
	s.clock.add(month)
	s.mustGC()
	if diff := cmp.Diff(want, published(t, s.store)); diff != "" {
		t.Error(diff)
	}
	if report := s.generate(); report.Status != manifest.Unchanged {
		t.Errorf("generate: %s", report.Status)
	}
	if report := s.aggregate(); report.Status != manifest.Unchanged {
		t.Errorf("aggregate: %s", report.Status)
	}
	s.day(map[string]string{"x": "b"})
}

// A run held as a whole stays for as long as it is the last one.
func TestHeldStays(t *testing.T) {
	s := newShop(t, 1)
	s.day(map[string]string{"x": "a", "y": "a", "z": "b", "w": "c"})
	_, held := s.day(map[string]string{"x": "", "y": "", "z": ""})
	s.clock.add(month)
	s.mustGC()
	again := s.generate()
	if again.Status != manifest.Held || len(again.Phases) > 0 || again.Holds["shop-a"].Run != held {
		t.Errorf("the next run: %+v", again)
	}
	if !s.has("feeds/" + held + "/all.index") {
		t.Error("what is held is gone")
	}
	s.day(map[string]string{"x": "a", "y": "a", "z": "b"})
	s.clock.add(month)
	s.mustGC()
	if s.has("feeds/" + held + "/") {
		t.Error("a run that was held is left for ever")
	}
}

// A reader has the grace time to finish on a run that was current.
func TestGraceForReaders(t *testing.T) {
	s := newShop(t, 1)
	snapshot, run := s.day(map[string]string{"x": "a", "y": "b"})
	s.clock.add(month)
	s.day(map[string]string{"x": "b"})
	s.clock.add(-20 * time.Hour) // 4 hours after the run
	s.mustGC()
	for stage, run := range map[string]string{"aggregate": snapshot, "generate": run} {
		if err := check(context.Background(), s.store, ref{stages[stage], run}); err != nil {
			t.Errorf("run %s of %s within the grace time: %v", run, stage, err)
		}
	}
	s.clock.add(20 * time.Hour)
	s.mustGC()
	if s.has("snapshots/" + snapshot + "/") {
		t.Error("after the grace time it is still there")
	}
	s.clock.add(3 * 24 * time.Hour)
	s.mustGC()
	for _, folder := range []string{"feeds/current/", "snapshots/current/"} {
		if got := names(t, s.store, folder); len(got) != 1 {
			t.Errorf("pointers: %v", got)
		}
	}
}

// The snapshot that the current feeds were made of stays, to explain them.
func TestUsedSnapshotStays(t *testing.T) {
	s := newShop(t, 1)
	snapshot, _ := s.day(map[string]string{"x": "a", "y": "b"})
	s.change(map[string]string{"x": "b"})
	s.aggregate()
	s.clock.add(month)
	s.mustGC()
	if !s.has("snapshots/" + snapshot + "/manifest.json") {
		t.Error("it is gone")
	}
}
