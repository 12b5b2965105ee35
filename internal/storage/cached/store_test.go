package cached

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"path"
	"sync"
	"testing"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/storage/storagetest"
)

func isPart(name string) bool { return path.Ext(name) == ".part" }

func newStore(t *testing.T, inner storage.Store, bytes int64) *Store {
	t.Helper()
	store, err := New(inner, bytes, isPart)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStore(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return newStore(t, mem.New(), 8<<20) })
}

func noise(size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(data)
	return data
}

// counted is a store of one object that counts what is asked of it.
func counted(t *testing.T, data []byte) *fault.Store {
	t.Helper()
	inner := mem.New()
	if err := storage.WriteAll(t.Context(), inner, "x.part", storage.Replace, data); err != nil {
		t.Fatal(err)
	}
	return fault.New(inner, fault.Plan{At: -1})
}

func TestSecondReadAsksNothing(t *testing.T) {
	for _, size := range []int{0, 1, BlockSize - 1, BlockSize, BlockSize + 1, 5*BlockSize + 17} {
		want := noise(size)
		inner := counted(t, want)
		store := newStore(t, inner, 16<<20)
		asked := 0
		for round := range 3 {
			got, err := storage.ReadAll(t.Context(), store, "x.part")
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: read %d (%v)", size, len(got), err)
			}
			if round > 0 && inner.Operations() != asked {
				t.Errorf("%d bytes: round %d asked %d times more", size, round, inner.Operations()-asked)
			}
			asked = inner.Operations()
		}
		if blocks := (size + BlockSize - 1) / BlockSize; asked != 1+blocks {
			t.Errorf("%d bytes: asked %d times for %d blocks", size, asked, blocks)
		}
		if reads, bytes := store.Reads(); reads != int64(asked) || bytes != int64(size) {
			t.Errorf("%d bytes: it counts %d reads and %d bytes, the store %d reads", size, reads, bytes, asked)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const room = 4 * BlockSize
	want := noise(40 * BlockSize)
	store := newStore(t, counted(t, want), room)
	object, err := store.Open(t.Context(), "x.part")
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 60 {
				offset := random.IntN(len(want))
				p := make([]byte, 1+random.IntN(3*BlockSize))
				n, err := object.ReadAt(p, int64(offset))
				if !bytes.Equal(p[:n], want[offset:min(len(want), offset+len(p))]) || n < len(p) && err != io.EOF {
					t.Errorf("%d bytes at %d: %d bytes, %v", len(p), offset, n, err)
				}
			}
		})
	}
	group.Wait()
	store.blocks.CleanUp()
	if held := store.blocks.WeightedSize(); held > room {
		t.Errorf("it holds %d bytes, more than %d", held, room)
	}
}

// A read that fails is not kept, and one that its reader gave up is no failure
// of others.
func TestFailuresAreNotKept(t *testing.T) {
	want := noise(3 * BlockSize)
	inner := counted(t, want)
	store := newStore(t, fault.New(inner, fault.Plan{At: 2}), 16<<20)
	if _, err := storage.ReadAll(t.Context(), store, "x.part"); err == nil {
		t.Error("the failure was not told")
	}
	ctx, cancel := context.WithCancel(t.Context())
	object, err := store.Open(ctx, "x.part")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := object.ReadAt(make([]byte, 1), 2*BlockSize); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader that gave up: %v", err)
	}
	got, err := storage.ReadAll(t.Context(), store, "x.part")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes (%v)", len(got), err)
	}
}
