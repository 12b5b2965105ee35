package part

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// Kind is the kind of runs that publish feeds.
const Kind = "feeds"

// A Catalog is the published feeds of a run. It stays as it is when another run
// is published.
type Catalog struct {
	Run      string    // that was published last; "" when none was
	N        int64     // of current
	Finished time.Time // when that run did
	Feeds    map[string]Entry
	Holds    map[string]Hold // that were open then
}

// An Entry is a published feed.
type Entry struct {
	Run        string    `json:"run"`        // that made its bytes
	Index      string    `json:"index"`      // the name of its index
	Content    string    `json:"content"`    // digest of the content
	Updated    time.Time `json:"updated"`    // when the content last changed; in a catalog, for partners (see Changed)
	Since      time.Time `json:"since"`      // when these bytes were made
	Definition string    `json:"definition"` // digest
	Items      int64     `json:"items"`
	Bytes      int64     `json:"bytes"`
	Files      int       `json:"files"`
	Numbered   bool      `json:"numbered,omitempty"` // its files are feed-1, feed-2, ...
}

// A Hold is what a guard keeps from being published. There is one for each feed
// at most: that of a newer run takes its place.
type Hold struct {
	Entry                  // what would be published; without an index where there is nothing to publish
	Opened  time.Time      `json:"opened"` // by the first of the runs that were held, one after the other
	Reasons []guard.Reason `json:"reasons"`
}

// Detail is the part of the detail of a manifest of feeds that others than the
// stage need.
type Detail struct {
	Feeds    map[string]Entry `json:"feeds"`
	Holds    map[string]Hold  `json:"holds,omitempty"`    // that are open
	Withheld bool             `json:"withheld,omitempty"` // the whole run is held: Feeds are those of its base

	feed.Wordings // what the feeds were made by
}

// Published returns the catalog that current points at; without one it has no
// feeds.
func Published(ctx context.Context, store storage.Store) (*Catalog, error) {
	current, changed, err := manifest.CurrentChanges(ctx, store, Kind)
	if err != nil {
		return nil, err
	}
	if current.Run == "" {
		return &Catalog{Feeds: map[string]Entry{}}, nil
	}
	m, err := manifest.Pointed(ctx, store, Kind, current)
	if err != nil {
		return nil, err
	}
	detail, err := DetailOf(m)
	if err != nil {
		return nil, err
	}
	Adopt(detail.Feeds, changed)
	return &Catalog{Run: current.Run, N: current.N, Finished: m.Finished, Feeds: detail.Feeds, Holds: detail.Holds}, nil
}

// FindHolds finds the holds of the last run: where one was held as a whole since current
// moved last, they are those of that one.
func (c *Catalog) FindHolds(ctx context.Context, store storage.Store) error {
	run, err := manifest.Withheld(ctx, store, Kind, manifest.Pointer{N: c.N, Run: c.Run})
	if err != nil || run == "" {
		return err
	}
	m, err := manifest.Read(ctx, store, Kind, run)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was removed since
	}
	if err != nil {
		return err
	}
	detail, err := DetailOf(m)
	if err != nil {
		return err
	}
	c.Holds = detail.Holds
	return nil
}

// Adopt gives feeds the times at which they changed for partners.
func Adopt(feeds map[string]Entry, changed manifest.Changes) {
	for name, at := range changed {
		if e, found := feeds[name]; found && at.After(e.Updated) {
			e.Updated = at
			feeds[name] = e
		}
	}
}

// Changed returns when feeds change for partners if others take the place of those
// of a catalog: now, and always later than before. What stays the same keeps its
// time.
func (c *Catalog) Changed(feeds map[string]Entry, now time.Time) manifest.Changes {
	now = now.UTC().Truncate(time.Second)
	changed := manifest.Changes{}
	for name, e := range feeds {
		before := c.Feeds[name]
		switch {
		case before.Content != e.Content:
			changed[name] = before.ChangedAt(now)
		case before.Updated.After(e.Updated):
			changed[name] = before.Updated
		}
	}
	return changed
}

// ChangedAt returns when a content that takes the place of the entry's changes: at a
// time, but always later than before. The zero Entry is before all.
func (e Entry) ChangedAt(at time.Time) time.Time {
	if !at.After(e.Updated) {
		return e.Updated.Add(time.Second)
	}
	return at
}

// DetailOf returns the detail of the manifest of a run that makes feeds.
func DetailOf(m *manifest.Manifest) (*Detail, error) {
	detail := &Detail{}
	if err := json.Unmarshal(m.Detail, detail); err != nil {
		return nil, fmt.Errorf("read the feeds of run %s: %w", m.Run, err)
	}
	return detail, nil
}

// Open opens the index of a published feed. The error for one that is not
// published is a *MissingError.
func (c *Catalog) Open(ctx context.Context, store storage.Store, feed string) (*Feed, error) {
	entry, found := c.Feeds[feed]
	if !found {
		return nil, &MissingError{feed, diag.Suggest(feed, slices.Sorted(maps.Keys(c.Feeds)))}
	}
	f, err := OpenFeed(ctx, store, entry.Index)
	if err != nil {
		return nil, fmt.Errorf("open feed %s: %w", feed, err)
	}
	if f.Name != feed || f.Run != entry.Run || f.Items() != entry.Items || f.Content.String() != entry.Content {
		return nil, fmt.Errorf("open feed %s: read %s: %w", feed, entry.Index, damaged("it is not what run %s published", c.Run))
	}
	return f, nil
}

// A MissingError says that a feed is not published.
type MissingError struct {
	Feed string
	Near string // the published feed whose name is most like it, or ""
}

func (e *MissingError) Error() string { return fmt.Sprintf("feed %s is not published", e.Feed) }
