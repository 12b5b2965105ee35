package manifest_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

func current(t *testing.T, store storage.Store) manifest.Pointer {
	t.Helper()
	p, err := manifest.Current(t.Context(), store, "feeds")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func advance(t *testing.T, store storage.Store, base manifest.Pointer, run string) manifest.Pointer {
	t.Helper()
	p, err := manifest.Advance(t.Context(), store, "feeds", base, run)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAdvance(t *testing.T) {
	store := mem.New()
	if got := current(t, store); got != (manifest.Pointer{}) {
		t.Errorf("at first current is %v", got)
	}
	base := manifest.Pointer{}
	for i := range int64(12) {
		want := manifest.Pointer{N: i + 1, Run: fmt.Sprintf("r%d", i)}
		if got := advance(t, store, base, want.Run); got != want {
			t.Errorf("Advance = %v, want %v", got, want)
		}
		if got := current(t, store); got != want {
			t.Errorf("Current = %v, want %v", got, want)
		}
		base = want
	}
	back := advance(t, store, base, "r3")
	if got := current(t, store); got != back || got != (manifest.Pointer{N: 13, Run: "r3"}) {
		t.Errorf("back to r3: %v, then current is %v", back, got)
	}
}

func TestAdvanceFromAnOldBase(t *testing.T) {
	store := mem.New()
	first := advance(t, store, manifest.Pointer{}, "first")
	second := advance(t, store, first, "second")
	_, err := manifest.Advance(t.Context(), store, "feeds", first, "late")
	if !errors.Is(err, manifest.ErrLost) || err.Error() != "publish late in feeds: another process was first and published second" {
		t.Errorf("error %v, want ErrLost", err)
	}
	if got := current(t, store); got != second {
		t.Errorf("current is %v, want %v", got, second)
	}
	if got := advance(t, store, first, "second"); got != second {
		t.Errorf("the move that happened, again: %v, want %v", got, second)
	}
}

// Numbers before current's may be collected and are free then; a process that was
// paused since must not take one for its own.
func TestAdvanceToACollectedNumber(t *testing.T) {
	store := mem.New()
	first := advance(t, store, manifest.Pointer{}, "first")
	last := advance(t, store, advance(t, store, first, "second"), "third")
	if err := store.Remove(t.Context(), "feeds/current/000000000002"); err != nil {
		t.Fatal(err)
	}
	if _, err := manifest.Advance(t.Context(), store, "feeds", first, "late"); !errors.Is(err, manifest.ErrLost) {
		t.Errorf("error %v, want ErrLost", err)
	}
	if got := current(t, store); got != last {
		t.Errorf("current is %v, want %v", got, last)
	}
}

func TestAdvanceRace(t *testing.T) {
	store := mem.New()
	base := manifest.Pointer{}
	for round := range 50 {
		var group sync.WaitGroup
		won := make(chan manifest.Pointer, 16)
		for i := range 16 {
			group.Go(func() {
				p, err := manifest.Advance(t.Context(), store, "feeds", base, fmt.Sprintf("r%d-%d", round, i))
				if err == nil {
					won <- p
				} else if !errors.Is(err, manifest.ErrLost) {
					t.Errorf("error %v, want ErrLost", err)
				}
			})
		}
		group.Wait()
		if len(won) != 1 {
			t.Fatalf("round %d: %d winners", round, len(won))
		}
		base = <-won
		if got := current(t, store); got != base {
			t.Fatalf("round %d: current is %v, the winner was told %v", round, got, base)
		}
	}
}

func TestAdvanceUnderFaults(t *testing.T) {
	old := manifest.Pointer{N: 1, Run: "old"}
	want := manifest.Pointer{N: 2, Run: "new"}
	eachFault(t,
		func(t *testing.T, store storage.Store) { advance(t, store, manifest.Pointer{}, "old") },
		func(store storage.Store) error {
			_, err := manifest.Advance(t.Context(), store, "feeds", old, "new")
			if errors.Is(err, manifest.ErrLost) {
				t.Errorf("a failure is taken for a lost race: %v", err)
			}
			return err
		},
		func(t *testing.T, store storage.Store, err error) {
			if got := current(t, store); got != want && (got != old || err == nil) {
				t.Errorf("current is %v after %v", got, err)
			}
			if got := advance(t, store, old, "new"); got != want {
				t.Errorf("a retry: %v, want %v", got, want)
			}
		})
}

func TestCurrentUnderFaults(t *testing.T) {
	want := manifest.Pointer{N: 1, Run: "old"}
	eachFault(t,
		func(t *testing.T, store storage.Store) { advance(t, store, manifest.Pointer{}, "old") },
		func(store storage.Store) error {
			got, err := manifest.Current(t.Context(), store, "feeds")
			if err == nil && got != want {
				t.Errorf("a failure reads as %v", got)
			}
			return err
		},
		func(*testing.T, storage.Store, error) {})
}

func TestStrangersInCurrent(t *testing.T) {
	store := mem.New()
	want := advance(t, store, manifest.Pointer{}, "first")
	for _, name := range []string{"README", "2", "00000000000x", "000000000000", "0000000000001", "+00000000002", "000000000002.bak", "000000000002/x"} {
		put(t, store, "feeds/current/"+name, `{"format": 1, "run": "stranger"}`)
	}
	if got := current(t, store); got != want {
		t.Errorf("current is %v, want %v", got, want)
	}
}

func TestDamagedCurrent(t *testing.T) {
	const way = "; feedmill publish generate RUN puts an earlier run in its place"
	for content, want := range map[string]string{
		"":                            "unexpected end of JSON input" + way,
		`{"format": 1}`:               `run id "": invalid argument` + way,
		`{"format": 1, "run": "a/b"}`: `run id "a/b": invalid argument` + way,
		`{"format": 2, "runs": []}`:   "format 2 is newer than this feedmill, which knows formats up to 1: use a newer feedmill",
	} {
		store := mem.New()
		put(t, store, "feeds/current/000000000009", content)
		_, err := manifest.Current(t.Context(), store, "feeds")
		want = "read pointer feeds/current/000000000009: " + want
		if err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", content, err, want)
		}
		if _, err := manifest.Advance(t.Context(), store, "feeds", manifest.Pointer{N: 8}, "r"); err == nil {
			t.Errorf("%q: could be advanced over", content)
		}
		if lost := (*manifest.LostError)(nil); errors.As(err, &lost) && lost.N != 9 {
			t.Errorf("%q: number %d", content, lost.N)
		}
	}
}

// What current points at may be gone or damaged; a failure of the store says neither.
func TestPointedAtNothing(t *testing.T) {
	store := mem.New()
	p := advance(t, store, manifest.Pointer{}, "r")
	const way = "; feedmill publish generate RUN puts an earlier run in its place"
	for _, c := range []struct{ content, want string }{
		{"", "follow feeds/current/000000000001: there is no run r in feeds: file does not exist" + way},
		{"x", "follow feeds/current/000000000001: read manifest feeds/r/manifest.json: invalid character 'x' looking for beginning of value" + way},
		{`{"format": 2}`, "follow feeds/current/000000000001: read manifest feeds/r/manifest.json: format 2 is newer than this feedmill, which knows formats up to 1: use a newer feedmill"},
	} {
		if c.content != "" {
			put(t, store, "feeds/r/manifest.json", c.content)
		}
		_, err := manifest.Pointed(t.Context(), store, "feeds", p)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: error %v, want %s", c.content, err, c.want)
		}
	}
	_, err := manifest.Pointed(t.Context(), fault.New(store, fault.Plan{}), "feeds", p)
	if err == nil || errors.As(err, new(*manifest.LostError)) {
		t.Errorf("a failure: %v", err)
	}
	_, err = manifest.Pointed(t.Context(), store, "events", p)
	if !errors.As(err, new(*manifest.LostError)) || strings.Contains(err.Error(), "publish") {
		t.Errorf("of events: %v", err)
	}
}

func TestAdvanceRefusesWhatIsNoRun(t *testing.T) {
	for _, run := range []string{"", "a/b", "current", ".x"} {
		if _, err := manifest.Advance(t.Context(), mem.New(), "feeds", manifest.Pointer{}, run); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("run id %q", run)) {
			t.Errorf("%q: error %v", run, err)
		}
	}
	if diff := cmp.Diff("feeds/r/manifest.json", manifest.Name("feeds", "r")); diff != "" {
		t.Error(diff)
	}
}
