package part

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// Writers at one workbench, side by side and one after the other, also behind one that
// was given up, write the bytes that each writes at its own, however many compressors
// the workshop has beside.
func TestWorkbench(t *testing.T) {
	for compressors := range 4 {
		t.Run(fmt.Sprint(1+compressors), func(t *testing.T) { testWorkshop(t, NewWorkshop(1+compressors)) })
	}
}

func testWorkshop(t *testing.T, shop *Workshop) {
	random, store := rand.New(rand.NewPCG(3, 1)), mem.New()
	for round := range 5 {
		bench := shop.Workbench()
		catalogues := []catalogue{randomCatalogue(random, 3, 300), randomCatalogue(random, 7, 200), randomCatalogue(random, 2, 400)}
		writers := make([]*Writer, len(catalogues))
		for k, c := range catalogues {
			writers[k] = begin(t, store, fmt.Sprintf("shared-%d-%d", round, k), c, bench)
		}
		for i := range 400 {
			for k, c := range catalogues {
				if i < len(c.items) {
					if err := writers[k].Add(c.members[i], []byte(c.items[i])); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := writers[round%2].Abort(); err != nil {
			t.Fatal(err)
		}
		for k, c := range catalogues {
			if k == round%2 {
				continue
			}
			if _, err := writers[k].Commit(); err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("shared-%d-%d", round, k)
			c.writeWith(t, store, "alone", small, NewWorkshop(1).Workbench())
			if !bytes.Equal(bytesOf(t, store, name), bytesOf(t, store, "alone")) {
				t.Errorf("%s has other bytes than alone", name)
			}
		}
		bench.Close()
	}
	for range cap(shop.idle) {
		<-shop.idle // all come back
	}
	if len(shop.memories) != 1 {
		t.Errorf("there are %d memories, want 1", len(shop.memories))
	}
}

func begin(t *testing.T, store storage.Store, name string, c catalogue, bench *Workbench) *Writer {
	t.Helper()
	w, err := Create(t.Context(), store, name, Head{"google-1a2b", 3, 8, c.feeds}, small, bench)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func bytesOf(t *testing.T, store storage.Store, name string) []byte {
	t.Helper()
	data, err := storage.ReadAll(t.Context(), store, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
