package serve

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

//go:embed status.html
var statusText string

var statusPage = template.Must(template.New("status").Parse(statusText))

// A page is what the status page shows.
type page struct {
	Now     string
	Run     string // current
	Age     string // since it finished
	Last    *lastRun
	Feeds   []feedRow
	Held    int
	Trouble string // the catalog cannot be read anew
}

// A lastRun is the newest run of generate, whatever became of it.
type lastRun struct {
	Run, Status, Age, Reason string
}

type feedRow struct {
	Name    string
	Items   string
	Size    string
	Updated string // how long ago its content changed
	Run     string
	Links   []link
	Held    *heldRow
}

type link struct{ Path, Text string }

type heldRow struct {
	Since   string
	Run     string
	Reasons []string
}

// status answers / with a page for people.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if status := s.access.watch(s.userOf(r)); status != http.StatusOK {
		refuse(w, status)
		return
	}
	p, err := s.page(r.Context())
	if err != nil {
		s.broken(w, r, "the published feeds cannot be read", err)
		return
	}
	var b bytes.Buffer
	if err := statusPage.Execute(&b, p); err != nil {
		s.broken(w, r, "the page cannot be made", err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b.Bytes()))
}

func (s *Server) page(ctx context.Context) (*page, error) {
	catalog, err := s.shelf.current(ctx)
	if err != nil {
		return nil, err
	}
	now := s.o.Now()
	p := &page{Now: now.UTC().Format("2006-01-02 15:04:05 UTC"), Run: catalog.Run, Held: len(catalog.Holds)}
	if catalog.Run != "" {
		p.Age = ago(now, catalog.Finished)
	}
	if err := s.shelf.health(ctx); err != nil {
		p.Trouble = "The warehouse cannot be read; this is what was published before."
	}
	if p.Last, err = s.lastRun(ctx, now); err != nil {
		s.o.Log.Warn("the newest run cannot be read", "error", err)
	}
	names := slices.Collect(maps.Keys(catalog.Feeds))
	for name := range catalog.Holds {
		if _, found := catalog.Feeds[name]; !found {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		p.Feeds = append(p.Feeds, rowOf(catalog, name, now))
	}
	return p, nil
}

func (s *Server) lastRun(ctx context.Context, now time.Time) (*lastRun, error) {
	run, err := manifest.Last(ctx, s.o.Store, part.Kind)
	if err != nil || run == "" {
		return nil, err
	}
	m, err := manifest.Read(ctx, s.o.Store, part.Kind, run)
	if err != nil {
		return nil, err
	}
	out := &lastRun{Run: m.Run, Status: m.Status, Age: ago(now, m.Finished)}
	detail, err := part.DetailOf(m)
	if err == nil && detail.Withheld {
		out.Reason = "All of it is held: too many feeds are."
	}
	return out, err
}

func rowOf(catalog *part.Catalog, name string, now time.Time) feedRow {
	e, published := catalog.Feeds[name]
	row := feedRow{Name: name, Items: humanize.Comma(e.Items), Size: humanize.Bytes(uint64(e.Bytes)), Run: e.Run}
	if published {
		row.Updated = ago(now, e.Updated)
		row.Links = []link{{"/feeds/" + name + ".json", "about"}}
		if !e.Numbered {
			row.Links = append(row.Links, link{"/feeds/" + name + ".xml", "xml"}, link{"/feeds/" + name + ".xml.gz", "gz"})
		}
		for i := 1; e.Numbered && i <= e.Files; i++ {
			row.Links = append(row.Links, link{fmt.Sprintf("/feeds/%s-%d.xml", name, i), fmt.Sprintf("-%d.xml", i)})
		}
	}
	if hold, held := catalog.Holds[name]; held {
		row.Held = &heldRow{Since: ago(now, hold.Opened), Run: hold.Run}
		for _, reason := range hold.Reasons {
			row.Held.Reasons = append(row.Held.Reasons, reason.Text)
		}
	}
	return row
}

// ago says how long ago something was.
func ago(now, then time.Time) string { return humanize.RelTime(then, now, "ago", "from now") }
