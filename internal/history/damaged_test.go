package history

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/stream/mem"
)

// newSendingWeek is a shop after a week in which diff ran, too.
func newSendingWeek(t *testing.T) *shop {
	s := newShop(t, 1)
	s.ws.Retention.Events = 3 * 24 * time.Hour
	topic := mem.New(2)
	for day := range 7 {
		s.change(map[string]string{"x": []string{"a", "b"}[day%2], "y": "b", "new" + string(rune('0'+day)): "c"})
		s.aggregate()
		s.generate()
		report, err := diff.Run(context.Background(), s.diffOptions(topic))
		if err == nil && report.Status == manifest.Held {
			_, err = diff.Decide(context.Background(), diff.DecideOptions{Options: s.diffOptions(topic), Run: report.Run, Decision: manifest.Decision{Action: manifest.Approved, By: "ann", Reason: "go"}})
		}
		s.must(err)
		s.clock.add(24 * time.Hour)
	}
	return s
}

// isControl reports whether gc reads an object to know what refers to what.
func isControl(name string) bool {
	return strings.HasSuffix(name, "/manifest.json") || strings.Contains(name, "/"+currentName+"/")
}

// Whichever of the objects that say what is needed is damaged: gc keeps all that it
// would keep otherwise, and all that what is damaged may need, so that it is whole
// again when it is restored. It removes the rest, and says what is damaged.
func TestDamagedControl(t *testing.T) {
	s := newSendingWeek(t)
	want := published(t, s.store)
	clean := s.store.copied(t)
	_, err := s.gc(clean)
	s.must(err)
	left := names(t, clean, "")
	var some bool
	for i, name := range names(t, s.store, "") {
		if !isControl(name) || testing.Short() && i%5 > 0 {
			continue
		}
		data, err := storage.ReadAll(context.Background(), s.store, name)
		s.must(err)
		damaged := *s
		damaged.store = s.store.copied(t)
		write := func(data []byte) {
			at := damaged.store.times[name]
			s.must(storage.WriteAll(context.Background(), damaged.store, name, storage.Replace, data))
			damaged.store.times[name] = at
		}
		write(nil)
		report, err := damaged.gc(damaged.store)
		if s.isRead(name) && (err == nil || !strings.Contains(err.Error(), name) || report.Status != manifest.Failed) {
			t.Errorf("%s: %v", name, err)
		}
		some = some || report.Objects > 0
		write(data)
		there := names(t, damaged.store, "")
		for _, kept := range left {
			if !slices.Contains(there, kept) {
				t.Errorf("%s: %s is gone", name, kept)
			}
		}
		if diff := cmp.Diff(want, published(t, damaged.store)); diff != "" {
			t.Errorf("%s: published: %s", name, diff)
		}
		s.wasWhole(name, damaged.store)
		_, err = damaged.gc(damaged.store)
		s.must(err)
		if diff := cmp.Diff(without(left, "leases/"), without(names(t, damaged.store, ""), "leases/")); diff != "" {
			t.Errorf("%s: the next gc leaves (-want +got):\n%s", name, diff)
		}
	}
	if !some {
		t.Error("nothing was removed")
	}
}

// isRead reports whether gc reads a control object: of pointers only the last one,
// where those before were replaced days ago.
func (s *shop) isRead(name string) bool {
	if strings.HasSuffix(name, "/manifest.json") {
		return true
	}
	pointers := names(s.t, s.store, name[:strings.LastIndexByte(name, '/')+1])
	return name == pointers[len(pointers)-1]
}

// wasWhole fails the test if a manifest is of a run that could be published before,
// and cannot now.
func (s *shop) wasWhole(name string, after storage.Store) {
	s.t.Helper()
	path := strings.Split(name, "/")
	r := ref{path[0], path[1]}
	if _, err := read(context.Background(), s.store, r); err != nil || !slices.Contains([]string{"snapshots", part.Kind}, r.kind) {
		return
	}
	before, now := check(context.Background(), s.store, r), check(context.Background(), after, r)
	if before == nil && now != nil {
		s.t.Errorf("%s: %v", name, now)
	}
}

// What a run needs stays also when its manifest is gone, and it looks as if it had
// never been committed.
func TestManifestGone(t *testing.T) {
	s := newSendingWeek(t)
	want := published(t, s.store)
	said := 0
	for _, name := range names(t, s.store, "") {
		if !strings.HasSuffix(name, "/manifest.json") {
			continue
		}
		data, err := storage.ReadAll(context.Background(), s.store, name)
		s.must(err)
		store := s.store.copied(t)
		s.must(store.Remove(context.Background(), name))
		if _, err := s.gc(store); err != nil {
			said++
		}
		s.must(storage.WriteAll(context.Background(), store, name, storage.Replace, data))
		if diff := cmp.Diff(want, published(t, store)); diff != "" {
			t.Errorf("%s: published: %s", name, diff)
		}
		current, err := manifest.Current(context.Background(), store, "snapshots")
		s.must(err)
		if err := check(context.Background(), store, ref{"snapshots", current.Run}); err != nil {
			t.Errorf("%s: the snapshot: %v", name, err)
		}
	}
	if said < 5 { // the current ones, the state of a source, ...
		t.Errorf("gc said so %d times", said)
	}
}

// A run that stays damaged does not keep the disk from being freed of later ones.
func TestDamageDoesNotFillTheDisk(t *testing.T) {
	s := newWeek(t)
	run := s.runsOf(part.Kind)[3]
	s.put2(manifest.Name(part.Kind, run))
	var counts []int
	for day := range 12 {
		s.day(map[string]string{"x": []string{"a", "b"}[day%2]})
		if _, err := s.gc(s.store); err == nil || !strings.Contains(err.Error(), run) {
			t.Fatalf("gc: %v", err)
		}
		counts = append(counts, len(names(t, s.store, "feeds/"))+len(names(t, s.store, "snapshots/"))+len(names(t, s.store, "sources/")))
	}
	if !s.has("feeds/" + run + "/all.index") {
		t.Error("the damaged run is gone")
	}
	if counts[11] > counts[7] {
		t.Errorf("more and more objects: %v", counts)
	}
}
