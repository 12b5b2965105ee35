package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/feedmill/feedmill/internal/storage"
)

// The statuses of a run.
const (
	Done      = "done"
	Unchanged = "unchanged"
	Held      = "held"
	Failed    = "failed"
)

// A Manifest is what a run wrote.
type Manifest struct {
	Format   int             `json:"-"`
	Run      string          `json:"run"`
	Stage    string          `json:"stage"`
	Status   string          `json:"status"`
	Started  time.Time       `json:"started"`
	Finished time.Time       `json:"finished"`
	Base     int64           `json:"base"`
	Objects  []Object        `json:"objects"`
	Report   json.RawMessage `json:"report,omitempty"`
	Detail   json.RawMessage `json:"detail,omitempty"`
}

// An Object is one object of a run.
type Object struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	Digest string `json:"digest,omitempty"`
}

var errSkeleton = errors.New("not written yet")

// NewRun returns a new run id.
func NewRun(now time.Time, random io.Reader) string { return "" }

// Commit commits a run.
func Commit(ctx context.Context, store storage.Store, kind string, m *Manifest) error {
	return errSkeleton
}

// Read reads a run's manifest.
func Read(ctx context.Context, store storage.Store, kind, run string) (*Manifest, error) {
	return nil, errSkeleton
}

// List returns the ids of the committed runs of a kind, ascending.
func List(ctx context.Context, store storage.Store, kind string) ([]string, error) {
	return nil, errSkeleton
}

// ErrLost says that another process advanced the pointer first.
var ErrLost = errors.New("another run was published first")

// A Pointer is the state of current.
type Pointer struct {
	N   int64
	Run string
}

// Current returns the greatest pointer, or the zero Pointer.
func Current(ctx context.Context, store storage.Store, kind string) (Pointer, error) {
	return Pointer{}, errSkeleton
}

// Advance moves current from base to run.
func Advance(ctx context.Context, store storage.Store, kind string, base Pointer, run string) (Pointer, error) {
	return Pointer{}, errSkeleton
}

// LeaseOptions say who takes a lease, and for how long.
type LeaseOptions struct {
	Owner string
	TTL   time.Duration
	Now   func() time.Time
}

// A Lease is the right to run a stage.
type Lease struct{}

// A BusyError says who runs the stage.
type BusyError struct {
	Stage, Owner            string
	Since, Renewed, Expires time.Time
	Object                  string
}

func (e *BusyError) Error() string { return "" }

// Acquire takes the lease of a stage, or returns a *BusyError.
func Acquire(ctx context.Context, store storage.Store, stage string, options LeaseOptions) (*Lease, error) {
	return nil, errSkeleton
}

// Hold renews the lease until stop; the context ends when the lease is lost.
func (l *Lease) Hold(ctx context.Context) (held context.Context, stop func() error) {
	return ctx, func() error { return nil }
}

// Check renews the lease, or says that it is lost.
func (l *Lease) Check(ctx context.Context) error { return errSkeleton }

// Release ends the lease.
func (l *Lease) Release(ctx context.Context) error { return errSkeleton }
