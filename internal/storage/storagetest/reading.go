package storagetest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
)

var reading = []test{
	{"a missing object is fs.ErrNotExist", testMissing},
	{"names that cannot be objects are refused", testBadNames},
	{"ReadAt follows io.ReaderAt", testReadAt},
	{"ReadAt is safe for concurrent use", testReadAtConcurrently},
	{"an empty object", testEmpty},
	{"who reads a replaced or removed object sees nothing else", testReplacedReader},
}

func testMissing(t *testing.T, s suite) {
	s.put(t, "a/b/c", "x")
	for _, name := range []string{"nothing", "a", "a/b", "a/b/d", "a/b/c/d", "a/b/cc"} {
		if _, err := s.Open(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open(%q): %v, want fs.ErrNotExist", name, err)
		}
		if err := s.Remove(t.Context(), name); err != nil {
			t.Errorf("Remove(%q): %v, want nil", name, err)
		}
	}
	if got := s.get(t, "a/b/c"); got != "x" {
		t.Errorf("a/b/c holds %q after the removals", got)
	}
}

func testBadNames(t *testing.T, s suite) {
	for _, name := range []string{"", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", ".", "./a", ".a", "a/.b", "a\x00b"} {
		if _, err := s.Open(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Open(%q): %v, want fs.ErrInvalid", name, err)
		}
		if _, err := s.Create(t.Context(), name, storage.Replace); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Create(%q): %v, want fs.ErrInvalid", name, err)
		}
		if err := s.Remove(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Remove(%q): %v, want fs.ErrInvalid", name, err)
		}
	}
}

func testReadAt(t *testing.T, s suite) {
	const text = "0123456789"
	s.put(t, "digits", text)
	object, err := s.Open(t.Context(), "digits")
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	if object.Size() != int64(len(text)) {
		t.Errorf("Size() = %d, want %d", object.Size(), len(text))
	}
	for offset := 0; offset <= len(text)+1; offset++ {
		for length := 1; length <= len(text)+1; length++ {
			checkReadAt(t, object, text, offset, length)
		}
	}
}

func checkReadAt(t *testing.T, object storage.Object, text string, offset, length int) {
	t.Helper()
	want := text[min(offset, len(text)):min(offset+length, len(text))]
	p := make([]byte, length)
	n, err := object.ReadAt(p, int64(offset))
	if got := string(p[:n]); got != want {
		t.Errorf("ReadAt(%d bytes at %d) = %q, want %q", length, offset, got, want)
	}
	if n < length && err != io.EOF {
		t.Errorf("ReadAt(%d bytes at %d): %v after %d bytes, want io.EOF", length, offset, err, n)
	}
	if n == length && err != nil && err != io.EOF {
		t.Errorf("ReadAt(%d bytes at %d): %v", length, offset, err)
	}
}

func testReadAtConcurrently(t *testing.T, s suite) {
	data := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{7}).Read(data)
	s.put(t, "random", string(data))
	object, err := s.Open(t.Context(), "random")
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 50 {
				offset := random.IntN(len(data))
				p := make([]byte, random.IntN(len(data)-offset)+1)
				if _, err := object.ReadAt(p, int64(offset)); err != nil && err != io.EOF {
					t.Errorf("ReadAt: %v", err)
				}
				if !bytes.Equal(p, data[offset:offset+len(p)]) {
					t.Errorf("ReadAt(%d bytes at %d) returned other bytes", len(p), offset)
				}
			}
		})
	}
	group.Wait()
}

func testEmpty(t *testing.T, s suite) {
	w, err := s.Create(t.Context(), "empty", storage.Replace)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := s.get(t, "empty"); got != "" {
		t.Errorf("an empty object holds %q", got)
	}
	if diff := cmp.Diff([]string{"empty"}, s.names(t, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

// testReplacedReader lets a reader fail, but not see other bytes.
func testReplacedReader(t *testing.T, s suite) {
	before := strings.Repeat("before ", 100_000)
	for i, got := range s.readReplaced(t, before) {
		if got.err == nil && got.text != before || !strings.HasPrefix(before, got.text) {
			t.Errorf("change %d: the reader saw %.20q, %d bytes (%v)", i, got.text, len(got.text), got.err)
		}
	}
}

// ReadsOn tests the stores that open returns for more than the port promises:
// who has opened an object reads it to its end, also when it is replaced or
// removed.
func ReadsOn(t *testing.T, open func(t *testing.T) storage.Store) {
	before := strings.Repeat("before ", 100_000)
	for i, got := range (suite{open(t)}).readReplaced(t, before) {
		if got.err != nil || got.text != before {
			t.Errorf("change %d: the reader saw %.20q, %d bytes (%v)", i, got.text, len(got.text), got.err)
		}
	}
}

type seen struct {
	text string
	err  error
}

// readReplaced opens an object, replaces or removes it, and reads.
func (s suite) readReplaced(t *testing.T, before string) (out []seen) {
	t.Helper()
	for _, change := range []func(){
		func() { s.put(t, "x", strings.Repeat("after!!", 100_000)) },
		func() { s.put(t, "x", "after") },
		func() { _ = s.Remove(t.Context(), "x") },
	} {
		s.put(t, "x", before)
		object, err := s.Open(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		change()
		data, err := io.ReadAll(io.NewSectionReader(object, 0, object.Size()))
		out = append(out, seen{string(data), errors.Join(err, object.Close())})
	}
	return out
}
