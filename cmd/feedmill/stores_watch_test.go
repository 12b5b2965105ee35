package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
)

// watched is how many deliveries of the price watch arrive.
const watched = 3

// Deliveries of the Hong Kong price watch arrive one by one on a store, which the
// warehouse is on too: each makes the bytes that it makes on local disks.
func watchPrices(t *testing.T, r *remote, _ *victim) {
	root := os.Getenv("FEEDMILL_REAL_DATA")
	if root == "" {
		t.Skip("FEEDMILL_REAL_DATA does not name the folder with the real catalogues")
	}
	deliveries, err := filepath.Glob(filepath.Join(root, "hk_pricewatch", "pricewatch_*.json.gz"))
	if err != nil || len(deliveries) < watched {
		t.Fatalf("%d deliveries in %s (%v)", len(deliveries), root, err)
	}
	slices.Sort(deliveries)
	const file = "../../internal/realdata/testdata/pricewatch/feedmill.yaml"
	dir := t.TempDir()
	here := newShopOf(t, file, filepath.Join(dir, "warehouse"), filepath.Join(dir, "data"), "")
	here.warehouse = local.New(here.url)
	there := newShopOf(t, file, r.base+"/watch/warehouse", r.base+"/watch/data", r.settings, r.env...)
	there.warehouse = r.open(t, there.url)
	data := []storage.Store{local.New(here.data), r.open(t, there.data)}
	for i, path := range deliveries[:watched] {
		delivery, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, store := range data {
			if err := storage.WriteAll(t.Context(), store, filepath.Base(path), storage.Exclusive, delivery); err != nil {
				t.Fatal(err)
			}
		}
		here.must("aggregate")
		there.must("aggregate")
		want := here.artefacts()
		compareBytes(t, filepath.Base(path), want, there.artefacts())
		partitions := 0
		for name := range want {
			if strings.HasPrefix(name, "snapshots/") {
				partitions++
			}
		}
		t.Logf("delivery %d: %d objects, %d of snapshots", i+1, len(want), partitions)
		if partitions < 4 {
			t.Errorf("the snapshots have %d partitions", partitions)
		}
	}
}
