package realdata

import (
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
)

// loggedOffers is what a log of the given versions holds: of every price the
// last one, unless it is 300 or more.
func loggedOffers(t testing.TB, files map[string][]watched) map[string]row {
	t.Helper()
	hongKong := time.FixedZone("HKT", 8*60*60)
	tooDear := big.NewRat(300, 1)
	want, gone := map[string]row{}, map[string]bool{}
	for _, version := range slices.Backward(slices.Sorted(maps.Keys(files))) {
		seen, err := time.ParseInLocation("2006-01-02T1504", version, hongKong)
		if err != nil {
			t.Fatal(err)
		}
		day := time.Date(seen.Year(), seen.Month(), seen.Day(), 0, 0, 0, 0, time.UTC)
		for _, w := range files[version] {
			for _, p := range w.Prices {
				id := w.id(p.Seller)
				if want[id] != nil || gone[id] {
					continue
				}
				if rational(t, p.Price).Cmp(tooDear) >= 0 {
					gone[id] = true
					continue
				}
				want[id] = row{"id": id, "price": asDecimal(t, p.Price, 2), "day": day, "seen": seen.UTC(), "name": asText(w.Name["en"])}
			}
		}
	}
	return want
}

// The price watch as a log, its files coming in any order, two of them at a time
// now and then: whatever has come is what a replay gives, and a full run gives
// the same bytes. Then consumed files disappear, which changes nothing.
func TestPriceLog(t *testing.T) {
	dir := realData(t, "hk_pricewatch")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	deliveries := readWatchManifest(t, dir)
	if testing.Short() {
		deliveries = deliveries[:3]
	}
	data := t.TempDir()
	ws := loadWorkspace(t, filepath.Join("testdata", "pricelog"), map[string]string{"FEEDMILL_DATA": data})
	store := newStore(t)
	files := map[string][]watched{}
	compared, gone := 0, 0
	for left := r.Perm(len(deliveries)); len(left) > 0; {
		come := min(1+r.IntN(2), len(left))
		for _, i := range left[:come] {
			d := deliveries[i]
			deliver(t, dir, data, d.File+".gz")
			files[d.version()] = readWatch(t, filepath.Join(dir, d.File+".gz"))
		}
		left = left[come:]
		report := aggregateOnce(t, ws, store)
		schema, rows := readSnapshot(t, store, report.Snapshot)
		want := loggedOffers(t, files)
		compared, gone = compareOffers(t, schema, rows, want), everWatched(files)-len(want)
		if source := report.Sources["prices"]; source.Rejected != 0 || len(source.Versions) != len(files) {
			t.Errorf("%d deliveries: %+v", len(files), source)
		}
		whole := newStore(t)
		again := aggregateOnce(t, ws, whole, full)
		if diff := gocmp.Diff(objectsOf(t, whole, again.Snapshot), objectsOf(t, store, report.Snapshot)); diff != "" {
			t.Fatalf("after %v a full run has other bytes:\n%s", slices.Sorted(maps.Keys(files)), diff)
		}
	}
	for _, d := range deliveries[:3] {
		if err := os.Remove(filepath.Join(data, d.File+".gz")); err != nil {
			t.Fatal(err)
		}
	}
	report, err := tryAggregate(t, ws, store)
	if err != nil || report.Status != manifest.Unchanged {
		t.Errorf("without consumed files: %v, %+v", err, report)
	}
	if !testing.Short() {
		recordFigures(t, "Hong Kong price watch as a log", []string{
			"| offers ever seen | offers | taken out, at 300 dollars or more | values compared at the end |",
			"|--:|--:|--:|--:|",
			fmt.Sprintf("| %d | %d | %d | %d |", everWatched(files), everWatched(files)-gone, gone, compared),
		})
	}
}

// everWatched counts the ids that any of the files has.
func everWatched(files map[string][]watched) int {
	ids := map[string]bool{}
	for _, products := range files {
		for _, w := range products {
			for _, p := range w.Prices {
				ids[w.id(p.Seller)] = true
			}
		}
	}
	return len(ids)
}
