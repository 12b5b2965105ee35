package storage

import (
	"context"
	"iter"
	"strings"
)

// Prefixed returns the part of a store below a folder: its names are those of
// the store without "prefix/". An empty prefix returns the store itself.
func Prefixed(store Store, prefix string) Store {
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		return store
	}
	return prefixed{store, prefix + "/"}
}

type prefixed struct {
	store  Store
	prefix string
}

func (p prefixed) Open(ctx context.Context, name string) (Object, error) {
	return p.store.Open(ctx, p.prefix+name)
}

func (p prefixed) Create(ctx context.Context, name string, mode Mode) (Writer, error) {
	return p.store.Create(ctx, p.prefix+name, mode)
}

func (p prefixed) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for info, err := range p.store.List(ctx, p.prefix+prefix) {
			info.Name = strings.TrimPrefix(info.Name, p.prefix)
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

func (p prefixed) Remove(ctx context.Context, name string) error {
	return p.store.Remove(ctx, p.prefix+name)
}
