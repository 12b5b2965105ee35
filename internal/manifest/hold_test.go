package manifest_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// An outage is a store whose listings fail, or wait, while it lasts.
type outage struct {
	storage.Store
	fails atomic.Bool
	waits atomic.Pointer[chan struct{}]
}

func (o *outage) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	if wait := o.waits.Load(); wait != nil {
		<-*wait // whatever ctx says, as some clients do
	}
	if o.fails.Load() {
		return func(yield func(storage.Info, error) bool) {
			yield(storage.Info{}, errors.New("connection refused"))
		}
	}
	return o.Store.List(ctx, prefix)
}

const ttl = 5 * time.Minute

func options(owner string) manifest.LeaseOptions {
	return manifest.LeaseOptions{Owner: owner, TTL: ttl}
}

func TestHoldKeepsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := mem.New()
		lease := acquire(t, store, options("etl1:1"))
		held, stop := lease.Hold(t.Context())
		for range 100 {
			time.Sleep(ttl / 7)
			busy := wantBusy(t, store, options("etl2:2"))
			if age := time.Since(busy.Renewed); age > ttl/8 {
				t.Errorf("renewed %s ago, want at most %s", age, ttl/8)
			}
		}
		if held.Err() != nil {
			t.Errorf("the context ended: %v", context.Cause(held))
		}
		for range 2 {
			if err := stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
		if held.Err() == nil {
			t.Error("the context outlives stop")
		}
		if err := lease.Check(t.Context()); err != nil {
			t.Errorf("Check after stop: %v", err)
		}
		time.Sleep(ttl + 1)
		acquire(t, store, options("etl2:2")) // nobody renews any more
	})
}

func TestHoldEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		lease := acquire(t, mem.New(), options("etl1:1"))
		held, stop := lease.Hold(ctx)
		cancel()
		<-held.Done()
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := lease.Release(ctx); err != nil {
			t.Errorf("Release: %v", err)
		}
		if err := stop(); err != nil {
			t.Errorf("stop after Release: %v", err)
		}
	})
}

func TestStopWaitsForTheLastRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, end := &outage{Store: mem.New()}, make(chan struct{})
		_, stop := acquire(t, store, options("etl1:1")).Hold(t.Context())
		store.waits.Store(&end)
		time.Sleep(ttl/8 + 1)
		var stopped atomic.Bool
		go func() {
			_ = stop()
			stopped.Store(true)
		}()
		synctest.Wait()
		if stopped.Load() {
			t.Error("stop returned within a renewal")
		}
		close(end)
		synctest.Wait()
		if !stopped.Load() {
			t.Error("stop did not return after the renewal")
		}
	})
}

func TestHoldNoticesALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := mem.New()
		lease := acquire(t, store, options("etl1:1"))
		held, stop := lease.Hold(t.Context())
		if err := store.Remove(t.Context(), wantBusy(t, store, options("etl2:2")).Object); err != nil {
			t.Fatal(err)
		}
		acquire(t, store, options("etl2:2"))
		time.Sleep(ttl/8 + 1)
		const why = "host etl2 pid 2 has it since 2000-01-01T00:00:00Z"
		wantLost(t, context.Cause(held), why)
		wantLost(t, stop(), why)
		wantLost(t, lease.Check(t.Context()), why)
	})
}

func TestHoldSurvivesAShortOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &outage{Store: mem.New()}
		held, stop := acquire(t, store, options("etl1:1")).Hold(t.Context())
		for range 10 {
			store.fails.Store(true)
			time.Sleep(ttl / 3)
			store.fails.Store(false)
			time.Sleep(ttl / 3)
		}
		if err := errors.Join(held.Err(), stop()); err != nil {
			t.Errorf("lost: %v", context.Cause(held))
		}
	})
}

// In a long outage the owner gives up before another may begin.
func TestHoldGivesUpInALongOutage(t *testing.T) {
	for name, begin := range map[string]func(*outage, chan struct{}){
		"failing": func(o *outage, _ chan struct{}) { o.fails.Store(true) },
		"hanging": func(o *outage, end chan struct{}) { o.waits.Store(&end) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner, end := mem.New(), make(chan struct{})
				store := &outage{Store: inner}
				lease := acquire(t, store, options("etl1:1"))
				held, stop := lease.Hold(t.Context())
				time.Sleep(ttl/8 + 1) // renewed once
				begin(store, end)
				<-held.Done()
				const why = "it could not be renewed for 3m0s"
				wantLost(t, context.Cause(held), why)
				wantBusy(t, inner, options("etl2:2"))
				close(end)
				wantLost(t, stop(), why)
				store.fails.Store(false)
				wantLost(t, lease.Check(t.Context()), why)
			})
		})
	}
}
