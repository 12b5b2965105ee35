package manifest_test

import (
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// A note is of one state of current, and the last one counts.
func TestWithheld(t *testing.T) {
	store := mem.New()
	base := manifest.Pointer{N: 3, Run: "a"}
	for _, run := range []string{"", "b", "c"} {
		if run != "" {
			if err := manifest.NoteWithheld(t.Context(), store, "feeds", base, run); err != nil {
				t.Fatal(err)
			}
		}
		got, err := manifest.Withheld(t.Context(), store, "feeds", base)
		if err != nil || got != run {
			t.Errorf("withheld is %q, %v; want %q", got, err, run)
		}
	}
	if got, err := manifest.Withheld(t.Context(), store, "feeds", manifest.Pointer{N: 4}); err != nil || got != "" {
		t.Errorf("after current moved: %q, %v", got, err)
	}
	if err := manifest.NoteWithheld(t.Context(), store, "feeds", base, "x/y"); err == nil {
		t.Error("a run that is no name was noted")
	}
	fill(t, store, "feeds/withheld/000000000009")
	if _, err := manifest.Withheld(t.Context(), store, "feeds", manifest.Pointer{N: 9}); err == nil {
		t.Error("a damaged note is no error")
	}
}

func TestRunTime(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 123e6, time.UTC)
	if got, ok := manifest.RunTime("20260102T150405.123Z-abc234"); !ok || !got.Equal(now) {
		t.Errorf("%s, %v", got, ok)
	}
	for _, run := range []string{"", "current", "20260102T150405.123Z", "withheld", "20260102-abcdef"} {
		if _, ok := manifest.RunTime(run); ok {
			t.Errorf("%q is a run", run)
		}
	}
}

func TestBusy(t *testing.T) {
	store, clock := mem.New(), newClock()
	for _, want := range []bool{false, true} {
		if want {
			acquire(t, store, clock.options("etl1:1"))
		}
		got, err := manifest.Busy(t.Context(), store, "aggregate", clock.now)
		if err != nil || (got != nil) != want {
			t.Errorf("busy: %v, %v", got, err)
		}
	}
	if got, err := manifest.Busy(t.Context(), store, "aggregate", clock.now.Add(time.Hour)); err != nil || got != nil {
		t.Errorf("after the lease expired: %v, %v", got, err)
	}
}
