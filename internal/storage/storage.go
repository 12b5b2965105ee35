// Package storage is the port to where objects are kept. Drivers live below it:
// local, mem, and fault, which fails on demand.
//
// Its promise: nobody sees an object before its Commit returned nil, an
// Exclusive create has one winner, and a missing object is fs.ErrNotExist.
package storage

import (
	"context"
	"io"
	"iter"
	"time"
)

// A Store holds immutable objects under slash-separated names, which CheckName
// describes. It is safe for concurrent use. Where the context has ended nothing
// happens, and the error is the context's.
type Store interface {
	// Open opens an object for reading. A missing one is fs.ErrNotExist.
	Open(ctx context.Context, name string) (Object, error)
	// Create begins an object. With Exclusive, Create or Commit returns
	// fs.ErrExist when the name is taken.
	Create(ctx context.Context, name string, mode Mode) (Writer, error)
	// List yields the objects whose names begin with prefix, which need not end
	// in a slash, sorted by name, byte by byte. It ends with the first error.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Remove removes an object; a missing one is no error.
	Remove(ctx context.Context, name string) error
}

// An Object is an open object. ReadAt is safe for concurrent use.
type Object interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// A Writer writes one object, which nobody sees until Commit returns nil. After
// Commit, Abort does nothing; Abort leaves nothing behind. A Commit that failed
// wants an Abort; the object may be there all the same. The context of Create
// holds for the writer too: once it ended, Commit commits nothing.
type Writer interface {
	io.Writer
	Commit() error
	Abort() error
}

// Scratch begins the names of objects that belong to one run at work. A store
// need not keep them through a crash of the machine: such a run starts anew.
const Scratch = "tmp/"

// A Mode says what Create does with a name that is taken.
type Mode int

const (
	// Replace lets the new object take the old one's place at Commit.
	Replace Mode = iota
	// Exclusive refuses a taken name with fs.ErrExist: of several writers one wins.
	Exclusive
)

// Info describes an object of a listing.
type Info struct {
	Name    string
	Size    int64
	ModTime time.Time
	ETag    string // empty where the store has none
}
