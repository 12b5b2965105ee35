// Package fault is a store that fails on demand.
package fault

import "github.com/feedmill/feedmill/internal/storage"

// A Plan says which operation fails and how.
type Plan struct {
	At      int  // the operation that fails, counted from 0; negative: none
	After   bool // it happens all the same, and only reports an error
	Forever bool // every later operation fails too, and does nothing
}

// A Store passes operations on to another store and fails one of them.
type Store struct {
	storage.Store
	plan Plan
}

// New returns a store that fails as the plan says.
func New(inner storage.Store, plan Plan) *Store { return &Store{inner, plan} }

// Fired reports whether the planned operation was reached.
func (s *Store) Fired() bool { return false }

// Operations returns how many operations were counted.
func (s *Store) Operations() int { return 0 }
