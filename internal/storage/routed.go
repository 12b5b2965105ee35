package storage

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Routed returns a store that keeps the objects of some folders elsewhere: with
// the route "feeds", the object feeds/x is x of that route's store. What base
// holds below a routed folder is not seen. Without routes it is base itself.
func Routed(base Store, routes map[string]Store) Store {
	if len(routes) == 0 {
		return base
	}
	r := routed{base: base, routes: maps.Clone(routes)}
	for name := range routes {
		r.folders = append(r.folders, name+"/")
	}
	slices.Sort(r.folders)
	return r
}

type routed struct {
	base    Store
	routes  map[string]Store
	folders []string // "name/" of the routes, ascending
}

// below returns the routed folder, ending in a slash, that a name or prefix is
// below.
func (r routed) below(name string) (folder string, found bool) {
	i := strings.IndexByte(name, '/')
	_, found = r.routes[name[:max(i, 0)]]
	return name[:i+1], found
}

// route returns the store that has a name, and the name there.
func (r routed) route(name string) (Store, string) {
	if folder, found := r.below(name); found {
		return r.routes[strings.TrimSuffix(folder, "/")], name[len(folder):]
	}
	return r.base, name
}

func (r routed) Open(ctx context.Context, name string) (Object, error) {
	store, name := r.route(name)
	return store.Open(ctx, name)
}

func (r routed) Create(ctx context.Context, name string, mode Mode) (Writer, error) {
	store, name := r.route(name)
	return store.Create(ctx, name, mode)
}

func (r routed) Remove(ctx context.Context, name string) error {
	store, name := r.route(name)
	return store.Remove(ctx, name)
}

func (r routed) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	if folder, found := r.below(prefix); found {
		return r.listRoute(ctx, folder, prefix[len(folder):])
	}
	return r.listAll(ctx, prefix)
}

func (r routed) listRoute(ctx context.Context, folder, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for info, err := range r.routes[strings.TrimSuffix(folder, "/")].List(ctx, prefix) {
			info.Name = folder + info.Name
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

// listAll puts the routed folders where they belong among the names of base.
func (r routed) listAll(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		var waiting []string
		for _, folder := range r.folders {
			if strings.HasPrefix(folder, prefix) {
				waiting = append(waiting, folder)
			}
		}
		for info, err := range r.base.List(ctx, prefix) {
			for err == nil && len(waiting) > 0 && waiting[0] < info.Name {
				if !r.yieldRoute(ctx, waiting[0], yield) {
					return
				}
				waiting = waiting[1:]
			}
			if _, found := r.below(info.Name); !found && !yield(info, err) || err != nil {
				return
			}
		}
		for len(waiting) > 0 && r.yieldRoute(ctx, waiting[0], yield) {
			waiting = waiting[1:]
		}
	}
}

func (r routed) yieldRoute(ctx context.Context, folder string, yield func(Info, error) bool) bool {
	for info, err := range r.listRoute(ctx, folder, "") {
		if !yield(info, err) || err != nil {
			return false
		}
	}
	return true
}
