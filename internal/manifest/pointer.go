package manifest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/feedmill/feedmill/internal/storage"
)

// ErrLost says that another process was first: it moved current, or it took the
// lease over, or may have. What this one made must not be published.
var ErrLost = errors.New("another process was first")

// A Pointer is a state of current: the N-th run that was published. The zero
// Pointer is the state before the first.
type Pointer struct {
	N   int64
	Run string
}

type pointer struct {
	Format  int     `json:"format"`
	Run     string  `json:"run"`
	Changed Changes `json:"changed,omitempty"`
}

// Changes say of what a run publishes, by name, since when it is other than before,
// where the run cannot know: it was made earlier, and somebody went back to it.
type Changes map[string]time.Time

// Current returns the state of a kind's current, the zero Pointer when nothing
// was published. One that is damaged is a *LostError.
func Current(ctx context.Context, store storage.Store, kind string) (Pointer, error) {
	p, _, err := CurrentChanges(ctx, store, kind)
	return p, err
}

// CurrentChanges is Current with the changes that came with it.
func CurrentChanges(ctx context.Context, store storage.Store, kind string) (Pointer, Changes, error) {
	n, _, err := greatest(ctx, store, kind+currentFolder)
	if err != nil || n == 0 {
		return Pointer{}, nil, err
	}
	p, changed, err := readChanges(ctx, store, kind+currentFolder, n)
	return p, changed, lost(kind, n, err)
}

// PointerAt returns an earlier state of a kind's current.
func PointerAt(ctx context.Context, store storage.Store, kind string, n int64) (Pointer, error) {
	return readPointer(ctx, store, kind, n)
}

func readPointer(ctx context.Context, store storage.Store, kind string, n int64) (Pointer, error) {
	return readNumbered(ctx, store, kind+currentFolder, n)
}

func readNumbered(ctx context.Context, store storage.Store, folder string, n int64) (Pointer, error) {
	p, _, err := readChanges(ctx, store, folder, n)
	return p, err
}

func readChanges(ctx context.Context, store storage.Store, folder string, n int64) (Pointer, Changes, error) {
	name := numbered(folder, n)
	data, err := storage.ReadAll(ctx, store, name)
	if err != nil {
		return Pointer{}, nil, fmt.Errorf("read pointer %s: %w", name, err)
	}
	var p pointer
	if err := decodeJSON(data, &p); err != nil {
		return Pointer{}, nil, undecoded("pointer", name, err)
	}
	if err := checkRun(p.Run); err != nil {
		return Pointer{}, nil, undecoded("pointer", name, err)
	}
	return Pointer{n, p.Run}, p.Changed, nil
}

// Pointed reads the manifest of the run that a state of current names. The error
// names the pointer too: it may be the pointer that is damaged. It is a *LostError when
// the manifest is damaged or gone.
func Pointed(ctx context.Context, store storage.Store, kind string, p Pointer) (*Manifest, error) {
	m, err := Read(ctx, store, kind, p.Run)
	if err != nil {
		return nil, lost(kind, p.N, fmt.Errorf("follow %s: %w", numbered(kind+currentFolder, p.N), err))
	}
	return m, nil
}

// Advance moves current from base, which is what the run began with, to run, and
// returns the new state. When current has moved meanwhile it is ErrLost, unless
// it was this very move that happened: then it is done.
func Advance(ctx context.Context, store storage.Store, kind string, base Pointer, run string) (Pointer, error) {
	return AdvanceTo(ctx, store, kind, base, run, nil)
}

// AdvanceTo is Advance with what changes by it.
func AdvanceTo(ctx context.Context, store storage.Store, kind string, base Pointer, run string, changed Changes) (Pointer, error) {
	if err := checkRun(run); err != nil {
		return Pointer{}, err
	}
	next := Pointer{base.N + 1, run}
	failed := create(ctx, store, kind, base, next, changed)
	if failed == nil {
		return next, nil
	}
	there, err := readPointer(ctx, store, kind, next.N)
	switch {
	case err == nil && there == next:
		return next, nil
	case err == nil:
		return Pointer{}, fmt.Errorf("publish %s in %s: %w and published %s", run, kind, ErrLost, there.Run)
	default:
		return Pointer{}, fmt.Errorf("publish %s in %s: %w", run, kind, failed)
	}
}

// create looks before it writes, because the numbers before current's may be
// gone and free.
func create(ctx context.Context, store storage.Store, kind string, base, next Pointer, changed Changes) error {
	n, _, err := greatest(ctx, store, kind+currentFolder)
	if err != nil {
		return err
	}
	if n != base.N {
		return fmt.Errorf("%w: current moved from number %d to %d", ErrLost, base.N, n)
	}
	data, err := encodeJSON(pointer{Format, next.Run, changed})
	if err != nil {
		return err
	}
	return storage.WriteAll(ctx, store, numbered(kind+currentFolder, next.N), storage.Exclusive, data)
}
