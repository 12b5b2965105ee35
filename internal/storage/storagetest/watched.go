package storagetest

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Watched store knows what its users left open. It is safe for concurrent use.
type Watched struct {
	storage.Store
	writers, objects atomic.Int64
	most             atomic.Int64
}

// Open counts the object until it is closed.
func (s *Watched) Open(ctx context.Context, name string) (storage.Object, error) {
	o, err := s.Store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	open := s.objects.Add(1)
	for most := s.most.Load(); most < open && !s.most.CompareAndSwap(most, open); {
		most = s.most.Load()
	}
	return &watchedObject{Object: o, end: sync.OnceFunc(func() { s.objects.Add(-1) })}, nil
}

// Create counts the writer until it is committed or aborted.
func (s *Watched) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	w, err := s.Store.Create(ctx, name, mode)
	if err != nil {
		return nil, err
	}
	s.writers.Add(1)
	return &watchedWriter{Writer: w, end: sync.OnceFunc(func() { s.writers.Add(-1) })}, nil
}

// LeftOpen returns how many writers were neither committed nor aborted, and how
// many objects were not closed.
func (s *Watched) LeftOpen() (writers, objects int) {
	return int(s.writers.Load()), int(s.objects.Load())
}

// MostOpen returns how many objects were open at once at most.
func (s *Watched) MostOpen() int { return int(s.most.Load()) }

type watchedObject struct {
	storage.Object
	end func()
}

func (o *watchedObject) Close() error {
	o.end()
	return o.Object.Close()
}

type watchedWriter struct {
	storage.Writer
	end func()
}

// Commit that fails leaves the writer open: it wants an Abort.
func (w *watchedWriter) Commit() error {
	err := w.Writer.Commit()
	if err == nil {
		w.end()
	}
	return err
}

func (w *watchedWriter) Abort() error {
	w.end()
	return w.Writer.Abort()
}
