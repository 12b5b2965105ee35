package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
)

var large = []test{
	{"a large object", testLarge},
	{"of exclusive writers of large objects one wins", testLargeRace},
	{"Abort of a large object leaves nothing", testLargeAbort},
	{"what a writer left can be discarded", testLeftover},
	{"a cancelled writer of a large object ends soon", testCancelledWriter},
}

// largeSize is more than a driver sends at once.
const largeSize = 12<<20 + 345

// patience is how long an operation whose context has ended may take.
const patience = 2 * time.Second

// noise is bytes that no compression or mix-up of blocks would leave as they are.
func noise(seed byte) []byte {
	data := make([]byte, largeSize)
	rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

func testLarge(t *testing.T, s suite) {
	for _, mode := range []storage.Mode{storage.Replace, storage.Exclusive} {
		name, want := fmt.Sprintf("large/%d", mode), noise(byte(mode))
		w := s.create(t, t.Context(), name, mode, "")
		for rest, n := want, 1; len(rest) > 0; n = n*3 + 1 {
			n = min(n%(1<<20), len(rest))
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if got := s.names(t, name); len(got) > 0 {
			t.Errorf("listed before Commit: %q", got)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		s.checkLarge(t, name, want)
	}
	if err := storage.WriteAll(t.Context(), s, "large/0", storage.Exclusive, noise(9)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a taken name: %v, want fs.ErrExist", err)
	}
	s.checkLarge(t, "large/0", noise(0))
}

func (s suite) checkLarge(t *testing.T, name string, want []byte) {
	t.Helper()
	object, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	got, err := io.ReadAll(io.NewSectionReader(object, 0, object.Size()))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: read %d bytes (%v), want %d, equal is %v", name, len(got), err, len(want), bytes.Equal(got, want))
	}
	for _, offset := range []int{0, 1, 5<<20 - 1, 5 << 20, 11 << 20, largeSize - 10} {
		p := make([]byte, min(2<<20, largeSize-offset))
		if _, err := object.ReadAt(p, int64(offset)); err != nil && err != io.EOF || !bytes.Equal(p, want[offset:offset+len(p)]) {
			t.Errorf("%s: other bytes at %d (%v)", name, offset, err)
		}
	}
}

func testLargeRace(t *testing.T, s suite) {
	var won atomic.Int64
	var winner [sha256.Size]byte
	parallel(4, func(worker int) {
		data := noise(byte(worker))
		err := storage.WriteAll(t.Context(), s, "race", storage.Exclusive, data)
		if err == nil {
			won.Add(1)
			winner = sha256.Sum256(data)
		} else if !errors.Is(err, fs.ErrExist) {
			t.Errorf("writer %d: %v", worker, err)
		}
	})
	if won.Load() != 1 {
		t.Fatalf("%d winners", won.Load())
	}
	if got := sha256.Sum256([]byte(s.get(t, "race"))); got != winner {
		t.Error("the object is not the winner's")
	}
	s.checkNothingLeft(t)
}

func testLargeAbort(t *testing.T, s suite) {
	w := s.create(t, t.Context(), "x", storage.Exclusive, string(noise(1)))
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{}, s.names(t, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
	s.checkNothingLeft(t)
}

func (s suite) leftovers(t *testing.T) []storage.Leftover {
	t.Helper()
	var out []storage.Leftover
	for left, err := range storage.Leftovers(t.Context(), s.Store, "") {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, left)
	}
	return out
}

func (s suite) checkNothingLeft(t *testing.T) {
	t.Helper()
	if left := s.leftovers(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// settledLeftovers waits until most of what was written of a large object is there:
// a part that is still under way while others are discarded may bring them back.
func (s suite) settledLeftovers(t *testing.T) []storage.Leftover {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		left, size := s.leftovers(t), int64(0)
		for _, l := range left {
			size += l.Size
		}
		if len(left) == 0 || size > largeSize/2 || time.Now().After(deadline) {
			return left
		}
	}
}

// testLeftover is of stores in which a writer that dies leaves something.
func testLeftover(t *testing.T, s suite) {
	w := s.create(t, t.Context(), "run/x", storage.Replace, string(noise(1)))
	for _, left := range s.settledLeftovers(t) {
		if age := time.Since(left.ModTime); age < -time.Minute || age > time.Minute {
			t.Errorf("%s is from %v, which is not about now", left.Name, left.ModTime)
		}
		if err := left.Discard(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err == nil {
			t.Error("what was discarded was committed")
		}
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	s.checkNothingLeft(t)
	if diff := cmp.Diff([]string{}, s.names(t, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

func testCancelledWriter(t *testing.T, s suite) {
	ctx, cancel := context.WithCancel(t.Context())
	w, err := s.Create(ctx, "x", storage.Replace)
	if err != nil {
		t.Fatal(err)
	}
	data := noise(1)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	cancel()
	begin := time.Now()
	_, written := w.Write(data)
	committed, aborted := w.Commit(), w.Abort()
	if took := time.Since(begin); took > patience {
		t.Errorf("it took %v to end", took)
	}
	if !errors.Is(written, context.Canceled) || !errors.Is(committed, context.Canceled) || aborted != nil {
		t.Errorf("Write: %v, Commit: %v, Abort: %v", written, committed, aborted)
	}
	if diff := cmp.Diff([]string{}, s.names(t, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
	s.checkNothingLeft(t)
}
