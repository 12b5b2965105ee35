package history

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/workspace"
)

// day delivers changes and runs both stages.
func (s *shop) day(changes map[string]string) (snapshot, run string) {
	s.t.Helper()
	s.change(changes)
	snapshot = s.aggregate().Run
	run = s.generate().Run
	s.clock.add(24 * time.Hour)
	return snapshot, run
}

// newWeek is a shop after a week, of which nothing was removed yet.
func newWeek(t *testing.T) *shop {
	s := newShop(t, 1)
	s.day(map[string]string{"x": "a", "y": "a", "z": "b", "w": "c"})
	for day := range 6 {
		s.day(map[string]string{"x": []string{"a", "b"}[day%2], "new" + string(rune('0'+day)): "c"})
	}
	return s
}

func (s *shop) put2(name string) {
	s.t.Helper()
	s.must(storage.WriteAll(context.Background(), s.store, name, storage.Replace, []byte("left over")))
}

// has reports whether there is anything below a folder.
func (s *shop) has(folder string) bool { return len(names(s.t, s.store, folder)) > 0 }

// What nobody needs goes, and nothing else.
func TestGC(t *testing.T) {
	s := newWeek(t)
	before := published(t, s.store)
	s.put2("approvals/20260102T030405.000Z-aaaaaa/x")
	s.put2("feeds/README")
	s.put2("feeds/notes/x/y")
	report, err := s.gc(s.store)
	s.must(err)
	if diff := cmp.Diff(before, published(t, s.store)); diff != "" {
		t.Errorf("published: %s", diff)
	}
	for kind, want := range map[string]int{"feeds": 2, "snapshots": 2} { // by retention, and what those need
		runs, err := manifest.List(context.Background(), s.store, kind)
		s.must(err)
		if len(runs) < want || len(runs) > want+1 {
			t.Errorf("%d runs of %s are left", len(runs), kind)
		}
	}
	for _, name := range []string{"approvals/", "feeds/README", "feeds/notes/"} {
		if !s.has(name) {
			t.Errorf("%s was not ours to remove", name)
		}
	}
	if report.Objects < 20 || report.Bytes == 0 || report.Status != manifest.Done || len(report.Kept) == 0 {
		t.Errorf("report: %+v", report)
	}
	s.day(map[string]string{"x": "a"})
}

// A dry run says the same and removes nothing.
func TestDryRun(t *testing.T) {
	s := newWeek(t)
	before := names(t, s.store, "")
	dry, err := GC(context.Background(), GCOptions{Store: s.store, Retention: s.ws.Retention, Now: s.clock.Now, DryRun: true})
	s.must(err)
	if diff := cmp.Diff(before, names(t, s.store, "")); diff != "" {
		t.Errorf("removed, or written: %s", diff)
	}
	wet, err := s.gc(s.store)
	s.must(err)
	if diff := cmp.Diff(wet.Removed, dry.Removed); diff != "" || !dry.DryRun || len(dry.Removed) == 0 {
		t.Errorf("a dry run says something else: %s", diff)
	}
}

// Without a retention runs stay for ever.
func TestNoRetention(t *testing.T) {
	s := newWeek(t)
	s.ws.Retention.Feeds, s.ws.Retention.Snapshots = 0, 0
	before := names(t, s.store, "feeds/")
	_, err := s.gc(s.store)
	s.must(err)
	if diff := cmp.Diff(before, names(t, s.store, "feeds/")); diff != "" {
		t.Error(diff)
	}
	if got := len(names(t, s.store, "leases/generate/")); got != 1 {
		t.Errorf("%d leases are left", got)
	}
}

// What killed and failed runs left goes after the grace time, unless they may be
// at work.
func TestLeftovers(t *testing.T) {
	s := newShop(t, 1)
	s.day(map[string]string{"x": "a"})
	run := manifest.NewRun(s.clock.Now(), s.random)
	left := []string{
		"feeds/" + run + "/list-1/00000.part", "snapshots/" + run + "/00001.parquet", "sources/shops/" + run + "/00001.parquet",
		"rejects/" + run + "/shops/00000.jsonl", "tmp/" + run + "/generate/render/00000",
	}
	for _, name := range left {
		s.put2(name)
	}
	there := func() (out []string) {
		for _, name := range left {
			if s.has(name) {
				out = append(out, strings.Split(name, "/")[0])
			}
		}
		return out
	}
	for _, c := range []struct {
		after time.Duration
		busy  string
		want  []string
	}{
		{time.Hour, "generate", []string{"feeds", "snapshots", "sources", "rejects", "tmp"}},
		{time.Hour, "aggregate", []string{"feeds", "snapshots", "sources", "rejects"}},
		{12 * time.Hour, "aggregate", []string{"snapshots", "sources", "rejects"}},
		{time.Hour, "", nil},
	} {
		s.clock.add(c.after)
		if c.busy != "" { // since the run began
			since := func() time.Time { started, _ := manifest.RunTime(run); return started }
			lease, err := manifest.Acquire(context.Background(), s.store, c.busy, manifest.LeaseOptions{Owner: "other:1", TTL: 100 * time.Hour, Now: since})
			s.must(err)
			_, err = s.gc(s.store)
			s.must(err)
			s.must(lease.Release(context.Background()))
		} else {
			_, err := s.gc(s.store)
			s.must(err)
		}
		if diff := cmp.Diff(c.want, there()); diff != "" {
			t.Errorf("after %s more, while %q is at work (-want +got):\n%s", c.after, c.busy, diff)
		}
	}
}

// What writers that died never finished goes after the grace time, unless it may
// be of a stage at work.
func TestNeverFinished(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	store := local.New(dir)
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	run := manifest.NewRun(began, rand.Reader)
	for _, folder := range []string{"tmp/" + run + "/generate/render", "feeds/lost+found"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"feeds/" + run + "/list-1/00000.part", "leases/generate/1", "approvals/" + run + "/x.json", "notices/generate.json", "notes/x"} {
		w, err := store.Create(ctx, name, storage.Replace)
		if err == nil {
			_, err = w.Write([]byte("half"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, began, began))
	})
	if err != nil {
		t.Fatal(err)
	}
	gone := []Removed{{Kind: "tmp", Why: "never finished", Objects: 1}}
	for _, kind := range []string{"notices", "leases", "feeds", "approvals"} {
		gone = slices.Insert(gone, 0, Removed{Kind: kind, Why: "never finished", Objects: 1, Bytes: 4})
	}
	for _, c := range []struct {
		after, grace time.Duration
		busy, dry    bool
		want         []Removed
	}{
		{after: 2 * time.Hour, grace: 3 * time.Hour, want: []Removed{}},
		{after: 2 * time.Minute, want: []Removed{}},
		{after: 4 * time.Hour, grace: 3 * time.Hour, busy: true, want: []Removed{}},
		{after: 4 * time.Hour, grace: 3 * time.Hour, dry: true, want: gone},
		{after: 4 * time.Hour, grace: 3 * time.Hour, want: gone},
		{after: 5 * time.Hour, want: []Removed{}},
	} {
		now := func() time.Time { return began.Add(c.after) }
		var l *manifest.Lease
		if c.busy {
			l, err = manifest.Acquire(ctx, store, "generate", manifest.LeaseOptions{Owner: "other:1", TTL: 100 * time.Hour, Now: func() time.Time { return began }})
			if err != nil {
				t.Fatal(err)
			}
		}
		r, err := GC(ctx, GCOptions{Store: store, Retention: workspace.Retention{Grace: c.grace}, Now: now, DryRun: c.dry})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, r.Removed); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
		if l != nil {
			if err := l.Release(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if left, err := filepath.Glob(dir + "/notes/" + local.TempPrefix + "*"); err != nil || len(left) != 1 {
		t.Errorf("what is not ours: %v, %v", left, err)
	}
	for folder, stays := range map[string]bool{"tmp": false, "approvals": false, "feeds/lost+found": true} {
		if _, err := os.Stat(filepath.Join(dir, folder)); (err == nil) != stays {
			t.Errorf("%s: %v", folder, err)
		}
	}
}

// A failed run keeps its manifest as long as others, but not what it wrote.
func TestLeftoversOfAFailedRun(t *testing.T) {
	s := newShop(t, 1)
	s.day(map[string]string{"x": "a"})
	run := manifest.NewRun(s.clock.Now(), s.random)
	m := &manifest.Manifest{Run: run, Stage: "generate", Status: manifest.Failed, Started: s.clock.Now(), Finished: s.clock.Now(), Report: []byte("{}"), Detail: []byte("{}")}
	s.must(manifest.Commit(context.Background(), s.store, part.Kind, m))
	s.put2("feeds/" + run + "/list-1/00000.part")
	for _, want := range []int{2, 1} {
		_, err := s.gc(s.store)
		s.must(err)
		if got := names(t, s.store, "feeds/"+run+"/"); len(got) != want {
			t.Errorf("left: %v", got)
		}
		s.clock.add(13 * time.Hour)
	}
	if _, err := s.publish("generate", run); err == nil || !strings.Contains(err.Error(), "it failed") {
		t.Errorf("publish: %v", err)
	}
}

// Whichever storage operation fails, what is published stays; the next gc removes
// what is to be removed.
func TestAnyOperationMayFail(t *testing.T) {
	s := newWeek(t)
	want := published(t, s.store)
	clean := s.store.copied(t)
	_, err := s.gc(clean)
	s.must(err)
	left := names(t, clean, "")
	for _, plan := range []fault.Plan{{}, {After: true}, {Forever: true}} {
		n := 0
		for ; ; n += stride() {
			plan.At = n
			store := s.store.copied(t)
			broken := fault.New(store, plan)
			_, err := s.gc(broken)
			if !broken.Fired() {
				s.must(err)
				break
			}
			if diff := cmp.Diff(want, published(t, store)); diff != "" {
				t.Fatalf("after %v: %s", broken.Failure(), diff)
			}
			checkRefs(t, store, left)
			s.retry(store)
			if diff := cmp.Diff(without(left, "leases/gc/"), without(names(t, store, ""), "leases/gc/")); diff != "" {
				t.Fatalf("after %v the next gc leaves (-want +got):\n%s", broken.Failure(), diff)
			}
		}
		if n < 100 {
			t.Errorf("only %d operations", n)
		}
	}
}

// stride is between the operations that fail.
func stride() int {
	if testing.Short() {
		return 7
	}
	return 1
}

// retry runs gc when the lease of one that died is over.
func (s *shop) retry(store storage.Store) {
	s.t.Helper()
	later := func() time.Time { return s.clock.Now().Add(time.Hour) }
	_, err := GC(context.Background(), GCOptions{Store: store, Retention: s.ws.Retention, Now: later})
	s.must(err)
}

func without(names []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.HasPrefix(name, prefix) })
}

// checkRefs fails the test unless every run that goes, and is still there, has all
// that it refers to.
func checkRefs(t *testing.T, store storage.Store, stays []string) {
	t.Helper()
	for _, kind := range stages {
		runs, err := manifest.List(context.Background(), store, kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs {
			if slices.Contains(stays, manifest.Name(kind, run)) {
				continue
			}
			r, err := read(context.Background(), store, ref{kind, run})
			if err == nil && r.publishable == nil {
				err = check(context.Background(), store, ref{kind, run})
			}
			if err != nil {
				t.Fatalf("run %s of %s: %v", run, kind, err)
			}
		}
	}
}

// gc stops when a run that it is about to remove becomes current.
func TestCurrentMoves(t *testing.T) {
	s := newWeek(t)
	v, err := take(context.Background(), s.store, s.clock.Now(), s.ws.Retention.Grace)
	s.must(err)
	s.must(v.stands(context.Background(), s.store))
	old := slices.Sorted(maps.Keys(runsOf(v, "snapshots")))[0]
	if _, err := s.publish("aggregate", old); err != nil {
		t.Fatal(err)
	}
	if err := v.stands(context.Background(), s.store); err == nil || !strings.Contains(err.Error(), "run gc again") {
		t.Errorf("after a publish: %v", err)
	}
}

func runsOf(v *inventory, kind string) map[string]bool {
	out := map[string]bool{}
	for r := range v.runs {
		if r.kind == kind {
			out[r.run] = true
		}
	}
	return out
}

// Publish and gc keep from each other.
func TestBusy(t *testing.T) {
	s := newWeek(t)
	l, err := manifest.Acquire(context.Background(), s.store, lease, manifest.LeaseOptions{Owner: "other:1", Now: s.clock.Now})
	s.must(err)
	var busy *manifest.BusyError
	if _, err := s.gc(s.store); !errors.As(err, &busy) {
		t.Errorf("gc: %v", err)
	}
	if _, err := s.publish("generate", "x"); !errors.As(err, &busy) {
		t.Errorf("publish: %v", err)
	}
	s.must(l.Release(context.Background()))
}
