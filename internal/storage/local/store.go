// Package local keeps objects as files below a directory.
//
// Its promise: a committed object is on the disk, content, name and folders; an
// object that is not committed is a file whose name begins with TempPrefix, in
// the folder of the object, which no listing shows and which a killed writer
// leaves behind: Leftovers finds it. Folders come with their first object and go with
// their last; those that a killed writer left empty are found by Leftovers, too.
//
// Replace renames the temporary file, Exclusive links it to the name, so the
// file system needs hard links. Symbolic links are followed.
package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Store keeps objects below a directory, which need not exist before the
// first of them.
type Store struct {
	dir  string
	mu   sync.Mutex
	made map[string]bool // folders that exist and whose names are on the disk
}

var (
	_ storage.Store    = (*Store)(nil)
	_ storage.Leaver   = (*Store)(nil)
	_ storage.Foldered = (*Store)(nil)
)

// New returns the store below dir.
func New(dir string) *Store {
	return &Store{dir: filepath.Clean(dir), made: map[string]bool{}}
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func check(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return storage.CheckName(name)
}

// Open opens a file. Folders and special files are no objects: fs.ErrNotExist.
func (s *Store) Open(ctx context.Context, name string) (storage.Object, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	path := s.path(name)
	if err := regular(path); err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &object{File: file, size: info.Size()}, nil
}

// regular asks before opening, because opening a named pipe waits for a writer.
func regular(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, syscall.ENOTDIR) || err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return err
}

type object struct {
	*os.File
	size int64
}

func (o *object) Size() int64 { return o.size }

// Remove removes a file and the folders that it leaves empty.
func (s *Store) Remove(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	return s.remove(s.path(name))
}

func (s *Store) remove(path string) error {
	if info, err := os.Lstat(path); absent(err) || err == nil && info.IsDir() {
		return nil
	}
	if err := os.Remove(path); err != nil && !absent(err) {
		return err
	}
	return s.settle(filepath.Dir(path))
}

func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
