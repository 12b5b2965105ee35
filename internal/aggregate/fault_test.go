package aggregate

import (
	"context"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/storagetest"
)

const faultYAML = `
warehouse: ./warehouse
partitions: 2
sources:
  changes:
    path: data/log/{version}/*.jsonl
    format: jsonl
    keep: log
    key: row.id
    order: row.at
    rejects: 50%
    columns: {seller: string, price: int}
  sellers:
    path: data/sellers_{version}.csv
    format: csv
    key: row.code
    columns: {name: string}
offer:
  from: changes
  join:
    shop: {source: sellers, on: offer.seller}
`

// shopOfTwoDays has published its first day and received its second.
func shopOfTwoDays(t *testing.T) (s *shop, first string) {
	s = newShop(t, faultYAML)
	s.put("log/1/a.jsonl", `{"id":"a","at":1,"seller":"s","price":1}
{"id":"b","at":1,"seller":"s","price":2}
{"id":"c","at":1,"seller":"x","price":"?"}
`)
	s.put("sellers_1.csv", "code,name\ns,Smith\n")
	first = s.must("done").Snapshot
	s.put("log/2/a.jsonl", `{"id":"a","at":2,"seller":"s","price":7}
{"id":"d","at":2,"seller":"s","price":8}
{"id":"e","at":2,"seller":"s","price":"?"}
`)
	s.put("sellers_2.csv", "code,name\ns,Smith & Sons\n")
	return s, first
}

// Whichever storage operation fails, whether it happened all the same and
// whether the process died of it, the current snapshot is the old one or the new one, whole; and the next run
// publishes the new one.
func TestAnyOperationMayFail(t *testing.T) {
	done, _ := shopOfTwoDays(t)
	want := done.offers(done.must("done").Snapshot)
	step := 1
	if testing.Short() {
		step = 7 // the race detector needs only some
	}
	for _, plan := range []fault.Plan{{}, {After: true}, {Forever: true}} {
		n := 0
		for ; failOperation(t, n, plan, want); n += step {
		}
		if n < 50 {
			t.Errorf("%+v: only %d operations failed", plan, n)
		}
		t.Logf("%+v: every %d. of %d operations failed", plan, step, n)
	}
}

// failOperation fails the n-th operation of a run; false says that the run had
// fewer.
func failOperation(t *testing.T, n int, plan fault.Plan, want map[string]map[string]any) bool {
	s, first := shopOfTwoDays(t)
	before := s.offers(first)
	plan.At = n
	watched := &storagetest.Watched{Store: s.store}
	broken := fault.New(watched, plan)
	o := s.options()
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	o.Store, o.Alloc = broken, alloc
	_, err := Run(context.Background(), o)
	if writers, objects := watched.LeftOpen(); writers > 0 || objects > 0 {
		t.Errorf("after %v: %d writers and %d objects are still open", broken.Failure(), writers, objects)
	}
	alloc.AssertSize(t, 0)
	if !broken.Fired() {
		if err != nil {
			t.Fatalf("without a fault: %v", err)
		}
		return false
	}
	current, readErr := manifest.Current(context.Background(), s.store, snapshots)
	if readErr != nil {
		t.Fatalf("after %v: %v", broken.Failure(), readErr)
	}
	if err == nil && current.Run == first {
		t.Fatalf("after %v: the run succeeded and published nothing", broken.Failure())
	}
	seen := s.offers(current.Run)
	if current.Run == first && !cmp.Equal(before, seen) || current.Run != first && !cmp.Equal(want, seen) {
		t.Fatalf("after %v (%v): current shows %v", broken.Failure(), err, seen)
	}
	later := func(o *Options) { o.Now = func() time.Time { return time.Now().Add(time.Hour) } }
	report, err := s.aggregate(later)
	if err != nil {
		t.Fatalf("after %v: the next run: %v", broken.Failure(), err)
	}
	if diff := cmp.Diff(want, s.offers(report.Snapshot)); diff != "" {
		t.Fatalf("after %v: the next run gives %s", broken.Failure(), diff)
	}
	return true
}
