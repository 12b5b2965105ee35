package mem

import (
	"context"
	"errors"
	"iter"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Store is not written yet.
type Store struct{}

var _ storage.Store = (*Store)(nil)

var errSkeleton = errors.New("not written yet")

func (s *Store) Open(ctx context.Context, name string) (storage.Object, error) { return nil, errSkeleton }
func (s *Store) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	return nil, errSkeleton
}
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) { yield(storage.Info{}, errSkeleton) }
}
func (s *Store) Remove(ctx context.Context, name string) error { return errSkeleton }

// New returns an empty store.
func New() *Store { return &Store{} }
