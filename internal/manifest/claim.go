package manifest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/storage"
)

// A claim is the content of a lease object. Only the greatest of a stage counts,
// and until it is over nobody writes a greater one. Times are the owner's.
type claim struct {
	Format   int        `json:"format"`
	ID       string     `json:"id"` // random, so that a claim is known again
	Owner    string     `json:"owner"`
	Process  *process   `json:"process,omitempty"`
	Since    time.Time  `json:"since"`
	Renewed  time.Time  `json:"renewed"`
	Expires  time.Time  `json:"expires"`
	Released *time.Time `json:"released,omitempty"`

	Damaged error `json:"-"` // why nothing else than Expires is known
}

func claimFolder(stage string) string { return "leases/" + stage }

// newestClaim returns the greatest number of a stage and its claim, 0 and nil
// when there is none. One that is damaged expires as if it had been renewed when its
// object was written.
func newestClaim(ctx context.Context, store storage.Store, stage string) (int64, *claim, error) {
	n, written, err := greatest(ctx, store, claimFolder(stage))
	if err != nil || n == 0 {
		return 0, nil, err
	}
	c, err := readClaim(ctx, store, stage, n)
	if errors.As(err, new(*DamagedError)) {
		return n, &claim{Expires: written.Add(DefaultTTL), Damaged: err}, nil
	}
	return n, c, err
}

func readClaim(ctx context.Context, store storage.Store, stage string, n int64) (*claim, error) {
	name := numbered(claimFolder(stage), n)
	data, err := storage.ReadAll(ctx, store, name)
	if err != nil {
		return nil, fmt.Errorf("read lease %s: %w", name, err)
	}
	var c claim
	if err := decodeJSON(data, &c); err != nil {
		return nil, undecoded("lease", name, err)
	}
	return &c, nil
}

func writeClaim(ctx context.Context, store storage.Store, stage string, n int64, mode storage.Mode, c claim) error {
	data, err := encodeJSON(c)
	if err != nil {
		return err
	}
	name := numbered(claimFolder(stage), n)
	if err := storage.WriteAll(ctx, store, name, mode, data); err != nil {
		return fmt.Errorf("write lease %s: %w", name, err)
	}
	return nil
}

// over reports whether another may follow. Expiry compares two hosts' clocks; an
// owner that cannot renew gives up well before, and what is published is decided
// by the number of current.
func (c *claim) over(now time.Time) bool {
	if c.Released != nil || now.After(c.Expires) {
		return true
	}
	return c.Process != nil && c.Process.gone()
}

// A BusyError says who runs the stage.
type BusyError struct {
	Stage   string
	Owner   string
	Since   time.Time
	Renewed time.Time     // the owner's last sign of life, by its clock
	Expires time.Time     // the stage is free after this, by this host's clock
	Object  string        // the lease; removing it frees the stage
	Ahead   time.Duration // of the owner's clock before this host's, where it is plain
	Damaged error         // why of all these only Expires and Object are known, or nil
}

func busy(stage string, n int64, c *claim, now time.Time) *BusyError {
	e := &BusyError{
		Stage: stage, Owner: c.Owner, Since: c.Since, Renewed: c.Renewed, Expires: c.Expires,
		Object: numbered(claimFolder(stage), n), Damaged: c.Damaged,
	}
	if ahead := c.Renewed.Sub(now); ahead > time.Minute {
		e.Ahead = ahead
	}
	return e
}

func (e *BusyError) Error() string {
	if e.Damaged != nil {
		return fmt.Sprintf("%s may be running: %v; it is free after %s, or when the object is removed", e.Stage, e.Damaged, stamp(e.Expires))
	}
	text := fmt.Sprintf("%s is running on %s since %s; its lease %s expires %s unless it is renewed",
		e.Stage, place(e.Owner), stamp(e.Since), e.Object, stamp(e.Expires))
	if e.Ahead > 0 {
		text += fmt.Sprintf("; that host's clock is %s ahead of this one's: remove the lease if the process is gone", e.Ahead.Round(time.Second))
	}
	return text
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// place reads an owner as DefaultOwner writes it.
func place(owner string) string {
	i := strings.LastIndexByte(owner, ':')
	if i < 0 {
		return owner
	}
	return fmt.Sprintf("host %s pid %s", owner[:i], owner[i+1:])
}

// Busy returns who runs a stage now, or nil.
func Busy(ctx context.Context, store storage.Store, stage string, now time.Time) (*BusyError, error) {
	n, c, err := newestClaim(ctx, store, stage)
	if err != nil || c == nil || c.over(now) {
		return nil, err
	}
	return busy(stage, n, c, now), nil
}
