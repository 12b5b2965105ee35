package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/storage"
)

// List walks the folders that can hold such names. Files that come or go
// meanwhile may or may not be listed.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		l := lister{store: s, ctx: ctx, prefix: prefix, yield: yield}
		l.list()
	}
}

// Folders implements storage.Foldered. Like List it follows symbolic links.
func (s *Store) Folders(ctx context.Context, folder string) ([]string, error) {
	l := lister{store: s, ctx: ctx, prefix: folder}
	if err := storage.CheckPrefix(folder); err != nil {
		return nil, err
	}
	entries, _, err := l.read(folder)
	var names []string
	for _, e := range entries {
		if name, found := strings.CutSuffix(e.name, "/"); found {
			names = append(names, name)
		}
	}
	return names, err
}

// Leftovers walks as List does and yields the temporary files instead, and the empty
// folders below the prefix's: a writer made them that died before its first byte.
func (s *Store) Leftovers(ctx context.Context, prefix string) iter.Seq2[storage.Leftover, error] {
	return func(yield func(storage.Leftover, error) bool) {
		l := lister{store: s, ctx: ctx, prefix: prefix, temporary: true, yield: func(info storage.Info, err error) bool {
			return yield(s.leftover(info), err)
		}}
		l.list()
	}
}

func (s *Store) leftover(info storage.Info) storage.Leftover {
	return storage.Leftover{Name: info.Name, Size: info.Size, ModTime: info.ModTime, Discard: func(ctx context.Context) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasSuffix(info.Name, "/") {
			return s.settle(s.path(info.Name))
		}
		return s.remove(s.path(info.Name))
	}}
}

var errStop = errors.New("the caller has seen enough")

type lister struct {
	store  *Store
	ctx    context.Context
	prefix string
	yield  func(storage.Info, error) bool

	temporary bool // the files that are not committed, instead of those that are
}

func (l *lister) list() {
	err := storage.CheckPrefix(l.prefix)
	if err == nil {
		_, err = l.walk(l.prefix[:strings.LastIndexByte(l.prefix, '/')+1])
	}
	if err != nil && !errors.Is(err, errStop) {
		l.yield(storage.Info{}, err)
	}
}

// An entry's name ends in a slash when it is a folder, so that sorted entries
// give names in order: "a-b" comes before "a/b".
type entry struct {
	name string
	info fs.FileInfo
}

// walk reports whether nothing at all is in the folder.
func (l *lister) walk(folder string) (empty bool, err error) {
	entries, empty, err := l.read(folder)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if err := l.visit(folder+e.name, e.info); err != nil {
			return false, err
		}
	}
	return empty, nil
}

func (l *lister) visit(name string, info fs.FileInfo) error {
	if strings.HasSuffix(name, "/") {
		empty, err := l.walk(name)
		if err != nil || !empty || !l.temporary || !l.folder(name) {
			return err
		}
	}
	out := storage.Info{Name: name, ModTime: info.ModTime()}
	if !info.IsDir() {
		out.Size = info.Size()
	}
	if !l.yield(out, nil) {
		return errStop
	}
	return nil
}

// folder reports whether a name, which ends in a slash, is a folder's and no symbolic
// link's, and a leftover could have it.
func (l *lister) folder(name string) bool {
	info, err := os.Lstat(l.store.path(name))
	return err == nil && info.IsDir() && strings.HasPrefix(name, l.prefix)
}

func (l *lister) read(folder string) (entries []entry, empty bool, err error) {
	if err := l.ctx.Err(); err != nil {
		return nil, false, err
	}
	found, err := os.ReadDir(l.store.path(folder))
	if absent(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	entries = make([]entry, 0, len(found))
	for _, f := range found {
		e, err := l.entry(folder, f)
		if err != nil {
			return nil, false, err
		}
		if e.info != nil {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return entries, len(found) == 0, nil
}

// entry returns the zero entry for what is not listed.
func (l *lister) entry(folder string, found fs.DirEntry) (entry, error) {
	name := found.Name()
	temporary := strings.HasPrefix(name, TempPrefix)
	if name[0] == '.' && !temporary || !l.wanted(folder+name) {
		return entry{}, nil
	}
	info, err := l.stat(folder+name, found)
	switch {
	case absent(err):
		return entry{}, nil
	case err != nil:
		return entry{}, err
	case info.IsDir() && !temporary:
		return entry{name + "/", info}, nil
	case info.Mode().IsRegular() && temporary == l.temporary:
		return entry{name, info}, nil
	default:
		return entry{}, nil
	}
}

func (l *lister) wanted(name string) bool {
	return strings.HasPrefix(name, l.prefix) || strings.HasPrefix(l.prefix, name+"/")
}

func (l *lister) stat(name string, found fs.DirEntry) (fs.FileInfo, error) {
	if found.Type()&fs.ModeSymlink == 0 {
		return found.Info()
	}
	path := l.store.path(name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list %s: the symbolic link leads nowhere", path)
	}
	if err != nil || !info.IsDir() {
		return info, err
	}
	return info, noLoop(path)
}

// noLoop refuses a symbolic link to a folder that holds the link.
func noLoop(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return err
	}
	if strings.HasPrefix(parent+"/", strings.TrimSuffix(target, "/")+"/") {
		return fmt.Errorf("list %s: the symbolic link leads to a folder that holds it", path)
	}
	return nil
}
