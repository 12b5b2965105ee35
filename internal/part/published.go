package part

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// Kind is the kind of runs that publish feeds.
const Kind = "feeds"

// A Catalog is the published feeds of a run. It stays as it is when another run
// is published.
type Catalog struct {
	Run   string // that was published last; "" when none was
	N     int64  // of current
	Feeds map[string]Entry
}

// An Entry is a published feed.
type Entry struct {
	Run     string    `json:"run"`     // that made its bytes
	Index   string    `json:"index"`   // the name of its index
	Content string    `json:"content"` // digest of the content
	Updated time.Time `json:"updated"` // when the content last changed
	Items   int64     `json:"items"`
	Bytes   int64     `json:"bytes"`
	Files   int       `json:"files"`
}

// Detail is the part of the detail of a manifest of feeds that readers need.
type Detail struct {
	Feeds map[string]Entry `json:"feeds"`
}

// Published returns the catalog that current points at; without one it has no
// feeds.
func Published(ctx context.Context, store storage.Store) (*Catalog, error) {
	current, err := manifest.Current(ctx, store, Kind)
	if err != nil {
		return nil, err
	}
	if current.Run == "" {
		return &Catalog{Feeds: map[string]Entry{}}, nil
	}
	m, err := manifest.Read(ctx, store, Kind, current.Run)
	if err != nil {
		return nil, err
	}
	var detail Detail
	if err := json.Unmarshal(m.Detail, &detail); err != nil {
		return nil, fmt.Errorf("read the feeds of run %s: %w", current.Run, err)
	}
	return &Catalog{Run: current.Run, N: current.N, Feeds: detail.Feeds}, nil
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
