package synth

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

func write(t testing.TB, store storage.Store, o Options) *Report {
	t.Helper()
	report, err := Write(context.Background(), store, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// objects returns the contents of a store by name.
func objects(t testing.TB, store storage.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for info, err := range store.List(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := storage.ReadAll(context.Background(), store, info.Name)
		if err != nil {
			t.Fatal(err)
		}
		all[info.Name] = string(data)
	}
	return all
}

func differing(a, b map[string]string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if b[name] != a[name] {
			names = append(names, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// A catalogue may be of any size.
func TestFewOffers(t *testing.T) {
	for offers := range 12 {
		if offers > 0 {
			write(t, mem.New(), Options{Offers: offers, Seed: 1, Days: 2})
		}
	}
}

func TestSameBytesWhateverTheWorkers(t *testing.T) {
	one, many := mem.New(), mem.New()
	write(t, one, Options{Offers: 3000, Seed: 7, Days: 3, Workers: 1})
	write(t, many, Options{Offers: 3000, Seed: 7, Days: 3, Workers: 5})
	if d := differing(objects(t, one), objects(t, many)); d != nil {
		t.Errorf("objects that differ: %q", d)
	}
	other := mem.New()
	write(t, other, Options{Offers: 3000, Seed: 8, Days: 3})
	for _, name := range differing(objects(t, one), objects(t, other)) {
		if strings.HasPrefix(name, "offers/") {
			return
		}
	}
	t.Error("another seed gives the same offers")
}

// A wary store refuses to write what exists.
type wary struct {
	storage.Store
	t testing.TB
}

func (w wary) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	if o, err := w.Open(ctx, name); err == nil {
		w.t.Errorf("%s is written again", name)
		_ = o.Close()
	}
	return w.Store.Create(ctx, name, mode)
}

func TestMoreDaysLaterAddObjects(t *testing.T) {
	whole, grown := mem.New(), mem.New()
	all := write(t, whole, Options{Offers: 1500, Seed: 1, Days: 4})
	first := write(t, grown, Options{Offers: 1500, Seed: 1, Days: 1})
	second := write(t, wary{grown, t}, Options{Offers: 1500, Seed: 1, Days: 3})
	third := write(t, wary{grown, t}, Options{Offers: 1500, Seed: 1, From: 3, Days: 4})
	if d := differing(objects(t, whole), objects(t, grown)); d != nil {
		t.Errorf("objects that differ: %q", d)
	}
	if first.Kept != 0 || second.Kept != first.Objects || third.Kept != 1 {
		t.Errorf("kept %d, %d of %d, %d; want none, all, the categories", first.Kept, second.Kept, first.Objects, third.Kept)
	}
	sum := Report{
		Objects: first.Objects + second.Objects + third.Objects, Bytes: first.Bytes + second.Bytes + third.Bytes,
		Rows: first.Rows + second.Rows + third.Rows,
	}
	if diff := cmp.Diff(*all, sum); diff != "" {
		t.Errorf("reports (-at once +in steps):\n%s", diff)
	}
}

func TestWriteRefuses(t *testing.T) {
	store := mem.New()
	write(t, store, Options{Offers: 10, Seed: 1, Days: 1})
	before := objects(t, store)
	for want, o := range map[string]Options{
		"another market stands there: 10 offers, seed 1, from 2026-01-01; not 11 offers, seed 1, from 2026-01-01": {Offers: 11, Seed: 1, Days: 1},
		"offers 0: at least 1 is needed": {Days: 1},
		"days 0 to -1: there is none":    {Offers: 10, Seed: 1},
		"days 2 to 1: there is none":     {Offers: 10, Seed: 1, From: 2, Days: 2},
		"days 4000: at most 3650":        {Offers: 10, Seed: 1, Days: 4000},
	} {
		if _, err := Write(context.Background(), store, o); err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
	if d := differing(before, objects(t, store)); d != nil {
		t.Errorf("refused, but written: %q", d)
	}
}

// A full store fails to commit its n-th object.
type full struct {
	storage.Store
	name string
}

func (f full) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	if name == f.name {
		return nil, errors.New("disk full")
	}
	return f.Store.Create(ctx, name, mode)
}

func TestNoMarkerBeforeTheDelivery(t *testing.T) {
	store := mem.New()
	const part = "offers/2026-01-01/12/part-0000.parquet"
	_, err := Write(context.Background(), full{store, part}, Options{Offers: 10, Seed: 1, Days: 1})
	if err == nil || err.Error() != "write "+part+": disk full" {
		t.Errorf("error %v", err)
	}
	if _, err := store.Open(context.Background(), "offers/2026-01-01/12/_SUCCESS"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the marker of an incomplete delivery: %v", err)
	}
	write(t, store, Options{Offers: 10, Seed: 1, Days: 1})
	fresh := mem.New()
	write(t, fresh, Options{Offers: 10, Seed: 1, Days: 1})
	if d := differing(objects(t, fresh), objects(t, store)); d != nil {
		t.Errorf("after the second attempt these differ: %q", d)
	}
}

// BenchmarkWrite makes the whole of day 0, all sources included.
func BenchmarkWrite(b *testing.B) {
	const offers = 100_000
	b.ReportAllocs()
	for b.Loop() {
		write(b, local.New(b.TempDir()), Options{Offers: offers, Seed: 1, Days: 1})
	}
	b.ReportMetric(offers*float64(b.N)/b.Elapsed().Seconds(), "offers/s")
}

// BenchmarkLog makes the rows of day 0 alone, on one core.
func BenchmarkLog(b *testing.B) {
	const offers = 50_000
	m, err := New(Options{Offers: offers, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	rows, bytes := int64(0), int64(0)
	for b.Loop() {
		rows, bytes = 0, 0
		for slot := range slotsPerDay {
			out := counter{w: io.Discard}
			n, err := m.writeLog(context.Background(), &out, slice{slot, 0, offers})
			if err != nil {
				b.Fatal(err)
			}
			rows += n
			bytes += out.n
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(rows)/offers, "rows/offer")
	b.ReportMetric(float64(bytes)/float64(rows), "bytes/row")
}
