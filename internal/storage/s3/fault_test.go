package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/s3"
)

// A network is a server, a store that reaches it through a proxy, and one that
// reaches it directly.
type network struct {
	server  *services.S3
	proxy   *services.Proxy
	through *s3.Store
	direct  *s3.Store
}

func newNetwork(t *testing.T, stall time.Duration) *network {
	t.Helper()
	n := &network{server: services.Run(t, services.StartS3)}
	n.proxy = services.NewProxy(t, n.server.Address)
	s := settings(n.server)
	n.direct = dial(t, n.server, s, "faults")
	s.Endpoint, s.Stall = "http://"+n.proxy.Address, stall
	n.through = dial(t, n.server, s, "faults")
	return n
}

func noise(size int, seed byte) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

func put(t *testing.T, store storage.Store, name string, mode storage.Mode, data []byte) {
	t.Helper()
	if err := storage.WriteAll(t.Context(), store, name, mode, data); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, store storage.Store, name string, want []byte) {
	t.Helper()
	got, err := storage.ReadAll(t.Context(), store, name)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s holds %d bytes (%v), want %d, equal is %v", name, len(got), err, len(want), bytes.Equal(got, want))
	}
}

// The sizes are one PUT and several parts.
var sizes = map[string]int{"small": 100 << 10, "large": 12 << 20}

func TestSlowNetwork(t *testing.T) {
	n := newNetwork(t, 0)
	n.proxy.Delay(50 * time.Millisecond)
	for name, size := range sizes {
		put(t, n.through, name, storage.Exclusive, noise(size, 1))
		holds(t, n.through, name, noise(size, 1))
	}
}

// Every connection ends after a megabyte of answers: a read goes on where it was.
func TestCutReadIsResumed(t *testing.T) {
	n := newNetwork(t, 0)
	want := noise(sizes["large"], 1)
	put(t, n.direct, "x", storage.Replace, want)
	n.proxy.CutAnswers(1 << 20)
	holds(t, n.through, "x", want)
}

// Requests are cut in the middle for a while: readers see the old object until
// the new one is complete.
func TestCutWriteIsRepeated(t *testing.T) {
	n := newNetwork(t, 0)
	for name, size := range sizes {
		put(t, n.direct, name, storage.Replace, noise(size, 1))
		n.proxy.CutRequests(int64(size / 4))
		heal := time.AfterFunc(700*time.Millisecond, n.proxy.Heal)
		holds(t, n.direct, name, noise(size, 1))
		put(t, n.through, name, storage.Replace, noise(size, 2))
		heal.Stop()
		holds(t, n.direct, name, noise(size, 2))
	}
	checkNoUploads(t, n.direct)
}

// A network that never mends is an error, and the old object stays.
func TestCutForEver(t *testing.T) {
	n := newNetwork(t, 0)
	put(t, n.direct, "x", storage.Replace, noise(sizes["large"], 1))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	n.proxy.CutRequests(1 << 20)
	begin := time.Now()
	err := storage.WriteAll(ctx, n.through, "x", storage.Replace, noise(sizes["large"], 2))
	if took := time.Since(begin); err == nil || took > 4*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	n.proxy.Heal()
	holds(t, n.through, "x", noise(sizes["large"], 1))
}

// The answer of an exclusive create is lost after it was carried out: the writer
// learns that it has won. One that has lost learns that.
func TestLostAnswers(t *testing.T) {
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, 0)
			put(t, n.direct, "taken", storage.Exclusive, noise(size, 1))
			for object, want := range map[string]error{"free": nil, "taken": fs.ErrExist} {
				w, err := n.through.Create(t.Context(), object, storage.Exclusive)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(noise(size, 2)); err != nil {
					t.Fatal(err)
				}
				n.proxy.CutAnswers(0)
				heal := time.AfterFunc(700*time.Millisecond, n.proxy.Heal)
				if err := w.Commit(); !errors.Is(err, want) {
					t.Errorf("Commit of %s: %v, want %v", object, err, want)
				}
				heal.Stop()
				n.proxy.Heal()
			}
			holds(t, n.direct, "free", noise(size, 2))
			holds(t, n.direct, "taken", noise(size, 1))
			checkNoUploads(t, n.direct)
		})
	}
}

func checkNoUploads(t *testing.T, store storage.Store) {
	t.Helper()
	for left, err := range storage.Leftovers(t.Context(), store, "") {
		t.Errorf("left: %s (%v)", left.Name, err)
	}
}

// Nothing arrives and nothing comes back: a caller that gives up is obeyed soon.
func TestBlackHoleIsLeft(t *testing.T) {
	n := newNetwork(t, 0)
	put(t, n.direct, "x", storage.Replace, noise(1<<20, 1))
	for what, do := range map[string]func(context.Context) error{
		"open":   func(ctx context.Context) error { _, err := n.through.Open(ctx, "x"); return err },
		"remove": func(ctx context.Context) error { return n.through.Remove(ctx, "x") },
		"small": func(ctx context.Context) error {
			return storage.WriteAll(ctx, n.through, "x", storage.Replace, noise(10, 2))
		},
		"large": func(ctx context.Context) error {
			return storage.WriteAll(ctx, n.through, "x", storage.Replace, noise(sizes["large"], 2))
		},
		"list": func(ctx context.Context) error {
			for _, err := range n.through.List(ctx, "") {
				return err
			}
			return nil
		},
	} {
		n.proxy.Swallow()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(200*time.Millisecond, cancel)
		begin := time.Now()
		err := do(ctx)
		if took := time.Since(begin); !errors.Is(err, context.Canceled) || took > 2*time.Second {
			t.Errorf("%s: %v after %v", what, err, took)
		}
		cancel()
		n.proxy.Heal()
		holds(t, n.direct, "x", noise(1<<20, 1))
	}
}

// A connection that says nothing is given up after the stall time, and another
// is tried.
func TestBlackHoleEnds(t *testing.T) {
	n := newNetwork(t, 300*time.Millisecond)
	n.proxy.Swallow()
	time.AfterFunc(500*time.Millisecond, n.proxy.Heal)
	put(t, n.through, "x", storage.Exclusive, noise(1<<20, 1))
	holds(t, n.through, "x", noise(1<<20, 1))
}

// The server dies in the middle of a write and comes back: the write succeeds.
func TestServerRestartsInWrite(t *testing.T) {
	n := newNetwork(t, 0)
	for name, size := range sizes {
		put(t, n.direct, name, storage.Replace, noise(size, 1))
		w, err := n.through.Create(t.Context(), name, storage.Replace)
		if err != nil {
			t.Fatal(err)
		}
		data := noise(size, 2)
		if _, err := w.Write(data[:size/2]); err != nil {
			t.Fatal(err)
		}
		n.kill(t)
		restarted := make(chan error, 1)
		time.AfterFunc(500*time.Millisecond, func() { restarted <- n.server.Restart(context.Background()) })
		_, err = w.Write(data[size/2:])
		if err := errors.Join(err, w.Commit(), <-restarted); err != nil {
			t.Fatal(err)
		}
		holds(t, n.direct, name, data)
	}
}

// The server dies in the middle of a write, and so does the writer: the old
// object is there when the server is back, and what was begun can be discarded.
func TestServerAndWriterDie(t *testing.T) {
	n := newNetwork(t, 0)
	size := sizes["large"]
	put(t, n.direct, "x", storage.Replace, noise(size, 1))
	ctx, cancel := context.WithCancel(t.Context())
	w, err := n.through.Create(ctx, "x", storage.Replace)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(noise(size, 2)); err != nil {
		t.Fatal(err)
	}
	n.kill(t)
	cancel()
	if err := w.Commit(); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v", err)
	}
	if err := n.server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	holds(t, n.direct, "x", noise(size, 1))
	discarded := 0
	for left, err := range n.direct.Leftovers(t.Context(), "") {
		if err := errors.Join(err, left.Discard(t.Context())); err != nil {
			t.Fatal(err)
		}
		discarded++
	}
	if discarded != 1 {
		t.Errorf("%d uploads were left, want the one that was begun", discarded)
	}
	checkNoUploads(t, n.direct)
}

func (n *network) kill(t *testing.T) {
	t.Helper()
	if err := n.server.Kill(); err != nil {
		t.Fatal(err)
	}
}
