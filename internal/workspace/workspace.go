// Package workspace loads what a user wrote: feedmill.yaml, the feeds and the
// templates, checked against each other.
//
// Its promise: Load returns either a workspace in which everything that a stage
// needs is present and of the right type, or every mistake of every file with
// its place and a hint, and it never panics, whatever the bytes.
package workspace

import (
	"path/filepath"
	"strings"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/template"
)

// A Workspace is everything a stage needs to know of the user's files.
type Workspace struct {
	File string // feedmill.yaml as it was named
	Dir  string // its directory, to which relative paths are relative

	Warehouse  string            // a path or a URL, as written; see Resolve
	Stores     map[string]string // by kind of artefact, where it is not in the warehouse; see Resolve
	Partitions int               // a power of two
	Memory     int64             // bytes
	Engine     Engine
	S3         S3
	HDFS       HDFS

	Sources      []*source.Source        // in the file's order
	SourceGuards map[string]guard.Limits // by source

	Offer  *OfferDefinition
	Schema offer.Schema // the snapshot's columns: id first, hidden ones left out
	Full   offer.Schema // with the hidden ones

	Guard     guard.Limits // of the workspace; held_feeds counts here
	Shared    predicate.Shared
	Feeds     []*feed.Feed      // by name, also those that are not enabled
	Events    []*feed.EventFeed // by name, also those that are not enabled
	Tests     []*feed.Test      // by file
	Templates map[string]*template.Template

	Kafka        *Kafka // nil: the stored change set is the hand-over
	Destinations []Destination
	Notify       []Notice
	Serve        Serve
	Retention    Retention

	templateDir string
	env         func(string) (string, bool) // looks up an environment variable
}

// Resolve returns a path of the workspace relative to where the process is;
// URLs and absolute paths are returned as they are.
func (w *Workspace) Resolve(path string) string {
	if strings.Contains(path, "://") || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(w.Dir, path)
}

// Source returns the source of a name, or nil.
func (w *Workspace) Source(name string) *source.Source {
	for _, s := range w.Sources {
		if s.Def.Name == name {
			return s
		}
	}
	return nil
}
