package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// makeFolder makes a folder and those above it, and puts their names on the
// disk, also when another process made them: it may not have come to that yet.
func (s *Store) makeFolder(dir string) error {
	if s.known(dir) {
		return nil
	}
	if dir == s.dir {
		return s.makeRoot()
	}
	if err := s.makeFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	s.remember(dir)
	return nil
}

func (s *Store) makeRoot() error {
	if _, err := os.Stat(s.dir); err != nil {
		if err := os.MkdirAll(s.dir, 0o777); err != nil {
			return err
		}
		if err := syncFolder(filepath.Dir(s.dir)); err != nil {
			return err
		}
	}
	s.remember(s.dir)
	return nil
}

func (s *Store) known(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made[dir]
}

func (s *Store) remember(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[dir] = true
}

func (s *Store) forgetAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.made)
}

// settle removes dir and the folders above it as far as they are empty, and
// puts on the disk that a name is gone.
func (s *Store) settle(dir string) error {
	for ; dir != s.dir; dir = filepath.Dir(dir) {
		err := syscall.Rmdir(dir) // os.Remove would remove a symbolic link to a folder
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			break // it is not empty
		}
		s.forgetAll()
	}
	if err := syncFolder(dir); !absent(err) {
		return err
	}
	return nil
}

// syncFolder puts the names in a folder on the disk, where the file system
// knows how.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
