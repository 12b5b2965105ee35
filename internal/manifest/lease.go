package manifest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/feedmill/feedmill/internal/storage"
)

// DefaultTTL is how long a lease lasts after its last renewal.
const DefaultTTL = 2 * time.Minute

// LeaseOptions say who takes a lease and for how long; all may be left out.
type LeaseOptions struct {
	Owner string           // host:pid; default DefaultOwner
	TTL   time.Duration    // default DefaultTTL
	Now   func() time.Time // default time.Now
}

func (o LeaseOptions) withDefaults() LeaseOptions {
	if o.Owner == "" {
		o.Owner = DefaultOwner()
	}
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// A Lease is the right to run a stage, until it is released or lost.
type Lease struct {
	store   storage.Store
	stage   string
	n       int64
	options LeaseOptions

	writing sync.Mutex // held while the object is looked at and written
	claim   claim

	mu  sync.Mutex
	end error // why the lease is over
}

// Acquire takes the lease of a stage. When another process has it, the error is
// a *BusyError. The lease of a process that ended without releasing it is taken
// over when it expires, at once if the process ran on this host. A damaged one
// expires DefaultTTL after it was written.
func Acquire(ctx context.Context, store storage.Store, stage string, options LeaseOptions) (*Lease, error) {
	l := &Lease{store: store, stage: stage, options: options.withDefaults()}
	err := l.try(ctx)
	for tries := 1; errors.Is(err, fs.ErrExist) && tries < 16; tries++ {
		err = l.try(ctx) // somebody was faster, and may be done already
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Lease) try(ctx context.Context) error {
	n, last, err := newestClaim(ctx, l.store, l.stage)
	if err != nil {
		return fmt.Errorf("acquire the lease of %s: %w", l.stage, err)
	}
	now := l.options.Now().UTC()
	if last != nil && !last.over(now) {
		return busy(l.stage, n, last, now)
	}
	if err := l.take(ctx, n+1, now); err != nil {
		return fmt.Errorf("acquire the lease of %s: %w", l.stage, err)
	}
	return nil
}

// take creates the claim of a number, and reads it back when it is not clear who
// did.
func (l *Lease) take(ctx context.Context, n int64, now time.Time) error {
	l.n = n
	l.claim = claim{Format: Format, ID: rand.Text(), Owner: l.options.Owner, Since: now, Renewed: now, Expires: now.Add(l.options.TTL)}
	if me := thisProcess(); me != (process{}) {
		l.claim.Process = &me
	}
	failed := writeClaim(ctx, l.store, l.stage, n, storage.Exclusive, l.claim)
	if failed == nil {
		return nil
	}
	if c, err := readClaim(ctx, l.store, l.stage, n); err == nil && c.ID == l.claim.ID {
		return nil
	}
	return failed
}

// Check renews the lease, for the time it takes to publish. The error is ErrLost
// when another process has taken the stage over; then nothing may be published.
func (l *Lease) Check(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.over(); err != nil {
		return err
	}
	if err := l.verify(ctx); err != nil {
		return err
	}
	renewed := l.claim
	renewed.Renewed = l.options.Now().UTC()
	renewed.Expires = renewed.Renewed.Add(l.options.TTL)
	if err := writeClaim(ctx, l.store, l.stage, l.n, storage.Replace, renewed); err != nil {
		return err
	}
	l.claim = renewed
	return l.verify(ctx) // one that found the lease expired may have been as fast
}

// verify returns ErrLost, and ends the lease, unless the greatest claim is ours.
func (l *Lease) verify(ctx context.Context) error {
	n, c, err := newestClaim(ctx, l.store, l.stage)
	switch {
	case err != nil:
		return err
	case n < l.n:
		return l.lose("its object was removed")
	case c.Damaged != nil:
		return c.Damaged
	case c.ID != l.claim.ID:
		return l.lose(fmt.Sprintf("%s has it since %s", place(c.Owner), stamp(c.Since)))
	default:
		return nil
	}
}

func (l *Lease) over() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// lose ends the lease, once, and returns why it ended.
func (l *Lease) lose(why string) error {
	return l.finish(&lostError{l.stage, why})
}

type lostError struct{ stage, why string }

func (e *lostError) Error() string { return fmt.Sprintf("the lease of %s is lost: %s", e.stage, e.why) }

func (e *lostError) Is(target error) bool { return target == ErrLost }

func (l *Lease) finish(end error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end == nil {
		l.end = end
	}
	return l.end
}

// Release frees the stage, also when ctx has ended. It does nothing to a lease
// that is lost or released.
func (l *Lease) Release(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.over() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := l.release(ctx)
	if err != nil {
		err = l.release(ctx) // a lease that stays costs the next run more than this
	}
	if err != nil {
		return fmt.Errorf("release the lease of %s: %w", l.stage, err)
	}
	_ = l.finish(fmt.Errorf("the lease of %s was released", l.stage))
	return nil
}

func (l *Lease) release(ctx context.Context) error {
	err := l.verify(ctx)
	if errors.Is(err, ErrLost) {
		return nil
	}
	if err != nil {
		return err
	}
	released := l.claim
	now := l.options.Now().UTC()
	released.Released = &now
	return writeClaim(ctx, l.store, l.stage, l.n, storage.Replace, released)
}
