package mem_test

import (
	"testing"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/storage/storagetest"
)

func TestStore(t *testing.T) {
	storagetest.ReadsOn(t, func(t *testing.T) storage.Store { return mem.New() })
	storagetest.Run(t, func(*testing.T) storage.Store { return mem.New() })
}

func TestPrefixed(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Store { return storage.Prefixed(mem.New(), "a b/c") })
}

// What a file system refuses is refused here.
func TestFolders(t *testing.T) {
	store := mem.New()
	write := func(name string) error {
		return storage.WriteAll(t.Context(), store, name, storage.Replace, nil)
	}
	if err := write("a/b"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "a/b/c", "a/b/c/d"} {
		if write(name) == nil {
			t.Errorf("%s could be written beside a/b", name)
		}
	}
	if err := store.Remove(t.Context(), "a/b"); err != nil {
		t.Fatal(err)
	}
	if err := write("a"); err != nil {
		t.Errorf("a, after a/b went: %v", err)
	}
}
