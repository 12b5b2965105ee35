package fault

import (
	"errors"

	"github.com/feedmill/feedmill/internal/storage"
)

type object struct {
	storage.Object
	store *Store
	name  string
}

// ReadAt that happens and reports an error reads half of what was asked for.
func (o *object) ReadAt(p []byte, offset int64) (int, error) {
	happens, fails := o.store.begin("ReadAt", o.name)
	if !happens {
		return 0, fails
	}
	if fails == nil {
		return o.Object.ReadAt(p, offset)
	}
	n, err := o.Object.ReadAt(p[:len(p)/2], offset)
	return n, errors.Join(fails, err)
}

// A writer does not remember a failed write: who goes on all the same commits an
// object with a hole.
type writer struct {
	storage.Writer
	store *Store
	name  string
}

func (w *writer) Write(p []byte) (int, error) {
	happens, fails := w.store.begin("Write", w.name)
	if !happens {
		return 0, fails
	}
	n, err := w.Writer.Write(p)
	if fails != nil {
		return n, errors.Join(fails, err)
	}
	return n, err
}

// Commit that fails leaves it to the caller to Abort.
func (w *writer) Commit() error {
	happens, fails := w.store.begin("Commit", w.name)
	if !happens {
		return fails
	}
	err := w.Writer.Commit()
	if fails != nil {
		return errors.Join(fails, err)
	}
	return err
}
