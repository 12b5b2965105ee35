package hdfs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/colinmarc/hdfs/v2"

	"github.com/feedmill/feedmill/internal/storage"
)

// Create begins an object, in a local temporary file. It asks nothing of HDFS but
// whether an Exclusive name is taken.
func (s *Store) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	if mode == storage.Exclusive {
		if _, _, err := s.find(ctx, name); !errors.Is(err, fs.ErrNotExist) {
			if err == nil {
				err = fs.ErrExist
			}
			return nil, s.failed(ctx, "create", name, err)
		}
	}
	spool, err := os.CreateTemp("", "feedmill-hdfs-*")
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", s.url(name), err)
	}
	_ = os.Remove(spool.Name()) // it goes with its last descriptor
	return &writer{ctx: ctx, store: s, name: name, mode: mode, owner: rand.Text(), spool: spool}, nil
}

type writer struct {
	ctx   context.Context
	store *Store
	name  string
	mode  storage.Mode
	owner string // a word that no other writer has
	spool *os.File
	err   error // of a write
	ended bool
	sent  bool // something of it may be in HDFS
}

func (w *writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, &fs.PathError{Op: "write", Path: w.store.url(w.name), Err: fs.ErrClosed}
	}
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.spool.Write(p)
	w.err = err
	return n, err
}

// tmp is where the object is put together: a file, or an Exclusive one's folder.
func (w *writer) tmp() string {
	target := w.store.path(w.name)
	return path.Join(path.Dir(target), tmpPrefix+w.owner+"-"+path.Base(target))
}

// Commit sends the object and gives it its name.
func (w *writer) Commit() error {
	if w.ended {
		return &fs.PathError{Op: "commit", Path: w.store.url(w.name), Err: fs.ErrClosed}
	}
	if err := w.commit(); err != nil {
		return errors.Join(w.store.failed(w.ctx, "commit", w.name, err), w.Abort())
	}
	w.ended = true
	return w.spool.Close()
}

func (w *writer) commit() error {
	if w.err != nil {
		return fmt.Errorf("after a failed write: %w", w.err)
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	w.sent = true
	if w.mode == storage.Exclusive {
		id, err := w.send(path.Join(w.tmp(), innerName))
		if err != nil {
			return err
		}
		return w.claim(id)
	}
	for try := 1; ; try++ {
		id, err := w.send(w.tmp())
		if err != nil {
			return err
		}
		if err := w.replace(id); !errors.Is(err, fs.ErrNotExist) || try == tries {
			return err
		}
	}
}

// tries is how often an object is sent whose file is found gone, and not under its
// name: another writer has replaced it since, or a removal came late.
const tries = 3

// send writes the file, anew with every try: a write does not survive the loss of
// a DataNode, and the NameNode needs some seconds to believe it. It returns the
// file's id, by which it is known wherever it is renamed to.
func (w *writer) send(file string) (id uint64, err error) {
	size, err := w.spool.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	return call(w.ctx, w.store.client, func(conn *hdfs.Client) (uint64, error) {
		if err := conn.MkdirAll(path.Dir(file), 0o755); err != nil {
			return 0, err
		}
		if err := conn.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		if err := write(conn, file, io.NewSectionReader(w.spool, 0, size)); err != nil {
			return 0, again(err)
		}
		info, err := conn.Stat(file)
		if err != nil {
			return 0, again(err)
		}
		return fileID(info), nil
	})
}

// again makes an error one that is tried again: of a folder that another process
// removed since it was made, and of whatever the DataNodes say. A quota stays.
func again(err error) error {
	var remote hdfs.Error
	if err == nil || errors.Is(err, fs.ErrPermission) || errors.As(err, &remote) && strings.HasSuffix(remote.Exception(), "QuotaExceededException") {
		return err
	}
	return errors.New(err.Error())
}

func write(conn *hdfs.Client, file string, from io.Reader) error {
	to, err := conn.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close() // it is written anew
		return err
	}
	deadline := time.Now().Add(patience)
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := to.Close()
		if !hdfs.IsErrReplicating(err) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(wait)
	}
}

// replace renames the file onto the name, or onto the file within, where an
// Exclusive object has it. Of an earlier try the answer may have been lost.
func (w *writer) replace(id uint64) error {
	_, err := call(w.ctx, w.store.client, func(conn *hdfs.Client) (struct{}, error) {
		target, _, err := inside(conn, w.store.path(w.name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return struct{}{}, err
		}
		if err := w.rename(conn, target); err != nil && !holds(conn, target, id) {
			return struct{}{}, err
		}
		return struct{}{}, nil
	})
	return err
}

// claim renames the folder onto the name, which fails where it is taken.
func (w *writer) claim(id uint64) error {
	target := w.store.path(w.name)
	_, err := call(w.ctx, w.store.client, func(conn *hdfs.Client) (struct{}, error) {
		err := w.rename(conn, target)
		switch {
		case err == nil || holds(conn, path.Join(target, innerName), id):
			return struct{}{}, nil
		case errors.Is(err, syscall.ENOTEMPTY):
			return struct{}{}, fs.ErrExist
		}
		if _, _, taken := inside(conn, target); taken == nil {
			return struct{}{}, fs.ErrExist
		}
		return struct{}{}, err
	})
	return err
}

// rename moves what was put together, unless its writer has left.
func (w *writer) rename(conn *hdfs.Client, target string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return conn.Rename(w.tmp(), target)
}

// inside returns the file of an object, whichever its form is.
func inside(conn *hdfs.Client, file string) (string, os.FileInfo, error) {
	info, err := conn.Stat(file)
	if err == nil && info.IsDir() {
		file = path.Join(file, innerName)
		info, err = conn.Stat(file)
	}
	return file, info, err
}

// holds reports whether a path is that of a file with an id.
func holds(conn *hdfs.Client, file string, id uint64) bool {
	info, err := conn.Stat(file)
	return err == nil && id != 0 && fileID(info) == id
}

// abortTime is how long an Abort whose context has ended may take.
const abortTime = 1500 * time.Millisecond

// Abort leaves nothing behind; what cannot be removed is a Leftover.
func (w *writer) Abort() error {
	if w.ended {
		return nil
	}
	w.ended = true
	err := w.spool.Close()
	if !w.sent {
		return err
	}
	ctx, cancel := w.ctx, func() {}
	if ctx.Err() != nil {
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	}
	defer cancel()
	if failed := w.store.removeAll(ctx, w.tmp()); failed != nil {
		return errors.Join(err, w.store.failed(ctx, "abort", w.name, failed))
	}
	w.store.removeEmpty(ctx, path.Dir(w.tmp()))
	return err
}
