package hdfs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/colinmarc/hdfs/v2"

	"github.com/feedmill/feedmill/internal/storage"
)

// List yields objects by name; folders that the prefix excludes are not looked into.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		w := &walk{ctx: ctx, store: s, prefix: prefix}
		w.yield = func(e entry, err error) bool {
			return yield(storage.Info{Name: e.name, Size: size(e.info), ModTime: modTime(e.info)}, err)
		}
		if err := cmp.Or(ctx.Err(), storage.CheckPrefix(prefix)); err != nil {
			yield(storage.Info{}, err)
			return
		}
		folder := prefix[:strings.LastIndexByte(prefix, '/')+1]
		w.folder(folder, w.wanted)
	}
}

// Folders implements storage.Foldered. Objects that were created Exclusive are folders
// to HDFS, and are among them.
func (s *Store) Folders(ctx context.Context, folder string) ([]string, error) {
	if err := cmp.Or(ctx.Err(), storage.CheckPrefix(folder)); err != nil {
		return nil, err
	}
	infos, err := s.readDir(ctx, s.path(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.failed(ctx, "list", folder, err)
	}
	var names []string
	for _, info := range infos {
		if info.IsDir() && storage.CheckName(info.Name()) == nil {
			names = append(names, info.Name())
		}
	}
	return names, nil
}

func size(info os.FileInfo) int64 {
	if info == nil {
		return 0
	}
	return info.Size()
}

func modTime(info os.FileInfo) time.Time {
	if info == nil {
		return time.Time{}
	}
	return info.ModTime()
}

// An entry is something in a folder: an object, or a folder, whose name ends in a
// slash.
type entry struct {
	name string // in the store
	path string // of its file
	info os.FileInfo
}

// A walk goes through folders in the order of the names of objects.
type walk struct {
	ctx    context.Context
	store  *Store
	prefix string
	yield  func(entry, error) bool
	hidden bool // what is being put together, and nothing else
}

// wanted reports whether a name may begin with the prefix, or a folder have such
// names.
func (w *walk) wanted(name string) bool {
	return strings.HasPrefix(name, w.prefix) || strings.HasSuffix(name, "/") && strings.HasPrefix(w.prefix, name)
}

// folder yields what is below a folder, which is empty or ends in a slash; it
// returns false when nobody wants more.
func (w *walk) folder(folder string, wanted func(string) bool) bool {
	entries, err := w.entries(folder)
	if err != nil {
		return w.yield(entry{}, w.store.failed(w.ctx, "list", folder, err)) && false
	}
	for _, e := range entries {
		if !wanted(e.name) {
			continue
		}
		if strings.HasSuffix(e.name, "/") {
			if !w.folder(e.name, wanted) {
				return false
			}
			continue
		}
		if err := w.ctx.Err(); err != nil {
			return w.yield(entry{}, err) && false
		}
		if !w.yield(e, nil) {
			return false
		}
	}
	return true
}

// entries reads a folder; one that is not there has none.
func (w *walk) entries(folder string) ([]entry, error) {
	infos, err := w.store.readDir(w.ctx, w.store.path(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, info := range infos {
		e := entry{folder + info.Name(), path.Join(w.store.path(folder), info.Name()), info}
		hidden := strings.HasPrefix(info.Name(), hiddenPrefix)
		switch {
		case hidden != w.hidden && (hidden || !info.IsDir()):
			continue
		case hidden:
		case info.IsDir():
			if e, err = w.inside(e); err != nil {
				return nil, err
			}
			if w.hidden && !strings.HasSuffix(e.name, "/") {
				continue
			}
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// inside tells an Exclusive object from a folder. A folder that is not wanted is
// not asked.
func (w *walk) inside(e entry) (entry, error) {
	if !w.wanted(e.name) && !w.wanted(e.name+"/") {
		return e, nil
	}
	file := path.Join(e.path, innerName)
	info, err := w.store.stat(w.ctx, file)
	if errors.Is(err, fs.ErrNotExist) {
		e.name += "/"
		return e, nil
	}
	e.path, e.info = file, info
	return e, err
}

// notFolder says of a file that nothing is below it.
func notFolder(info os.FileInfo) error {
	if info == nil {
		return nil
	}
	return fs.ErrNotExist
}

func (s *Store) readDir(ctx context.Context, folder string) ([]os.FileInfo, error) {
	return call(ctx, s.client, func(conn *hdfs.Client) ([]os.FileInfo, error) {
		if info, err := conn.Stat(folder); err != nil || !info.IsDir() {
			return nil, errors.Join(err, notFolder(info))
		}
		return conn.ReadDir(folder)
	})
}

// Leftovers implements storage.Leaver: what writers put together and did not
// commit.
func (s *Store) Leftovers(ctx context.Context, prefix string) iter.Seq2[storage.Leftover, error] {
	return func(yield func(storage.Leftover, error) bool) {
		w := &walk{ctx: ctx, store: s, prefix: prefix, hidden: true}
		w.yield = func(e entry, err error) bool {
			if err != nil {
				return yield(storage.Leftover{}, err)
			}
			return yield(s.leftover(e), nil)
		}
		w.folder(prefix[:strings.LastIndexByte(prefix, '/')+1], func(name string) bool {
			return w.wanted(name) || w.wanted(objectOf(name))
		})
	}
}

// objectOf is the name of the object that a hidden name was to become.
func objectOf(name string) string {
	folder, base := path.Split(name)
	rest, found := strings.CutPrefix(base, tmpPrefix)
	if _, of, cut := strings.Cut(rest, "-"); found && cut {
		return folder + of
	}
	return name
}

func (s *Store) leftover(e entry) storage.Leftover {
	return storage.Leftover{
		Name: objectOf(e.name), Size: e.info.Size(), ModTime: e.info.ModTime(),
		Discard: func(ctx context.Context) error {
			if err := s.removeAll(ctx, e.path); err != nil {
				return fmt.Errorf("discard what was left of %s: %w", s.url(objectOf(e.name)), err)
			}
			s.removeEmpty(ctx, path.Dir(e.path))
			return nil
		},
	}
}
