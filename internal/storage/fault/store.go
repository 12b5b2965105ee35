// Package fault is a store that fails on demand, one operation of another store,
// the n-th.
//
// Its promise: a loop over n = 0, 1, 2, ... until Fired is false has failed
// every operation once, so what runs on it either recovers from any failure or
// is seen not to:
//
//	for n := 0; ; n++ {
//		store := fault.New(inner, fault.Plan{At: n})
//		err := run(store)
//		if !store.Fired() {
//			break // err is nil: nothing failed
//		}
//		// look at inner; run again without faults
//	}
//
// Operations are Open, ReadAt, Create, Write, Commit, List and Remove, counted
// together in the order in which they begin; Abort and Close never fail.
package fault

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Plan says which operation fails and how. A failed operation does nothing.
type Plan struct {
	At      int  // the operation that fails, counted from 0; negative: none
	After   bool // it happens all the same (reads: in part) and reports an error
	Forever bool // all later operations fail too, as if the process had died; they do nothing
}

// An Error is a failure on demand.
type Error struct {
	N         int    // the operation's number
	Operation string // such as "Commit"
	Name      string // the object's, or a listing's prefix
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %q failed on demand (operation %d)", e.Operation, e.Name, e.N)
}

// A Store passes operations on to another store and fails some of them. It is
// safe for concurrent use, though which operation is the n-th is then open.
type Store struct {
	inner storage.Store
	plan  Plan

	mu    sync.Mutex
	count int
	first *Error
}

var _ storage.Store = (*Store)(nil)

// New returns a store that fails as the plan says.
func New(inner storage.Store, plan Plan) *Store { return &Store{inner: inner, plan: plan} }

// Fired reports whether the planned operation was reached.
func (s *Store) Fired() bool { return s.Failure() != nil }

// Failure returns the first failure, or nil.
func (s *Store) Failure() *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

// Operations returns how many operations began.
func (s *Store) Operations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// begin counts an operation. It returns an error if the operation fails, and
// whether it happens.
func (s *Store) begin(operation, name string) (happens bool, fails error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.count
	s.count++
	if s.plan.At < 0 || n < s.plan.At || n > s.plan.At && !s.plan.Forever {
		return true, nil
	}
	failure := &Error{N: n, Operation: operation, Name: name}
	if s.first == nil {
		s.first = failure
	}
	return s.plan.After && n == s.plan.At, failure
}

// Open implements storage.Store.
func (s *Store) Open(ctx context.Context, name string) (storage.Object, error) {
	happens, fails := s.begin("Open", name)
	if !happens {
		return nil, fails
	}
	o, err := s.inner.Open(ctx, name)
	if err != nil {
		return nil, errors.Join(fails, err)
	}
	if fails != nil {
		return nil, errors.Join(fails, o.Close())
	}
	return &object{o, s, name}, nil
}

// Create implements storage.Store.
func (s *Store) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	happens, fails := s.begin("Create", name)
	if !happens {
		return nil, fails
	}
	w, err := s.inner.Create(ctx, name, mode)
	if err != nil {
		return nil, errors.Join(fails, err)
	}
	if fails != nil {
		return nil, errors.Join(fails, w.Abort())
	}
	return &writer{w, s, name}, nil
}

// List implements storage.Store. A listing that happens and reports an error
// does so at its end.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		happens, fails := s.begin("List", prefix)
		if happens {
			for info, err := range s.inner.List(ctx, prefix) {
				if !yield(info, err) || err != nil {
					return
				}
			}
		}
		if fails != nil {
			yield(storage.Info{}, fails)
		}
	}
}

// Leftovers implements storage.Leaver: it counts as a List, and each Discard as a
// Remove.
func (s *Store) Leftovers(ctx context.Context, prefix string) iter.Seq2[storage.Leftover, error] {
	return func(yield func(storage.Leftover, error) bool) {
		happens, fails := s.begin("List", prefix)
		if happens {
			for l, err := range storage.Leftovers(ctx, s.inner, prefix) {
				if !yield(s.leftover(l), err) || err != nil {
					return
				}
			}
		}
		if fails != nil {
			yield(storage.Leftover{}, fails)
		}
	}
}

func (s *Store) leftover(l storage.Leftover) storage.Leftover {
	discard := l.Discard
	l.Discard = func(ctx context.Context) error {
		happens, fails := s.begin("Remove", l.Name)
		if !happens {
			return fails
		}
		return errors.Join(fails, discard(ctx))
	}
	return l
}

// Remove implements storage.Store.
func (s *Store) Remove(ctx context.Context, name string) error {
	happens, fails := s.begin("Remove", name)
	if !happens {
		return fails
	}
	return errors.Join(fails, s.inner.Remove(ctx, name))
}
