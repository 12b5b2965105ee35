package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
)

// PublishOptions say which run becomes current.
type PublishOptions struct {
	Store storage.Store // the warehouse
	Stage string        // aggregate or generate
	Run   string
	Now   func() time.Time // nil: time.Now
	Owner string           // of the lease; "": this process
}

// A Publication says what publish did.
type Publication struct {
	Stage  string `json:"stage"`
	Status string `json:"status"` // done, or unchanged: it was current already
	Run    string `json:"run"`
	Before string `json:"before"` // the run that was current, "" when none was or it cannot be known
	N      int64  `json:"n"`      // of current
}

// A RefusedError says why a run cannot become current.
type RefusedError struct {
	Stage, Run string
	Why        error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("run %s of %s cannot be published: %v", e.Run, e.Stage, e.Why)
}

func (e *RefusedError) Unwrap() error { return e.Why }

// Publish makes a run of a stage current, an earlier or a later one. It does not
// wait for a run of the stage that is at work: that one finds, when it is done,
// that another was first, and fails. It is the way out, too, when what is current is
// damaged or gone.
func Publish(ctx context.Context, o PublishOptions) (*Publication, error) {
	kind, known := stages[o.Stage]
	if !known {
		return nil, fmt.Errorf("stage %s has no runs to publish", o.Stage)
	}
	l, err := manifest.Acquire(ctx, o.Store, lease, manifest.LeaseOptions{Owner: o.Owner, Now: o.Now})
	if err != nil {
		return nil, err
	}
	held, stop := l.Hold(ctx)
	out, err := o.publish(held, l, kind)
	return out, errors.Join(err, stop(), l.Release(context.WithoutCancel(ctx)))
}

func (o *PublishOptions) publish(ctx context.Context, l *manifest.Lease, kind string) (*Publication, error) {
	current, err := manifest.Current(ctx, o.Store, kind)
	if err == nil && current.Run != "" {
		_, err = manifest.Pointed(ctx, o.Store, kind, current)
	}
	var lost *manifest.LostError
	switch {
	case errors.As(err, &lost):
		current.N = lost.N
	case err != nil:
		return nil, err
	}
	out := &Publication{Stage: o.Stage, Status: manifest.Unchanged, Run: o.Run, Before: current.Run, N: current.N}
	if current.Run == o.Run && lost == nil {
		return out, nil
	}
	if err := check(ctx, o.Store, ref{kind, o.Run}); err != nil {
		return nil, &RefusedError{o.Stage, o.Run, err}
	}
	changed, err := changes(ctx, o, kind)
	if err != nil {
		return nil, err
	}
	if err := l.Check(ctx); err != nil {
		return nil, err
	}
	moved, err := manifest.AdvanceTo(ctx, o.Store, kind, current, o.Run, changed)
	if err != nil {
		return nil, err
	}
	out.Status, out.N = manifest.Done, moved.N
	return out, nil
}

// changes says which feeds change for partners: they would keep what they have if a
// feed went back to the time at which an earlier run made it. When what they have
// cannot be known, every feed changes.
func changes(ctx context.Context, o *PublishOptions, kind string) (manifest.Changes, error) {
	if kind != part.Kind {
		return nil, nil
	}
	before, err := part.Published(ctx, o.Store)
	if errors.As(err, new(*manifest.LostError)) {
		before, err = &part.Catalog{}, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := manifest.Read(ctx, o.Store, kind, o.Run)
	if err != nil {
		return nil, err
	}
	detail, err := part.DetailOf(m)
	if err != nil {
		return nil, err
	}
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	return before.Changed(detail.Feeds, now()), nil
}

// check returns an error unless a run can be published and all that it refers to
// is there.
func check(ctx context.Context, store storage.Store, r ref) error {
	run, err := read(ctx, store, r)
	if err != nil {
		return err
	}
	if run.publishable != nil {
		return run.publishable
	}
	if r.kind == part.Kind {
		return checkFeeds(ctx, store, r)
	}
	c := &checker{store: store, seen: map[ref]bool{}}
	return c.whole(ctx, r)
}

// A checker finds that runs, with all that they need, are whole.
type checker struct {
	store storage.Store
	seen  map[ref]bool
}

func (c *checker) whole(ctx context.Context, r ref) error {
	if c.seen[r] {
		return nil
	}
	c.seen[r] = true
	run, err := read(ctx, c.store, r)
	if err != nil {
		return err
	}
	there, err := manifest.SizesOf(ctx, c.store, r.kind, r.run)
	if err != nil {
		return err
	}
	for _, o := range run.Objects {
		if err := there.Has(o.Name, o.Size); err != nil {
			return err
		}
	}
	for _, needed := range slices.Concat(run.needs, run.partOf) {
		if err := c.whole(ctx, needed); err != nil {
			return err
		}
	}
	return nil
}

// checkFeeds opens every feed that a run serves, and looks for its parts.
func checkFeeds(ctx context.Context, store storage.Store, r ref) error {
	m, err := manifest.Read(ctx, store, r.kind, r.run)
	if err != nil {
		return err
	}
	detail, err := part.DetailOf(m)
	if err != nil {
		return err
	}
	catalog := &part.Catalog{Run: r.run, Feeds: detail.Feeds}
	there := map[string]manifest.Sizes{}
	for name := range detail.Feeds {
		feed, err := catalog.Open(ctx, store, name)
		if err != nil {
			return err
		}
		for _, o := range feed.Objects {
			run := part.RunOf(o.Name)
			if there[run] == nil {
				if there[run], err = manifest.SizesOf(ctx, store, part.Kind, run); err != nil {
					return err
				}
			}
			if err := there[run].Has(o.Name, o.Size); err != nil {
				return err
			}
		}
	}
	return nil
}
