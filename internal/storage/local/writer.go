package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/feedmill/feedmill/internal/storage"
)

// TempPrefix begins the names of files that are not committed.
const TempPrefix = ".tmp-"

// IsTemp reports whether a file's name is one that this package gives to files that are
// not committed, for those who look in a folder that others use, too.
func IsTemp(name string) bool {
	random, found := strings.CutPrefix(name, TempPrefix)
	return found && len(random) >= 26 && strings.Trim(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == "" // as of rand.Text
}

// Create begins a file. A name that is a folder is refused in both modes. What takes
// the place of a file may be read and written by those who might that.
func (s *Store) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	path := s.path(name)
	before, err := vacant(path, mode)
	if err != nil {
		return nil, err
	}
	file, err := s.createTemp(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if before != nil {
		if err := file.Chmod(before.Mode().Perm()); err != nil {
			return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
	}
	return &writer{ctx: ctx, store: s, file: file, path: path, mode: mode, scratch: strings.HasPrefix(name, storage.Scratch)}, nil
}

// vacant returns what is there and will be replaced, nil if nothing is.
func vacant(path string, mode storage.Mode) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil // what matters will be said again
	}
	if info.IsDir() {
		return nil, fmt.Errorf("create %s: a folder of that name exists", path)
	}
	if mode == storage.Exclusive {
		return nil, taken(path)
	}
	return info, nil
}

func taken(path string) error { return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist} }

// createTemp tries again when the folder goes between the two steps, because
// its last object was removed.
func (s *Store) createTemp(dir string) (*os.File, error) {
	for try := 0; ; try++ {
		file, err := s.tryTemp(dir)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || try == 1000 {
			return file, err
		}
		s.forgetAll()
	}
}

func (s *Store) tryTemp(dir string) (*os.File, error) {
	if err := s.makeFolder(dir); err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(dir, TempPrefix+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

type writer struct {
	ctx     context.Context
	store   *Store
	file    *os.File
	path    string
	mode    storage.Mode
	scratch bool  // need not outlive a crash of the machine
	err     error // of a write
	ended   bool
}

func (w *writer) Write(p []byte) (int, error) {
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.file.Write(p)
	w.err = err
	return n, err
}

// Commit returns an error when the object may not be on the disk; it is visible
// all the same when only the last step, the folder, failed.
func (w *writer) Commit() error {
	if w.ended {
		return &fs.PathError{Op: "commit", Path: w.path, Err: fs.ErrClosed}
	}
	if err := w.complete(); err != nil {
		return errors.Join(err, w.Abort())
	}
	if err := w.publish(); err != nil {
		return errors.Join(err, w.Abort())
	}
	w.ended = true
	if w.scratch {
		return nil
	}
	return syncFolder(filepath.Dir(w.path))
}

func (w *writer) complete() error {
	if w.err != nil {
		return fmt.Errorf("commit %s after a failed write: %w", w.path, w.err)
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if !w.scratch {
		if err := w.file.Sync(); err != nil {
			return err
		}
	}
	return w.file.Close()
}

func (w *writer) publish() error {
	if w.mode == storage.Replace {
		return os.Rename(w.file.Name(), w.path)
	}
	err := os.Link(w.file.Name(), w.path)
	if errors.Is(err, fs.ErrExist) && !w.linked() {
		return taken(w.path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	os.Remove(w.file.Name()) // a leftover harms nobody, and the object is there
	return nil
}

// linked reports whether the name is ours after all: a network file system may
// repeat a request whose answer was lost, and then reports the name as taken.
func (w *writer) linked() bool {
	temp, err := os.Stat(w.file.Name())
	if err != nil {
		return false
	}
	target, err := os.Stat(w.path)
	return err == nil && os.SameFile(temp, target)
}

// Abort leaves nothing behind, the folders made for the object included.
func (w *writer) Abort() error {
	if w.ended {
		return nil
	}
	w.ended = true
	w.file.Close() // it may be closed; what it holds is not wanted
	if err := os.Remove(w.file.Name()); err != nil && !absent(err) {
		return err
	}
	return w.store.settle(filepath.Dir(w.path))
}
