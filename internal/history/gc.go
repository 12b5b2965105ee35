package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// GCOptions are what gc needs.
type GCOptions struct {
	Store     storage.Store // the warehouse
	Retention workspace.Retention
	DryRun    bool             // only say what would be removed
	Now       func() time.Time // nil: time.Now
	Owner     string           // of the lease; "": this process
}

// A Report says what gc removed, or would, and why it kept the rest.
type Report struct {
	Stage   string    `json:"stage"`
	Status  string    `json:"status"` // done, failed
	DryRun  bool      `json:"dry_run"`
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	Objects int       `json:"objects"` // that were removed; of a dry run, that would be
	Bytes   int64     `json:"bytes"`   // of these
	Removed []Removed `json:"removed"` // what was to be removed: all of it, unless gc failed on the way
	Kept    []Kept    `json:"kept"`

	Warnings []string `json:"warnings"`
	Error    string   `json:"error,omitempty"`
}

// Removed says of a run what of it goes. Without a run it is control objects that
// newer ones replaced, or what writers that died never finished.
type Removed struct {
	Kind    string `json:"kind"` // snapshots, feeds, events, events/state/<run>, sources/<name>, rejects, tmp, or a folder of control objects
	Run     string `json:"run,omitempty"`
	Why     string `json:"why"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`
}

// Kept says why a run stays: it is current, it is held, retention, a reader may be
// on it (grace), a run that stays needs it, or is made of it (used). Where something
// is damaged, that it cannot be read, may be needed by a run that cannot, or may be
// current.
type Kept struct {
	Kind string `json:"kind"`
	Run  string `json:"run"`
	Why  string `json:"why"`
}

// GC removes what retention lets go. What it could not do because it failed or was
// killed the next one does. The report is there also when it failed.
//
// A run whose manifest is damaged stays, and all that it may refer to: older runs of
// the kinds that its kind refers to. Newer ones go as ever, so that the disk does not
// fill. When the rest is done the error names what could not be read.
func GC(ctx context.Context, o GCOptions) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Report{Stage: lease, Status: manifest.Done, DryRun: o.DryRun, Started: o.Now().UTC(), Removed: []Removed{}, Kept: []Kept{}, Warnings: []string{}}
	err := o.locked(ctx, r)
	r.Seconds = o.Now().Sub(r.Started).Seconds()
	if err != nil {
		r.Status, r.Error = manifest.Failed, err.Error()
	}
	return r, err
}

// locked runs gc while no other does, and nobody publishes. Only to look it needs no
// lease. On a disk so full that the lease cannot be written it goes on without, as
// long as nobody has it: nobody could take it either.
func (o *GCOptions) locked(ctx context.Context, r *Report) error {
	if o.DryRun {
		return o.run(ctx, r, o.nobody)
	}
	l, err := manifest.Acquire(ctx, o.Store, lease, manifest.LeaseOptions{Owner: o.Owner, Now: o.Now})
	if full(err) {
		r.Warnings = append(r.Warnings, fmt.Sprintf("gone on without a lease, to make room: %v", err))
		return o.run(ctx, r, o.nobody)
	}
	if err != nil {
		return err
	}
	held, stop := l.Hold(ctx)
	err = o.run(held, r, func(context.Context) error { return nil })
	return errors.Join(err, stop(), l.Release(context.WithoutCancel(ctx)))
}

// full reports whether there was no room for what was to be written.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// nobody returns an error when somebody has the lease.
func (o *GCOptions) nobody(ctx context.Context) error {
	busy, err := manifest.Busy(ctx, o.Store, lease, o.Now())
	if err == nil && busy != nil {
		err = busy
	}
	return err
}

// run asks may before each step that takes a run away.
func (o *GCOptions) run(ctx context.Context, r *Report, may func(context.Context) error) error {
	v, err := take(ctx, o.Store, r.Started, o.Retention.Grace)
	if err != nil {
		return err
	}
	p := newPlan(v, o.Retention)
	r.Removed, r.Kept = append(r.Removed, p.removed...), append(r.Kept, p.kept...)
	if o.DryRun {
		for _, removed := range p.removed {
			r.Objects += removed.Objects
			r.Bytes += removed.Bytes
		}
		return errors.Join(p.lost...)
	}
	for _, info := range p.manifests {
		if err := errors.Join(may(ctx), v.stands(ctx, o.Store)); err != nil {
			return err
		}
		if err := o.Store.Remove(ctx, info.Name); err != nil {
			return fmt.Errorf("remove %s: %w", info.Name, err)
		}
		r.Objects++
		r.Bytes += info.Size
	}
	return errors.Join(append(p.lost, removeAll(ctx, o.Store, p, r))...)
}

// stands returns an error when another run became current than those that the
// plan was made for: it may be an earlier one, which the plan lets go.
func (v *inventory) stands(ctx context.Context, store storage.Store) error {
	for kind, planned := range v.current {
		p, err := manifest.Current(ctx, store, kind)
		if err != nil {
			return err
		}
		if p.Run != planned.Run && v.runs[ref{kind, p.Run}] != nil {
			return fmt.Errorf("run %s of %s became current meanwhile: run gc again", p.Run, kind)
		}
	}
	return nil
}

// removeAtOnce is how many objects are removed side by side.
const removeAtOnce = 16

func removeAll(ctx context.Context, store storage.Store, p *plan, r *Report) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(removeAtOnce)
	var counting sync.Mutex
	removing := func(name string, size int64, remove func() error) {
		group.Go(func() error {
			if err := remove(); err != nil {
				return fmt.Errorf("remove %s: %w", name, err)
			}
			counting.Lock()
			defer counting.Unlock()
			r.Objects++
			r.Bytes += size
			return nil
		})
	}
	for _, info := range p.objects {
		removing(info.Name, info.Size, func() error { return store.Remove(ctx, info.Name) })
	}
	for _, l := range p.leftovers {
		removing(l.Name, l.Size, func() error { return l.Discard(ctx) })
	}
	return group.Wait()
}
