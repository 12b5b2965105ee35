package manifest

import (
	"errors"
	"fmt"
	"io/fs"
)

// A DamagedError says of an object that was read that it does not hold what it
// should. One of a newer format is not damaged.
type DamagedError struct {
	What string // manifest, pointer or lease
	Name string
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("read %s %s: %v", e.What, e.Name, e.Err) }

func (e *DamagedError) Unwrap() error { return e.Err }

// undecoded is the error for the content of an object that cannot be decoded.
func undecoded(what, name string, err error) error {
	if errors.As(err, new(newerError)) {
		return fmt.Errorf("read %s %s: %w", what, name, err)
	}
	return &DamagedError{what, name, err}
}

// A newerError is the format of an object that this program is too old for.
type newerError int

func (e newerError) Error() string {
	return fmt.Sprintf("format %d is newer than this feedmill, which knows formats up to %d: use a newer feedmill", int(e), Format)
}

// A LostError says that what is current of a kind cannot be known: the pointer is
// damaged, or the manifest of its run is damaged or gone. It is over when another run
// is made current, after N.
type LostError struct {
	Kind string
	N    int64
	Err  error
}

// publishing are the stages whose runs a person can make current, by kind.
var publishing = map[string]string{"snapshots": "aggregate", "feeds": "generate"}

func (e *LostError) Error() string {
	if stage, found := publishing[e.Kind]; found {
		return fmt.Sprintf("%v; feedmill publish %s RUN puts an earlier run in its place", e.Err, stage)
	}
	return e.Err.Error()
}

func (e *LostError) Unwrap() error { return e.Err }

// lost makes err a LostError if it is about an object that is damaged or gone.
func lost(kind string, n int64, err error) error {
	if errors.As(err, new(*DamagedError)) || errors.Is(err, fs.ErrNotExist) {
		return &LostError{kind, n, err}
	}
	return err
}
