package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
)

var listing = []test{
	{"a prefix is any beginning of a name", testPrefixes},
	{"the folders of a folder", testFolders},
	{"a listing is in order of the full name", testOrder},
	{"10,000 names", testManyNames},
	{"sizes and times", testInfo},
	{"the caller may stop", testStop},
	{"prefixes that no name can have are refused", testBadPrefix},
	{"as a map would have it", testModel},
}

func testPrefixes(t *testing.T, s suite) {
	for _, name := range []string{"a/b/1", "a/b/2", "a/bc", "ab/1", "b"} {
		s.put(t, name, name)
	}
	for prefix, want := range map[string][]string{
		"":         {"a/b/1", "a/b/2", "a/bc", "ab/1", "b"},
		"a":        {"a/b/1", "a/b/2", "a/bc", "ab/1"},
		"a/":       {"a/b/1", "a/b/2", "a/bc"},
		"a/b":      {"a/b/1", "a/b/2", "a/bc"},
		"a/b/":     {"a/b/1", "a/b/2"},
		"a/b/2":    {"a/b/2"},
		"a/b/2/":   {},
		"a/b/2/x":  {},
		"b":        {"b"},
		"c":        {},
		"c/d/e":    {},
		"a/b/.tmp": {},
	} {
		if diff := cmp.Diff(want, s.names(t, prefix)); diff != "" {
			t.Errorf("List(%q) (-want +got):\n%s", prefix, diff)
		}
	}
}

func testFolders(t *testing.T, s suite) {
	for _, name := range []string{"a/b/1", "a/b/2/3", "a/c-1/x", "a/c/1", "a/d", "ab/1", "b"} {
		s.put(t, name, name)
	}
	for folder, want := range map[string][]string{"": {"a", "ab"}, "a/": {"b", "c", "c-1"}, "a/b/": {"2"}, "a/b/2/": {}, "a/none/": {}, "none/": {}} {
		got, err := storage.Folders(t.Context(), s.Store, folder)
		if err != nil {
			t.Fatal(err)
		}
		got = slices.DeleteFunc(got, func(name string) bool { return len(s.names(t, folder+name+"/")) == 0 })
		if diff := cmp.Diff(want, append([]string{}, got...)); diff != "" {
			t.Errorf("Folders(%q) (-want +got):\n%s", folder, diff)
		}
	}
	if _, err := storage.Folders(t.Context(), s.Store, "a/../"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a folder that cannot be: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := storage.Folders(ctx, s.Store, "a/"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}

func testOrder(t *testing.T, s suite) {
	names := []string{"a-b", "a.b", "a/b", "a/b.c/d", "a/b-c", "a0", "ab/c", "ab-/c", "a b", "a\u00e9/x", "aé", "Z", "_", "a/\u9999", "a!/b", "a!"}
	names = slices.DeleteFunc(names, func(n string) bool {
		return slices.ContainsFunc(names, func(m string) bool { return strings.HasPrefix(m, n+"/") })
	})
	for _, name := range names {
		s.put(t, name, "")
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, s.names(t, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

func testManyNames(t *testing.T, s suite) {
	want := make([]string, 10_000)
	for i := range want {
		want[i] = fmt.Sprintf("many/%d/%05d%s", i%7, i*7919%10_000, []string{"", ".part", "-x"}[i%3])
	}
	parallel(8, func(worker int) {
		for i := worker; i < len(want); i += 8 {
			if err := storage.WriteAll(t.Context(), s, want[i], storage.Replace, nil); err != nil {
				t.Error(err)
			}
		}
	})
	slices.Sort(want)
	if diff := cmp.Diff(want, s.names(t, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

func testInfo(t *testing.T, s suite) {
	from := time.Now().Add(-time.Minute)
	s.put(t, "x", "12345")
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if info.Name != "x" || info.Size != 5 {
			t.Errorf("listed %s of %d bytes, want x of 5", info.Name, info.Size)
		}
		if info.ModTime.Before(from) || info.ModTime.After(time.Now().Add(time.Minute)) {
			t.Errorf("time %v is not about now", info.ModTime)
		}
	}
}

func testStop(t *testing.T, s suite) {
	for _, name := range []string{"a/1", "b/1", "c"} {
		s.put(t, name, "")
	}
	for stop := 1; stop <= 3; stop++ {
		seen := 0
		for _, err := range s.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if seen++; seen == stop {
				break
			}
		}
		if seen != stop {
			t.Errorf("saw %d objects, want %d", seen, stop)
		}
	}
}

func testBadPrefix(t *testing.T, s suite) {
	s.put(t, "a", "")
	for _, prefix := range []string{"/", "/a", "../", "../a", "a/../", "a//", ".hidden/a"} {
		var got error
		for _, err := range s.List(t.Context(), prefix) {
			got = err
		}
		if !errors.Is(got, fs.ErrInvalid) {
			t.Errorf("List(%q): %v, want fs.ErrInvalid", prefix, got)
		}
	}
}

// testModel does the same to the store and to a map, at random.
func testModel(t *testing.T, s suite) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	model := map[string]string{}
	for step := range 400 {
		name := fmt.Sprintf("%c/%c%d", 'a'+random.IntN(3), 'x'+random.IntN(2), random.IntN(3))
		text := fmt.Sprint(step)
		_, taken := model[name]
		switch random.IntN(4) {
		case 0:
			s.put(t, name, text)
			model[name] = text
		case 1:
			err := storage.WriteAll(t.Context(), s, name, storage.Exclusive, []byte(text))
			if taken != errors.Is(err, fs.ErrExist) || !taken && err != nil {
				t.Fatalf("step %d: exclusive %s: %v; taken: %v", step, name, err, taken)
			}
			if !taken {
				model[name] = text
			}
		case 2:
			if err := s.Remove(t.Context(), name); err != nil {
				t.Fatalf("step %d: remove %s: %v", step, name, err)
			}
			delete(model, name)
		case 3:
			s.compare(t, model, name[:1+random.IntN(len(name))])
		}
	}
	s.compare(t, model, "")
}

func (s suite) compare(t *testing.T, model map[string]string, prefix string) {
	t.Helper()
	got := map[string]string{}
	for _, name := range s.names(t, prefix) {
		got[name] = s.get(t, name)
	}
	want := maps.Clone(model)
	maps.DeleteFunc(want, func(name, _ string) bool { return !strings.HasPrefix(name, prefix) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("objects below %q (-want +got):\n%s", prefix, diff)
	}
}
