package storagetest

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
)

var writing = []test{
	{"nobody sees an object before Commit", testInvisible},
	{"Replace replaces", testReplace},
	{"Exclusive refuses a taken name", testExclusive},
	{"Exclusive loses to who commits first", testExclusiveLater},
	{"Exclusive takes a removed name", testExclusiveAgain},
	{"Abort leaves nothing", testAbort},
	{"after Commit, Abort does nothing", testAbortAfterCommit},
	{"a writer ends once", testEnded},
	{"many writes are one object", testManyWrites},
	{"Write keeps nothing of its argument", testWriteReuse},
	{"names with spaces and of any script", testNames},
}

func testInvisible(t *testing.T, s suite) {
	for _, mode := range []storage.Mode{storage.Replace, storage.Exclusive} {
		name := []string{"runs/replace", "runs/exclusive"}[mode]
		w := s.create(t, t.Context(), name, mode, "text")
		if _, err := s.Open(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open(%s) before Commit: %v, want fs.ErrNotExist", name, err)
		}
		if names := s.names(t, name); len(names) > 0 {
			t.Errorf("listed before Commit: %q", names)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := s.get(t, name); got != "text" {
			t.Errorf("%s holds %q", name, got)
		}
	}
	if diff := cmp.Diff([]string{"runs/exclusive", "runs/replace"}, s.names(t, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

func testReplace(t *testing.T, s suite) {
	s.put(t, "x", "a long first text")
	w := s.create(t, t.Context(), "x", storage.Replace, "second")
	if got := s.get(t, "x"); got != "a long first text" {
		t.Errorf("before Commit the object holds %q", got)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := s.get(t, "x"); got != "second" {
		t.Errorf("after Commit the object holds %q", got)
	}
}

func testExclusive(t *testing.T, s suite) {
	s.put(t, "x", "first")
	if err := storage.WriteAll(t.Context(), s, "x", storage.Exclusive, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a taken name: %v, want fs.ErrExist", err)
	}
	if got := s.get(t, "x"); got != "first" {
		t.Errorf("the object holds %q", got)
	}
}

func testExclusiveLater(t *testing.T, s suite) {
	w := s.create(t, t.Context(), "x", storage.Exclusive, "second")
	s.put(t, "x", "first")
	if err := w.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Commit: %v, want fs.ErrExist", err)
	}
	if err := w.Abort(); err != nil {
		t.Errorf("Abort after a lost Commit: %v", err)
	}
	if got := s.get(t, "x"); got != "first" {
		t.Errorf("the object holds %q", got)
	}
	if diff := cmp.Diff([]string{"x"}, s.names(t, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

func testExclusiveAgain(t *testing.T, s suite) {
	s.put(t, "folder/x", "first")
	if err := s.Remove(t.Context(), "folder/x"); err != nil {
		t.Fatal(err)
	}
	if err := s.create(t, t.Context(), "folder/x", storage.Exclusive, "second").Commit(); err != nil {
		t.Fatal(err)
	}
	if got := s.get(t, "folder/x"); got != "second" {
		t.Errorf("the object holds %q", got)
	}
}

func testAbort(t *testing.T, s suite) {
	s.put(t, "kept", "old")
	for _, name := range []string{"new/folder/x", "kept"} {
		w := s.create(t, t.Context(), name, storage.Replace, "text")
		for range 2 {
			if err := w.Abort(); err != nil {
				t.Errorf("Abort of %s: %v", name, err)
			}
		}
		if err := w.Commit(); err == nil {
			t.Errorf("Commit of %s after Abort succeeded", name)
		}
	}
	if got := s.get(t, "kept"); got != "old" {
		t.Errorf("the object holds %q after an aborted replacement", got)
	}
	if diff := cmp.Diff([]string{"kept"}, s.names(t, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
	s.put(t, "new", "an object where the folder was")
}

func testAbortAfterCommit(t *testing.T, s suite) {
	w := s.create(t, t.Context(), "x", storage.Replace, "text")
	if err := errors.Join(w.Commit(), w.Abort()); err != nil {
		t.Fatal(err)
	}
	if got := s.get(t, "x"); got != "text" {
		t.Errorf("the object holds %q", got)
	}
}

func testEnded(t *testing.T, s suite) {
	w := s.create(t, t.Context(), "x", storage.Replace, "text")
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("more")); err == nil {
		t.Error("Write after Commit succeeded")
	}
	s.put(t, "x", "other")
	if err := w.Commit(); err == nil {
		t.Error("a second Commit succeeded")
	}
	if got := s.get(t, "x"); got != "other" {
		t.Errorf("the object holds %q", got)
	}
}

func testManyWrites(t *testing.T, s suite) {
	var want strings.Builder
	w := s.create(t, t.Context(), "x", storage.Exclusive, "")
	for i := range 2000 {
		piece := strings.Repeat(string(rune('a'+i%26)), i)
		want.WriteString(piece)
		if n, err := w.Write([]byte(piece)); n != i || err != nil {
			t.Fatalf("Write of %d bytes: %d, %v", i, n, err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if s.get(t, "x") != want.String() {
		t.Error("the object does not hold what was written")
	}
}

func testWriteReuse(t *testing.T, s suite) {
	p := []byte("first ")
	w, err := s.Create(t.Context(), "x", storage.Replace)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first ", "second"} {
		copy(p, text)
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	copy(p, "xxxxxx")
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := s.get(t, "x"); got != "first second" {
		t.Errorf("the object holds %q", got)
	}
}

func testNames(t *testing.T, s suite) {
	names := []string{
		"_SUCCESS", "a b/c  d", "a%20b", "a+b=c&d", "a..b", "a\\b", "price {version}.json.gz", "sterne*?[x]",
		"Ærø/größe", "香港/百佳", "🙂", "quote'\"", "~tilde", "100%", strings.Repeat("n", 200),
	}
	for _, name := range names {
		s.put(t, name, "of "+name)
	}
	if diff := cmp.Diff(len(names), len(s.names(t, ""))); diff != "" {
		t.Errorf("count of names (-want +got):\n%s", diff)
	}
	for _, name := range names {
		if got := s.get(t, name); got != "of "+name {
			t.Errorf("%s holds %q", name, got)
		}
		if got := s.names(t, name); len(got) != 1 || got[0] != name {
			t.Errorf("List(%q) yields %q", name, got)
		}
		if err := s.Remove(t.Context(), name); err != nil {
			t.Errorf("Remove(%q): %v", name, err)
		}
	}
	if got := s.names(t, ""); len(got) > 0 {
		t.Errorf("after all removals there is %q", got)
	}
}
