package storage

import (
	"context"
	"iter"
	"strings"
	"time"
)

// A Leftover is an object that was begun and neither committed nor aborted: its
// writer is at work, or died. In a store of folders it may be one that is empty.
type Leftover struct {
	Name    string // the store's own; it begins as the object's would; that of a folder ends in a slash
	Size    int64
	ModTime time.Time // of the last write
	Discard func(context.Context) error
}

// A Leaver is a store in which writers that die leave behind what no listing
// shows.
type Leaver interface {
	// Leftovers yields those of objects whose names begin with prefix, in no
	// order. It ends with the first error.
	Leftovers(ctx context.Context, prefix string) iter.Seq2[Leftover, error]
}

// Leftovers yields what writers left in a store, which is nothing unless it is a
// Leaver.
func Leftovers(ctx context.Context, store Store, prefix string) iter.Seq2[Leftover, error] {
	if l, ok := store.(Leaver); ok {
		return l.Leftovers(ctx, prefix)
	}
	return func(func(Leftover, error) bool) {}
}

func (p prefixed) Leftovers(ctx context.Context, prefix string) iter.Seq2[Leftover, error] {
	return func(yield func(Leftover, error) bool) {
		for l, err := range Leftovers(ctx, p.store, p.prefix+prefix) {
			l.Name = strings.TrimPrefix(l.Name, p.prefix)
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

func (r routed) Leftovers(ctx context.Context, prefix string) iter.Seq2[Leftover, error] {
	return func(yield func(Leftover, error) bool) {
		for l, err := range Leftovers(ctx, r.base, prefix) {
			if _, found := r.below(l.Name); !found && !yield(l, err) || err != nil {
				return
			}
		}
		for _, folder := range r.folders {
			if strings.HasPrefix(prefix, folder) || strings.HasPrefix(folder, prefix) {
				if !r.routeLeftovers(ctx, folder, strings.TrimPrefix(prefix, folder), yield) {
					return
				}
			}
		}
	}
}

// routeLeftovers yields those of one route. A prefix above the folder is all of it.
func (r routed) routeLeftovers(ctx context.Context, folder, prefix string, yield func(Leftover, error) bool) bool {
	if strings.HasPrefix(folder, prefix) {
		prefix = ""
	}
	for l, err := range Leftovers(ctx, r.routes[strings.TrimSuffix(folder, "/")], prefix) {
		l.Name = folder + l.Name
		if !yield(l, err) || err != nil {
			return false
		}
	}
	return true
}
