package hdfs_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
)

// noise is bytes of several blocks of the cluster.
func noise(seed byte, size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

const large = 40 << 20

func put(t *testing.T, store storage.Store, name string, mode storage.Mode, data []byte) {
	t.Helper()
	if err := storage.WriteAll(t.Context(), store, name, mode, data); err != nil {
		t.Fatal(err)
	}
}

func checkWhole(t *testing.T, store storage.Store, name string, want []byte) {
	t.Helper()
	got, err := storage.ReadAll(t.Context(), store, name)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s has %d bytes, want %d (%v)", name, len(got), len(want), err)
	}
}

// What dies or freezes while a store is used, one after the other on one cluster:
// it goes on, and every object is whole.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("kills and restarts of a cluster: not with -short")
	}
	cluster := services.Run(t, services.StartHDFS)
	store := dial(t, cluster, "faults")
	first, second := noise(1, large), noise(2, large)
	put(t, store, "read", storage.Replace, first)

	object, err := store.Open(t.Context(), "read")
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	head := make([]byte, 3<<20)
	if _, err := object.ReadAt(head, 0); err != nil {
		t.Fatal(err)
	}
	if err := cluster.DataNodes[0].Kill(); err != nil {
		t.Fatal(err)
	}
	for from := int64(0); from < large; from += int64(len(head)) {
		n, err := object.ReadAt(head[:min(int64(len(head)), large-from)], from)
		if err != nil || !bytes.Equal(head[:n], first[from:from+int64(n)]) {
			t.Fatalf("a DataNode was killed: read of %d: %v", from, err)
		}
	}
	put(t, store, "written", storage.Exclusive, second) // the NameNode still takes the dead node for alive
	checkWhole(t, store, "written", second)
	if err := cluster.DataNodes[0].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready(t, cluster)

	if err := cluster.NameNode.Kill(); err != nil {
		t.Fatal(err)
	}
	restarted := make(chan error, 1)
	go func() { restarted <- cluster.NameNode.Restart(context.WithoutCancel(t.Context())) }()
	put(t, store, "meanwhile", storage.Replace, first)
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
	checkWhole(t, store, "meanwhile", first)
	ready(t, cluster)

	frozen(t, cluster, store)
	checkWhole(t, store, "read", first)
	put(t, store, "after", storage.Exclusive, second)
	if err := storage.WriteAll(t.Context(), store, "after", storage.Exclusive, first); err == nil {
		t.Error("a taken name was taken again")
	}
	discardLeft(t, store)
}

// discardLeft discards what the write left that was given up.
func discardLeft(t *testing.T, store storage.Store) {
	t.Helper()
	for range 2 {
		for left, err := range storage.Leftovers(t.Context(), store, "") {
			if err != nil || left.Name != "x" {
				t.Fatalf("left: %+v, %v", left, err)
			}
			if err := left.Discard(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for left, err := range storage.Leftovers(t.Context(), store, "") {
		t.Errorf("left after all was discarded: %+v, %v", left, err)
	}
}

func ready(t *testing.T, cluster *services.HDFS) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := cluster.WaitReady(ctx, len(cluster.DataNodes)); err != nil {
		t.Fatal(err)
	}
}

// frozen stops the NameNode: every operation ends with its context.
func frozen(t *testing.T, cluster *services.HDFS, store storage.Store) {
	t.Helper()
	if err := cluster.NameNode.Freeze(); err != nil {
		t.Fatal(err)
	}
	for what, do := range map[string]func(context.Context) error{
		"open": func(ctx context.Context) error { _, err := store.Open(ctx, "read"); return err },
		"write": func(ctx context.Context) error {
			return storage.WriteAll(ctx, store, "x", storage.Replace, []byte("x"))
		},
		"remove": func(ctx context.Context) error { return store.Remove(ctx, "read") },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		begin := time.Now()
		err := do(ctx)
		if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took > 3*time.Second {
			t.Errorf("%s of a frozen NameNode: %v after %s", what, err, took)
		}
		cancel()
	}
	if err := cluster.NameNode.Thaw(); err != nil {
		t.Fatal(err)
	}
	put(t, store, "read", storage.Replace, noise(1, large)) // the remove may have been carried out
}
