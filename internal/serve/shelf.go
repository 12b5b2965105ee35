package serve

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
)

const (
	// refreshEvery is how long a catalog is taken for current.
	refreshEvery = time.Second
	// refreshWithin bounds the reading of a catalog, and patience the waiting for it of
	// who can be answered from the one before.
	refreshWithin = 20 * time.Second
	patience      = time.Second
	// staleAfter is how long feeds are served from a catalog that cannot be read
	// anew before the server calls itself ill.
	staleAfter = time.Minute
)

// A shelf knows what is published, and remembers the feeds that were asked for.
type shelf struct {
	store storage.Store
	now   func() time.Time
	log   *slog.Logger // of what becomes of reading the catalog
	one   singleflight.Group
	feeds *otter.Cache[string, *opened] // by the name of their index, which is of one run

	mu      sync.Mutex
	catalog *part.Catalog // the last one that could be read, or nil
	read    time.Time     // when that was
	tried   time.Time     // when it was tried last
	err     error         // of that
}

func newShelf(store storage.Store, memory int64, now func() time.Time, log *slog.Logger) (*shelf, error) {
	feeds, err := otter.New(&otter.Options[string, *opened]{
		MaximumWeight: uint64(memory >> 10),
		Weigher:       func(_ string, o *opened) uint32 { return o.weight() },
	})
	if err != nil {
		return nil, fmt.Errorf("remember feeds: %w", err)
	}
	return &shelf{store: store, now: now, log: log, feeds: feeds}, nil
}

// current returns what is published. Where that cannot be read it is what was
// published before.
func (s *shelf) current(ctx context.Context) (*part.Catalog, error) {
	s.mu.Lock()
	catalog, err, fresh := s.catalog, s.err, s.now().Sub(s.tried) < refreshEvery
	s.mu.Unlock()
	if !fresh {
		catalog, err = s.refresh(ctx, catalog)
	}
	if catalog != nil {
		return catalog, nil
	}
	return nil, err
}

// refresh reads the catalog, once for all who wait for it; that one of them goes
// away, or is content with the one before, does not end it.
func (s *shelf) refresh(ctx context.Context, before *part.Catalog) (*part.Catalog, error) {
	done := s.one.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshWithin)
		defer cancel()
		catalog, err := s.published(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tell(s.err, err)
		s.tried, s.err = s.now(), err
		if catalog != nil {
			s.catalog = catalog
		}
		if err == nil {
			s.read = s.tried
		}
		return s.catalog, err
	})
	var enough <-chan time.Time
	if before != nil {
		enough = time.After(patience)
	}
	select {
	case r := <-done:
		return r.Val.(*part.Catalog), r.Err
	case <-enough:
		return before, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// published reads the catalog. With an error it may be one that lacks holds.
func (s *shelf) published(ctx context.Context) (*part.Catalog, error) {
	catalog, err := part.Published(ctx, s.store)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	before := s.catalog
	s.mu.Unlock()
	if catalog.Run == "" && before != nil && before.Run != "" {
		return nil, fmt.Errorf("nothing is published where run %s was: the warehouse is gone, or another is in its place", before.Run)
	}
	return catalog, catalog.FindHolds(ctx, s.store)
}

// tell logs that the catalog cannot be read any more, or again can. Requests do not
// tell, as long as they are answered from the one before.
func (s *shelf) tell(before, now error) {
	switch {
	case before == nil && now != nil:
		s.log.Error("the published feeds cannot be read anew", "error", now)
	case before != nil && now == nil:
		s.log.Info("the published feeds can be read again")
	}
}

// health returns the error that keeps the catalog from being read, once that is
// so for a while.
func (s *shelf) health(ctx context.Context) error {
	if _, err := s.current(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil && s.now().Sub(s.read) >= staleAfter {
		return s.err
	}
	return nil
}

// An opened feed is its index, with the documents that were asked for.
type opened struct {
	feed *part.Feed
	mu   sync.Mutex
	docs map[form]*document
}

// A form is one of the documents of a feed.
type form struct {
	file   *part.File
	packed bool
}

// A document is what a partner fetches.
type document struct {
	*part.Document
	etag string
}

// open opens a published feed.
func (s *shelf) open(ctx context.Context, catalog *part.Catalog, name string) (*opened, error) {
	index := catalog.Feeds[name].Index
	return s.feeds.Get(ctx, index, otter.LoaderFunc[string, *opened](func(ctx context.Context, _ string) (*opened, error) {
		feed, err := catalog.Open(ctx, s.store, name)
		if err != nil {
			return nil, err
		}
		return &opened{feed: feed, docs: map[form]*document{}}, nil
	}))
}

// weight is about what a feed takes in memory, in KB.
func (o *opened) weight() uint32 {
	n := 4 << 10
	for _, f := range o.feed.Files {
		n += 3*(len(f.Header)+len(f.Footer)) + 120*len(f.Pieces)
	}
	return uint32(n >> 10)
}

func (o *opened) document(file *part.File, packed bool) *document {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := form{file, packed}
	if o.docs[key] == nil {
		d := &document{Document: file.Plain()}
		if packed {
			d.Document = file.Gzip()
		}
		d.etag = `"` + d.Digest().String() + `"`
		o.docs[key] = d
	}
	return o.docs[key]
}

// file returns the file of a name, or nil.
func (o *opened) file(name string) *part.File {
	for _, f := range o.feed.Files {
		if f.Name == name {
			return f
		}
	}
	return nil
}

var fileForm = regexp.MustCompile(`^([a-z0-9-]+)\.(xml|xml\.gz|json)$`)

var numberedForm = regexp.MustCompile(`^(.+)-[1-9][0-9]*$`)

// feedOf returns the name of the published feed that may have a file of a name:
// its own, or that of a numbered feed.
func feedOf(catalog *part.Catalog, file string) (feed string, found bool) {
	if _, found := catalog.Feeds[file]; found {
		return file, true
	}
	if m := numberedForm.FindStringSubmatch(file); m != nil {
		_, found = catalog.Feeds[m[1]]
		return m[1], found
	}
	return file, false
}
