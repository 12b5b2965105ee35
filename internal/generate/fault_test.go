package generate

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// copied returns a store with the objects of another.
func copied(t testing.TB, from storage.Store) storage.Store {
	t.Helper()
	ctx := context.Background()
	to := mem.New()
	for info, err := range from.List(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := storage.ReadAll(ctx, from, info.Name)
		if err == nil {
			err = storage.WriteAll(ctx, to, info.Name, storage.Replace, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// published exports all feeds.
func published(t *testing.T, store storage.Store, feeds []string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, name := range feeds {
		docs, err := export(store, name)
		if err != nil {
			t.Fatalf("export %s: %v", name, err)
		}
		out[name] = docs
	}
	return out
}

// A trial is a market of two days, of which the first is published.
type trial struct {
	m           *market
	feeds       []string
	old, wanted map[string][]string
}

func newTrial(t *testing.T) *trial {
	t.Helper()
	m := newMarketOf(t, strings.Replace(settings, "partitions: 4", "partitions: 2", 1), strings.Split(threeFeeds, "---")[1]+choosing)
	rows := randomRows(rand.New(rand.NewPCG(1, 2)), 60)
	m.aggregate(rows[:50])
	at := m.clock
	m.generate("done", func(o *Options) { o.At = at })
	m.aggregate(rows)
	tr := &trial{m: m, feeds: []string{"everything", "best", "best-two", "top"}}
	tr.old = published(t, m.store, tr.feeds)
	after := copied(t, m.store)
	if _, err := Run(context.Background(), tr.options(after)); err != nil {
		t.Fatal(err)
	}
	tr.wanted = published(t, after, tr.feeds)
	if cmp.Equal(tr.old, tr.wanted) {
		t.Fatal("the second day changes nothing")
	}
	return tr
}

// options are the same in each attempt, but for its time.
func (tr *trial) options(store storage.Store) Options {
	o := tr.m.options()
	o.Store, o.Workers = store, 1
	o.At = time.Date(2026, 1, 2, 3, 7, 0, 0, time.UTC)
	return o
}

// Whichever storage operation fails, whether it happened all the same and
// whether the process died of it, the published feeds are the old ones or the
// new ones, whole; and the next run publishes the new ones.
func TestAnyOperationMayFail(t *testing.T) {
	tr := newTrial(t)
	for _, plan := range []fault.Plan{{}, {After: true}, {Forever: true}} {
		n := 0
		for ; tr.fail(t, n, plan); n += stride() {
		}
		if n < 50 {
			t.Errorf("%+v: only %d operations failed", plan, n)
		}
		t.Logf("%+v: %d operations failed", plan, n)
	}
}

// stride is between the operations that fail.
func stride() int {
	if testing.Short() {
		return 7
	}
	return 1
}

// fail fails the n-th operation of a run; false says that the run had fewer.
func (tr *trial) fail(t *testing.T, n int, plan fault.Plan) bool {
	t.Helper()
	store := copied(t, tr.m.store)
	plan.At = n
	broken := fault.New(store, plan)
	_, err := Run(context.Background(), tr.options(broken))
	if !broken.Fired() {
		if err != nil {
			t.Fatalf("without a fault: %v", err)
		}
		return false
	}
	seen := published(t, store, tr.feeds)
	isNew := cmp.Equal(tr.wanted, seen)
	if !isNew && (err == nil || !cmp.Equal(tr.old, seen)) {
		t.Fatalf("after %v (%v): neither the old feeds nor the new ones", broken.Failure(), err)
	}
	again := tr.options(store)
	again.Now = func() time.Time { return tr.m.clock.Add(time.Hour) }
	if _, err := Run(context.Background(), again); err != nil {
		t.Fatalf("after %v: the next run: %v", broken.Failure(), err)
	}
	if diff := cmp.Diff(tr.wanted, published(t, store, tr.feeds)); diff != "" {
		t.Fatalf("after %v: the next run gives %s", broken.Failure(), diff)
	}
	return true
}
