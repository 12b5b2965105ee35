package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/colinmarc/hdfs/v2"

	"github.com/feedmill/feedmill/internal/storage"
)

const (
	hiddenPrefix = ".feedmill-"
	innerName    = ".feedmill-object"
	tmpPrefix    = ".feedmill-tmp-"
)

// A Store is the objects below a folder.
type Store struct {
	client *Client
	root   string // absolute
	base   string // hdfs://authority, for messages
}

var (
	_ storage.Store  = (*Store)(nil)
	_ storage.Leaver = (*Store)(nil)
)

// Authority returns the NameNodes that a URL names, and its path.
func Authority(url string) (authority, folder string, err error) {
	rest, found := strings.CutPrefix(url, "hdfs://")
	if !found {
		return "", "", fmt.Errorf("open %s: hdfs://HOST:8020/PATH is meant", url)
	}
	authority, folder, _ = strings.Cut(rest, "/")
	return authority, path.Clean("/" + folder), nil
}

// Store returns the store at a URL of the client's cluster.
func (c *Client) Store(url string) (*Store, error) {
	authority, folder, err := Authority(url)
	if err != nil {
		return nil, err
	}
	return &Store{client: c, root: folder, base: "hdfs://" + authority}, nil
}

func (s *Store) path(name string) string { return path.Join(s.root, name) }
func (s *Store) url(name string) string  { return s.base + s.path(name) }

// check refuses names that cannot be objects, and ended contexts. None begins with
// a dot, as those do that are being put together.
func check(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return storage.CheckName(name)
}

// failed says what failed; the context's end is its own word.
func (s *Store) failed(ctx context.Context, op, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, word := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission} {
		if errors.Is(err, word) {
			return &fs.PathError{Op: op, Path: s.url(name), Err: word}
		}
	}
	return fmt.Errorf("%s %s: %w", op, s.url(name), err)
}

// stat returns what is at a path.
func (s *Store) stat(ctx context.Context, file string) (os.FileInfo, error) {
	return call(ctx, s.client, func(conn *hdfs.Client) (os.FileInfo, error) { return conn.Stat(file) })
}

// find returns the file of an object, whichever its form is.
func (s *Store) find(ctx context.Context, name string) (file string, info os.FileInfo, err error) {
	type found struct {
		file string
		info os.FileInfo
	}
	f, err := call(ctx, s.client, func(conn *hdfs.Client) (found, error) {
		file, info, err := inside(conn, s.path(name))
		return found{file, info}, err
	})
	return f.file, f.info, err
}

// Remove removes an object, and the folders that are empty then.
func (s *Store) Remove(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	file, _, err := s.find(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return s.failed(ctx, "remove", name, err)
	}
	if path.Base(file) == innerName {
		file = path.Dir(file)
	}
	if err := s.removeAll(ctx, file); err != nil {
		return s.failed(ctx, "remove", name, err)
	}
	s.removeEmpty(ctx, path.Dir(file))
	return nil
}

// removeAll removes a file or a folder with what is in it; one that is gone is no
// error.
func (s *Store) removeAll(ctx context.Context, file string) error {
	_, err := call(ctx, s.client, func(conn *hdfs.Client) (struct{}, error) { return struct{}{}, conn.RemoveAll(file) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeEmpty removes folders from one upward as long as they are empty.
func (s *Store) removeEmpty(ctx context.Context, folder string) {
	for strings.HasPrefix(folder, s.root+"/") && folder != s.root {
		_, err := call(ctx, s.client, func(conn *hdfs.Client) (struct{}, error) { return struct{}{}, conn.Remove(folder) })
		if err != nil {
			return // not empty, or somebody else's matter
		}
		folder = path.Dir(folder)
	}
}
