package part

import (
	"context"
	"errors"
	"io"

	"github.com/feedmill/feedmill/internal/storage"
)

var errSkeleton = errors.New("not written yet")

// A Catalog is the published feeds of a run. It stays as it is when another run
// is published.
type Catalog struct {
	Run   string
	Feeds map[string]Entry
}

// An Entry says which run serves a feed.
type Entry struct {
	Run   string `json:"run"`
	Index string `json:"index"` // the name of the feed's index object
}

// Published returns the catalog that current points at; without one it has no
// feeds.
func Published(ctx context.Context, store storage.Store) (*Catalog, error) { return nil, errSkeleton }

// Open opens the index of a published feed. The error for one that is not
// published is a *MissingError.
func (c *Catalog) Open(ctx context.Context, store storage.Store, feed string) (*Feed, error) {
	return nil, errSkeleton
}

// A MissingError says that a feed is not published.
type MissingError struct {
	Feed string
	Near string // the published feed whose name is most like it, or ""
}

func (e *MissingError) Error() string { return "" }

// A Feed is an opened feed index: a feed's files as they were published.
type Feed struct {
	Name  string
	Run   string
	Files []*File // one, or several when the feed is numbered
}

// A File is one XML document of a feed.
type File struct {
	Name  string // feed, or feed-1, feed-2, ... of a numbered feed
	Items int64
}

// Size returns the length of the file's plain bytes.
func (f *File) Size() int64 { return 0 }

// GzipSize returns the length of the file as a gzip member.
func (f *File) GzipSize() int64 { return 0 }

// WritePlain writes the plain bytes, each segment checked before it is written.
func (f *File) WritePlain(ctx context.Context, store storage.Store, w io.Writer) error {
	return errSkeleton
}

// WriteGzip writes the file as one gzip member without compressing anew.
func (f *File) WriteGzip(ctx context.Context, store storage.Store, w io.Writer) error {
	return errSkeleton
}
