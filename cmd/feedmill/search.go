package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/feedmill/feedmill/internal/preview"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
)

// search opens what preview and explain look through, but for the snapshot, and
// hands it on. Its scratch is a folder of this machine, and removed afterwards.
func (a *app) search(at string, do func(preview.Search, storage.Store) error) (err error) {
	q := preview.Search{Workers: a.workers}
	if q.At, err = parseNow(at); err != nil {
		return err
	}
	if q.At.IsZero() {
		q.At = a.now().UTC()
	}
	var store storage.Store
	if q.Workspace, store, err = a.openWorkspace(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "feedmill-")
	if err != nil {
		return fmt.Errorf("make a folder for scratch: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	q.Scratch = local.New(dir)
	return do(q, store)
}
