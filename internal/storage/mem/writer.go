package mem

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/feedmill/feedmill/internal/storage"
)

// Create begins an object.
func (s *Store) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.vacant(name, mode); err != nil {
		return nil, err
	}
	return &writer{ctx: ctx, store: s, name: name, mode: mode}, nil
}

func (s *Store) vacant(name string, mode storage.Mode) error {
	if s.folders[name] > 0 {
		return fmt.Errorf("create %s: a folder of that name exists", name)
	}
	for folder := range folders(name) {
		if _, ok := s.objects[folder]; ok {
			return fmt.Errorf("create %s: %s is an object, not a folder", name, folder)
		}
	}
	if _, ok := s.objects[name]; ok && mode == storage.Exclusive {
		return &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	return nil
}

type writer struct {
	ctx   context.Context
	store *Store
	name  string
	mode  storage.Mode
	data  []byte
	ended bool
}

func (w *writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, &fs.PathError{Op: "write", Path: w.name, Err: fs.ErrClosed}
	}
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	w.data = append(w.data, p...)
	return len(p), nil
}

func (w *writer) Commit() error {
	if w.ended {
		return &fs.PathError{Op: "commit", Path: w.name, Err: fs.ErrClosed}
	}
	w.ended = true
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return w.store.put(w.name, w.mode, w.data)
}

func (s *Store) put(name string, mode storage.Mode, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.vacant(name, mode); err != nil {
		return err
	}
	if _, ok := s.objects[name]; !ok {
		s.count(name, 1)
	}
	s.objects[name] = content{data, time.Now()}
	return nil
}

func (w *writer) Abort() error {
	w.ended = true
	w.data = nil
	return nil
}
