package manifest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// A clock is a host's.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) options(owner string) manifest.LeaseOptions {
	return manifest.LeaseOptions{Owner: owner, TTL: 2 * time.Minute, Now: c.Now}
}

func acquire(t *testing.T, store storage.Store, options manifest.LeaseOptions) *manifest.Lease {
	t.Helper()
	lease, err := manifest.Acquire(t.Context(), store, "aggregate", options)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func wantBusy(t *testing.T, store storage.Store, options manifest.LeaseOptions) *manifest.BusyError {
	t.Helper()
	_, err := manifest.Acquire(t.Context(), store, "aggregate", options)
	var busy *manifest.BusyError
	if !errors.As(err, &busy) {
		t.Fatalf("Acquire by %s: %v, want a BusyError", options.Owner, err)
	}
	return busy
}

func release(t *testing.T, lease *manifest.Lease) {
	t.Helper()
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func wantLost(t *testing.T, err error, why string) {
	t.Helper()
	if !errors.Is(err, manifest.ErrLost) || !strings.HasSuffix(err.Error(), why) {
		t.Errorf("error %v, want ErrLost: %s", err, why)
	}
}

func TestALeaseExcludesOthers(t *testing.T) {
	store, clock := mem.New(), newClock()
	first := acquire(t, store, clock.options("etl1:4711"))
	clock.now = clock.now.Add(time.Minute)
	busy := wantBusy(t, store, clock.options("etl2:12"))
	want := "aggregate is running on host etl1 pid 4711 since 2026-01-02T15:04:05Z; its lease leases/aggregate/000000000001 expires 2026-01-02T15:06:05Z unless it is renewed"
	if diff := cmp.Diff(want, busy.Error()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	other, err := manifest.Acquire(t.Context(), store, "generate", clock.options("etl2:12"))
	if err != nil {
		t.Errorf("another stage: %v", err)
	}
	release(t, other)
	release(t, first)
	release(t, first)
	if err := first.Check(t.Context()); err == nil || err.Error() != "the lease of aggregate was released" {
		t.Errorf("Check of a released lease: %v", err)
	}
	release(t, acquire(t, store, clock.options("etl2:12")))
}

func TestBusyErrorOfAClockAhead(t *testing.T) {
	store, ahead, clock := mem.New(), newClock(), newClock()
	ahead.now = clock.now.Add(3 * time.Hour)
	acquire(t, store, ahead.options("a name"))
	busy := wantBusy(t, store, clock.options("etl2:12"))
	want := "aggregate is running on a name since 2026-01-02T18:04:05Z; its lease leases/aggregate/000000000001 expires 2026-01-02T18:06:05Z unless it is renewed; that host's clock is 3h0m0s ahead of this one's: remove the lease if the process is gone"
	if diff := cmp.Diff(want, busy.Error()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestALeaseExpires(t *testing.T) {
	store, clock := mem.New(), newClock()
	first := acquire(t, store, clock.options("etl1:1"))
	clock.now = clock.now.Add(2 * time.Minute)
	wantBusy(t, store, clock.options("etl2:2"))
	clock.now = clock.now.Add(time.Second)
	second := acquire(t, store, clock.options("etl2:2"))
	wantLost(t, first.Check(t.Context()), "host etl2 pid 2 has it since 2026-01-02T15:06:06Z")
	release(t, first)
	wantBusy(t, store, clock.options("etl1:1"))
	if err := second.Check(t.Context()); err != nil {
		t.Errorf("the one who took it over: %v", err)
	}
}

// A process slept longer than its lease lasted, and another came and went.
func TestAPausedProcessKnowsThatItLost(t *testing.T) {
	store, clock := mem.New(), newClock()
	paused := acquire(t, store, clock.options("etl1:1"))
	clock.now = clock.now.Add(time.Hour)
	release(t, acquire(t, store, clock.options("etl2:2")))
	wantLost(t, paused.Check(t.Context()), "host etl2 pid 2 has it since 2026-01-02T16:04:05Z")
	release(t, acquire(t, store, clock.options("etl3:3")))
}

// It slept, and nobody came: it goes on.
func TestAnExpiredLeaseThatNobodyTookIsRenewed(t *testing.T) {
	store, clock := mem.New(), newClock()
	lease := acquire(t, store, clock.options("etl1:1"))
	clock.now = clock.now.Add(time.Hour)
	if err := lease.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantBusy(t, store, clock.options("etl2:2"))
}

func TestARemovedLeaseIsLost(t *testing.T) {
	store, clock := mem.New(), newClock()
	release(t, acquire(t, store, clock.options("etl0:0")))
	lease := acquire(t, store, clock.options("etl1:1"))
	if err := store.Remove(t.Context(), wantBusy(t, store, clock.options("etl2:2")).Object); err != nil {
		t.Fatal(err)
	}
	second := acquire(t, store, clock.options("etl2:2")) // of the same number
	wantLost(t, lease.Check(t.Context()), "host etl2 pid 2 has it since 2026-01-02T15:04:05Z")
	if err := store.Remove(t.Context(), "leases/aggregate/000000000002"); err != nil {
		t.Fatal(err)
	}
	wantLost(t, second.Check(t.Context()), "its object was removed")
	release(t, second)
	release(t, acquire(t, store, clock.options("etl3:3")))
}

func TestAcquireRace(t *testing.T) {
	store, clock := mem.New(), newClock()
	for round := range 50 {
		var group sync.WaitGroup
		won := make(chan *manifest.Lease, 16)
		for i := range 16 {
			group.Go(func() {
				lease, err := manifest.Acquire(t.Context(), store, "aggregate", clock.options(fmt.Sprintf("h:%d", i)))
				if err == nil {
					won <- lease
				} else if busy := (*manifest.BusyError)(nil); !errors.As(err, &busy) {
					t.Errorf("error %v, want a BusyError", err)
				}
			})
		}
		group.Wait()
		if len(won) != 1 {
			t.Fatalf("round %d: %d winners", round, len(won))
		}
		lease := <-won
		if err := lease.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if round%2 == 0 {
			release(t, lease)
		} else {
			clock.now = clock.now.Add(time.Hour)
		}
	}
}

// A meanwhile does something before each object that is replaced.
type meanwhile struct {
	storage.Store
	do func()
}

func (m meanwhile) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	if mode == storage.Replace {
		m.do()
	}
	return m.Store.Create(ctx, name, mode)
}

func TestALeaseTakenOverWhileItIsRenewed(t *testing.T) {
	inner, clock := mem.New(), newClock()
	lease := acquire(t, meanwhile{inner, func() { acquire(t, inner, clock.options("etl2:2")) }}, clock.options("etl1:1"))
	clock.now = clock.now.Add(time.Hour)
	wantLost(t, lease.Check(t.Context()), "host etl2 pid 2 has it since 2026-01-02T16:04:05Z")
}

func TestReleaseOfAnInterruptedRun(t *testing.T) {
	store, clock := mem.New(), newClock()
	lease := acquire(t, store, clock.options("etl1:1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lease.Release(ctx); err != nil {
		t.Fatal(err)
	}
	release(t, acquire(t, store, clock.options("etl2:2")))
}

func TestLeaseUnderFaults(t *testing.T) {
	var clock *clock
	eachFault(t,
		func(*testing.T, storage.Store) { clock = newClock() },
		func(store storage.Store) error {
			lease, err := manifest.Acquire(t.Context(), store, "aggregate", clock.options("etl1:1"))
			if err != nil {
				return err
			}
			err = lease.Check(t.Context())
			return errors.Join(err, lease.Release(t.Context()))
		},
		func(t *testing.T, store storage.Store, err error) {
			if busy := (*manifest.BusyError)(nil); errors.As(err, &busy) || errors.Is(err, manifest.ErrLost) {
				t.Errorf("a failure is taken for another process: %v", err)
			}
			if err != nil {
				clock.now = clock.now.Add(2*time.Minute + time.Second)
			}
			lease := acquire(t, store, clock.options("etl2:2"))
			if err := lease.Check(t.Context()); err != nil {
				t.Errorf("the next run: %v", err)
			}
		})
}

// A claim that was made and only reported an error is made.
func TestAcquireThatHappened(t *testing.T) {
	store := fault.New(mem.New(), fault.Plan{At: 3, After: true})
	lease := acquire(t, store, newClock().options("etl1:1"))
	if f := store.Failure(); f == nil || f.Operation != "Commit" {
		t.Errorf("the fault was %v, want one of Commit", f)
	}
	if err := lease.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// The store may fail once, whenever, and the next run need not wait.
func TestReleaseSurvivesAFault(t *testing.T) {
	for name, plan := range map[string]fault.Plan{"before": {}, "after": {After: true}} {
		for plan.At = 0; ; plan.At++ {
			inner, clock := mem.New(), newClock()
			counted := fault.New(inner, fault.Plan{At: -1})
			acquire(t, counted, clock.options("etl1:1"))
			taken := counted.Operations()

			inner = mem.New()
			store := fault.New(inner, fault.Plan{At: taken + plan.At, After: plan.After})
			release(t, acquire(t, store, clock.options("etl1:1")))
			acquire(t, inner, clock.options("etl2:2"))
			if !store.Fired() {
				if plan.At < 3 {
					t.Errorf("%s: only %d operations", name, plan.At)
				}
				break
			}
		}
	}
}

// A damaged lease does not lock its stage for ever: it is over when one that was
// renewed as its object was written would be.
func TestDamagedLease(t *testing.T) {
	const name = "leases/aggregate/000000000003"
	store := mem.New()
	put(t, store, name, "")
	var written time.Time
	for info, err := range store.List(t.Context(), name) {
		if err != nil {
			t.Fatal(err)
		}
		written = info.ModTime
	}
	clock := &clock{written.Add(2 * time.Minute)}
	busy := wantBusy(t, store, clock.options("etl1:1"))
	want := "aggregate may be running: read lease " + name + ": unexpected end of JSON input; it is free after " +
		written.Add(2*time.Minute).UTC().Format(time.RFC3339) + ", or when the object is removed"
	if diff := cmp.Diff(want, busy.Error()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if now, err := manifest.Busy(t.Context(), store, "aggregate", clock.now); err != nil || now == nil || !now.Since.IsZero() {
		t.Errorf("Busy: %v, %v", now, err)
	}
	clock.now = clock.now.Add(time.Second)
	if now, err := manifest.Busy(t.Context(), store, "aggregate", clock.now); err != nil || now != nil {
		t.Errorf("Busy when it is over: %v, %v", now, err)
	}
	release(t, acquire(t, store, clock.options("etl1:1")))
}

// One who holds a lease that was damaged cannot publish, and has not lost it yet.
func TestALeaseDamagedWhileItIsHeld(t *testing.T) {
	store, clock := mem.New(), newClock()
	lease := acquire(t, store, clock.options("etl1:1"))
	put(t, store, "leases/aggregate/000000000001", "x")
	if err := lease.Check(t.Context()); err == nil || errors.Is(err, manifest.ErrLost) || !strings.HasPrefix(err.Error(), "read lease leases/aggregate/000000000001: ") {
		t.Errorf("Check: %v", err)
	}
}

func TestLeaseOfANewerFormat(t *testing.T) {
	store := mem.New()
	put(t, store, "leases/aggregate/000000000001", `{"format": 2}`)
	later := func() time.Time { return time.Now().Add(time.Hour) }
	_, err := manifest.Acquire(t.Context(), store, "aggregate", manifest.LeaseOptions{Now: later})
	const want = "acquire the lease of aggregate: read lease leases/aggregate/000000000001: format 2 is newer than this feedmill, which knows formats up to 1: use a newer feedmill"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
