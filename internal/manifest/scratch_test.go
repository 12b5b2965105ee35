package manifest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

func names(t *testing.T, store storage.Store, prefix string) []string {
	t.Helper()
	out := []string{}
	for info, err := range store.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, info.Name)
	}
	return out
}

func fill(t *testing.T, store storage.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := storage.WriteAll(t.Context(), store, name, storage.Replace, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
}

var scratch = []string{
	"snapshots/r1/00000.parquet", "tmp/aggregate/x", "tmp/r1/aggregate/a/b", "tmp/r1/generate/a", "tmp/r3/aggregate", "tmp/r2/aggregate2/a", "tmp/r2/aggregate/c",
}

func TestSweep(t *testing.T) {
	store := mem.New()
	fill(t, store, scratch...)
	lease := acquire(t, store, newClock().options("etl1:1"))
	if err := lease.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"tmp/aggregate/x", "tmp/r1/generate/a", "tmp/r2/aggregate2/a", "tmp/r3/aggregate"}
	if diff := cmp.Diff(want, names(t, store, "tmp/")); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if got := names(t, store, "snapshots/"); len(got) != 1 {
		t.Errorf("the snapshot is gone: %v", got)
	}
}

// What a run that was killed had begun goes, too, on disks with its folders.
func TestSweepOfWhatWasBegun(t *testing.T) {
	dir := t.TempDir()
	store := local.New(dir)
	lease := acquire(t, store, newClock().options("etl1:1"))
	for _, name := range []string{"tmp/r1/aggregate/a", "tmp/r1/generate/a"} {
		if _, err := store.Create(t.Context(), name, storage.Replace); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"tmp/r2/aggregate/a/b", "tmp/r2/generate"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := lease.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(dir + "/tmp/*/*")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{dir + "/tmp/r1/generate", dir + "/tmp/r2/generate"}, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestClean(t *testing.T) {
	store := mem.New()
	fill(t, store, scratch...)
	if err := manifest.Clean(t.Context(), store, "aggregate", "r2"); err != nil {
		t.Fatal(err)
	}
	want := []string{"tmp/aggregate/x", "tmp/r1/aggregate/a/b", "tmp/r1/generate/a", "tmp/r2/aggregate2/a", "tmp/r3/aggregate"}
	if diff := cmp.Diff(want, names(t, store, "tmp/")); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// An object that cannot be removed does not keep the others.
func TestSweepGoesOn(t *testing.T) {
	inner := mem.New()
	fill(t, inner, "tmp/r1/aggregate/a", "tmp/r1/aggregate/b", "tmp/r1/aggregate/c")
	for n, want := range [][]string{
		{"tmp/r1/aggregate/a", "tmp/r1/aggregate/b", "tmp/r1/aggregate/c"}, {"tmp/r1/aggregate/a"}, {"tmp/r1/aggregate/a"}, {"tmp/r1/aggregate/a"},
	} {
		store := fault.New(inner, fault.Plan{At: n})
		err := manifest.Clean(t.Context(), store, "aggregate", "r1")
		if store.Fired() != (err != nil) {
			t.Fatalf("operation %d fails: error %v", n, err)
		}
		if !store.Fired() {
			want = []string{}
		}
		if diff := cmp.Diff(want, names(t, inner, "tmp/")); diff != "" {
			t.Errorf("operation %d fails, left (-want +got):\n%s", n, diff)
		}
	}
}
