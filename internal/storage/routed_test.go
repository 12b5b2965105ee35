package storage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/storage/storagetest"
)

func TestRouted(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		return storage.Routed(mem.New(), map[string]storage.Store{"ab": mem.New(), "a!": mem.New(), "run": mem.New()})
	})
}

func TestRoutedHidesWhatItsBaseHasThere(t *testing.T) {
	base, feeds := mem.New(), mem.New()
	for _, name := range []string{"feeds/old", "feeds-x/1", "feeds0", "snapshots/1"} {
		put(t, base, name)
	}
	store := storage.Routed(base, map[string]storage.Store{"feeds": feeds})
	put(t, store, "feeds/new")
	for prefix, want := range map[string][]string{
		"":       {"feeds-x/1", "feeds/new", "feeds0", "snapshots/1"},
		"f":      {"feeds-x/1", "feeds/new", "feeds0"},
		"feeds/": {"feeds/new"},
		"s":      {"snapshots/1"},
	} {
		if diff := cmp.Diff(want, listed(t, store, prefix)); diff != "" {
			t.Errorf("List(%q): %s", prefix, diff)
		}
	}
	if diff := cmp.Diff([]string{"new"}, listed(t, feeds, "")); diff != "" {
		t.Error(diff)
	}
}

func put(t *testing.T, store storage.Store, name string) {
	t.Helper()
	if err := storage.WriteAll(t.Context(), store, name, storage.Exclusive, nil); err != nil {
		t.Fatal(err)
	}
}

func listed(t *testing.T, store storage.Store, prefix string) []string {
	t.Helper()
	var names []string
	for info, err := range store.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	return names
}
