package history

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
)

func TestPublish(t *testing.T) {
	s := newShop(t, 1)
	_, first := s.day(map[string]string{"x": "a", "y": "b"})
	old := published(t, s.store)
	_, second := s.day(map[string]string{"x": "b"})
	now := published(t, s.store)
	for _, c := range []struct {
		run, status string
		want        map[string]string
	}{{first, manifest.Done, old}, {first, manifest.Unchanged, old}, {second, manifest.Done, now}, {first, manifest.Done, old}} {
		got, err := s.publish("generate", c.run)
		s.must(err)
		if got.Status != c.status || got.Run != c.run {
			t.Errorf("publish %s: %+v", c.run, got)
		}
		if diff := cmp.Diff(c.want, published(t, s.store)); diff != "" {
			t.Errorf("publish %s (-want +got):\n%s", c.run, diff)
		}
	}

	// The next run goes on from there: the feeds of the current snapshot.
	s.generate()
	if diff := cmp.Diff(now, published(t, s.store)); diff != "" {
		t.Errorf("after the next run (-want +got):\n%s", diff)
	}
}

// For partners a feed changes when somebody goes back, too: the time of its content
// never does.
func TestPublishMovesTimes(t *testing.T) {
	s := newShop(t, 1)
	times := func() map[string]time.Time {
		t.Helper()
		catalog, err := part.Published(context.Background(), s.store)
		s.must(err)
		out := map[string]time.Time{}
		for name, e := range catalog.Feeds {
			out[name] = e.Updated
		}
		return out
	}
	_, first := s.day(map[string]string{"x": "a", "y": "b"})
	_, second := s.day(map[string]string{"x": "b", "y": "b"})
	at, contents := times(), published(t, s.store)
	for _, run := range []string{first, second, first} {
		s.clock.add(time.Second)
		_, err := s.publish("generate", run)
		s.must(err)
		now := published(t, s.store)
		changed := 0
		for name, was := range at {
			moved := times()[name].After(was)
			if contents[name] != now[name] {
				changed++
			}
			if moved != (contents[name] != now[name]) || times()[name].Before(was) {
				t.Errorf("publish %s: feed %s: %s before, %s now; content changed: %v", run, name, was, times()[name], contents[name] != now[name])
			}
		}
		if changed == 0 {
			t.Errorf("publish %s changes nothing", run)
		}
		at, contents = times(), now
	}
	s.generate() // goes on from there
	for name, was := range at {
		if now := times()[name]; now.Before(was) {
			t.Errorf("feed %s: %s before, %s after the next run", name, was, now)
		}
	}
}

// An earlier run can be published when what is current is damaged or gone: then all
// feeds change for partners, and the stages go on from there.
func TestPublishInsteadOfDamage(t *testing.T) {
	week := newShop(t, 1)
	snapshot, first := week.day(map[string]string{"x": "a", "y": "b"})
	old := published(t, week.store)
	later, second := week.day(map[string]string{"x": "b"})
	for name, c := range map[string]struct{ stage, run, before, object string }{
		"manifest of feeds":    {"generate", first, second, manifest.Name(part.Kind, second)},
		"manifest of snapshot": {"aggregate", snapshot, later, manifest.Name("snapshots", later)},
		"pointer to snapshot":  {"aggregate", snapshot, "", "snapshots/current/000000000002"},
		"pointer to feeds":     {"generate", first, "", "feeds/current/000000000002"},
		"the same":             {"generate", second, "", "feeds/current/000000000002"},
	} {
		for _, damage := range []string{"", "x", "gone"} {
			t.Run(name+" "+damage, func(t *testing.T) {
				s := *week
				s.t, s.store = t, week.store.copied(t)
				switch {
				case damage != "gone":
					s.must(storage.WriteAll(context.Background(), s.store, c.object, storage.Replace, []byte(damage)))
				case strings.HasSuffix(c.object, "json"):
					s.must(s.store.Remove(context.Background(), c.object))
				default:
					return // a pointer that is gone never was
				}
				got, err := s.publish(c.stage, c.run)
				s.must(err)
				if got.Status != manifest.Done || got.Before != c.before || got.N != 3 {
					t.Errorf("%+v", got)
				}
				if c.run == first {
					if diff := cmp.Diff(old, published(t, s.store)); diff != "" {
						t.Errorf("published (-want +got):\n%s", diff)
					}
				}
				if c.stage == "generate" {
					s.allChanged()
				}
				s.change(map[string]string{"x": "c"})
				s.aggregate()
				s.generate()
			})
		}
	}
}

// allChanged fails the test unless every feed changed when current moved.
func (s *shop) allChanged() {
	s.t.Helper()
	catalog, err := part.Published(context.Background(), s.store)
	s.must(err)
	for name, e := range catalog.Feeds {
		if !e.Updated.Equal(s.clock.Now()) {
			s.t.Errorf("feed %s changed %s, not %s", name, e.Updated, s.clock.Now())
		}
	}
}

// Going back to what is damaged is refused, also when it is current.
func TestPublishDamaged(t *testing.T) {
	s := newShop(t, 1)
	_, run := s.day(map[string]string{"x": "a", "y": "b"})
	s.put2(manifest.Name(part.Kind, run))
	if _, err := s.publish("generate", run); !errors.As(err, new(*RefusedError)) {
		t.Errorf("error %v", err)
	}
}

// Going back to a snapshot is going back for generate.
func TestPublishSnapshot(t *testing.T) {
	s := newShop(t, 1)
	first, _ := s.day(map[string]string{"x": "a", "y": "b"})
	old := published(t, s.store)
	s.day(map[string]string{"x": "a"})
	now := published(t, s.store)
	_, err := s.publish("aggregate", first)
	s.must(err)
	s.generate()
	if diff := cmp.Diff(old, published(t, s.store)); diff != "" {
		t.Errorf("after going back (-want +got):\n%s", diff)
	}
	s.aggregate()
	s.generate()
	if diff := cmp.Diff(now, published(t, s.store)); diff != "" {
		t.Errorf("after the next aggregate (-want +got):\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	s := newShop(t, 1)
	_, first := s.day(map[string]string{"x": "a", "y": "a", "z": "b", "w": "c"})
	unchanged := s.generate().Run
	nothing := s.aggregate().Run
	_, second := s.day(map[string]string{"x": "", "y": "", "z": ""})
	s.must(s.store.Remove(context.Background(), part.IndexName(first, "all")))
	before, err := manifest.Current(context.Background(), s.store, part.Kind)
	s.must(err)
	for _, c := range []struct{ stage, run, want string }{
		{"generate", "20250101T000000.000Z-aaaaaa", "there is no run"},
		{"generate", unchanged, "it had nothing to do"},
		{"generate", second, "it was held as a whole"},
		{"aggregate", nothing, "it made no snapshot"},
	} {
		_, err := s.publish(c.stage, c.run)
		var refused *RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("publish %s %s: %v, want %q", c.stage, c.run, err, c.want)
		}
	}
	if _, err := s.publish("diff", first); err == nil || !strings.Contains(err.Error(), "no runs to publish") {
		t.Errorf("publish of an unknown stage: %v", err)
	}
	after, err := manifest.Current(context.Background(), s.store, part.Kind)
	s.must(err)
	if before != after {
		t.Errorf("current moved from %v to %v", before, after)
	}
}

// A run of which something is gone is refused.
func TestIncomplete(t *testing.T) {
	s := newShop(t, 1)
	snapshot, first := s.day(map[string]string{"x": "a", "y": "b"})
	s.day(map[string]string{"x": "b"})
	for _, c := range []struct{ stage, run, prefix, ending string }{
		{"generate", first, "feeds/" + first, ".index"},
		{"generate", first, "feeds/" + first, ".part"},
		{"aggregate", snapshot, "snapshots/" + snapshot, ".parquet"},
		{"aggregate", snapshot, "sources/changes/" + snapshot, ".parquet"},
		{"aggregate", snapshot, "sources/changes/" + snapshot, "manifest.json"},
	} {
		copied := *s
		copied.store = s.store.copied(t)
		for _, name := range names(t, copied.store, c.prefix) {
			if strings.HasSuffix(name, c.ending) {
				s.must(copied.store.Remove(context.Background(), name))
			}
		}
		if _, err := copied.publish(c.stage, c.run); !errors.As(err, new(*RefusedError)) {
			t.Errorf("publish %s without its %s: %v", c.stage, c.ending, err)
		}
	}
}
