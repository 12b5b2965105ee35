// Package mem keeps objects in memory, for tests and for what lives as long as
// the process.
//
// Its promise: it refuses what a file system refuses (an object below the name
// of another), so that nothing works here alone.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Store keeps objects in memory.
type Store struct {
	mu      sync.Mutex
	objects map[string]content
	folders map[string]int // objects below each folder
}

type content struct {
	data []byte // never written to again
	time time.Time
}

var _ storage.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{objects: map[string]content{}, folders: map[string]int{}}
}

func check(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return storage.CheckName(name)
}

// Open opens an object as it is now, whatever replaces it.
func (s *Store) Open(ctx context.Context, name string) (storage.Object, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.objects[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return object{bytes.NewReader(c.data)}, nil
}

type object struct{ *bytes.Reader }

func (object) Close() error { return nil }

// List yields the objects that were there when it began. Their ETags are
// digests of their bytes.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		if err := storage.CheckPrefix(prefix); err != nil {
			yield(storage.Info{}, err)
			return
		}
		for _, info := range s.infos(prefix) {
			if ctx.Err() != nil {
				break
			}
			if !yield(info, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(storage.Info{}, err)
		}
	}
}

func (s *Store) infos(prefix string) []storage.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.objects {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	infos := make([]storage.Info, len(names))
	for i, name := range names {
		infos[i] = s.objects[name].info(name)
	}
	return infos
}

func (c content) info(name string) storage.Info {
	return storage.Info{
		Name: name, Size: int64(len(c.data)), ModTime: c.time,
		ETag: fmt.Sprintf("%016x", xxh3.Hash(c.data)),
	}
}

// Remove removes an object; who has it open reads on.
func (s *Store) Remove(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.objects[name]; !ok {
		return nil
	}
	delete(s.objects, name)
	s.count(name, -1)
	return nil
}

func (s *Store) count(name string, by int) {
	for folder := range folders(name) {
		s.folders[folder] += by
	}
}

// folders yields the folders that hold a name: a and a/b for a/b/c.
func folders(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, c := range []byte(name) {
			if c == '/' && !yield(name[:i]) {
				return
			}
		}
	}
}
