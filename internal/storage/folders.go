package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Foldered store can say which folders are in a folder without listing all that is
// below them.
type Foldered interface {
	// Folders returns the names of the folders right in a folder, which is empty or
	// ends in a slash, in no order. In some of them there may be no object.
	Folders(ctx context.Context, folder string) ([]string, error)
}

// Folders returns the names of the folders right in a folder of a store, sorted. One
// that is not Foldered lists all that is below.
func Folders(ctx context.Context, store Store, folder string) ([]string, error) {
	names, err := foldersOf(ctx, store, folder)
	if err != nil {
		return nil, fmt.Errorf("list the folders of %q: %w", folder, err)
	}
	slices.Sort(names)
	return names, nil
}

func foldersOf(ctx context.Context, store Store, folder string) ([]string, error) {
	if f, ok := store.(Foldered); ok {
		return f.Folders(ctx, folder)
	}
	found := map[string]bool{}
	for info, err := range store.List(ctx, folder) {
		if err != nil {
			return nil, err
		}
		if name, _, in := strings.Cut(strings.TrimPrefix(info.Name, folder), "/"); in {
			found[name] = true
		}
	}
	return slices.Collect(maps.Keys(found)), nil
}

func (p prefixed) Folders(ctx context.Context, folder string) ([]string, error) {
	return foldersOf(ctx, p.store, p.prefix+folder)
}

// Folders has those of the routes among the folders of base, though they may be empty.
func (r routed) Folders(ctx context.Context, folder string) ([]string, error) {
	if route, found := r.below(folder); found {
		return foldersOf(ctx, r.routes[strings.TrimSuffix(route, "/")], folder[len(route):])
	}
	names, err := foldersOf(ctx, r.base, folder)
	if err != nil || folder != "" {
		return names, err
	}
	for name := range r.routes {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}
