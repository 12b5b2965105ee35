package serve

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/part"
)

// feed answers requests for /feeds/NAME.xml, .xml.gz and .json.
func (s *Server) feed(w http.ResponseWriter, r *http.Request) {
	m := fileForm.FindStringSubmatch(r.PathValue("file"))
	if m == nil {
		http.NotFound(w, r)
		return
	}
	catalog, err := s.shelf.current(r.Context())
	if err != nil {
		s.broken(w, r, "the published feeds cannot be read", err)
		return
	}
	name, found := feedOf(catalog, m[1])
	if status := s.mayFetch(r, m[1], name, found); status != http.StatusOK {
		refuse(w, status)
		return
	}
	if !found {
		s.missing(w, r, catalog)
		return
	}
	o, err := s.shelf.open(r.Context(), catalog, name)
	if err != nil {
		s.broken(w, r, "the feed cannot be read", err)
		return
	}
	noteOf(r).run = o.feed.Run
	updated := catalog.Feeds[name].Updated
	if m[2] == "json" {
		s.describe(w, r, m[1], o, updated)
		return
	}
	s.file(w, r, o, updated, m[1], m[2] == "xml.gz")
}

// mayFetch returns the status of a request for a file. Where there is no such feed, it
// would be one of this name, or a file of a numbered one.
func (s *Server) mayFetch(r *http.Request, file, feed string, found bool) int {
	u := s.userOf(r)
	if !found && s.access.fetch(u, file) == http.StatusOK {
		return http.StatusOK
	}
	return s.access.fetch(u, feed)
}

// missing answers a request for a feed that is not there. Where nothing was ever
// published, the warehouse may not be there yet either: nobody is told that feeds are
// gone for good.
func (s *Server) missing(w http.ResponseWriter, r *http.Request, catalog *part.Catalog) {
	if catalog.Run != "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Retry-After", "30")
	http.Error(w, "nothing is published yet", http.StatusServiceUnavailable)
}

// broken answers a request that something of ours keeps from being answered. What
// exactly is for the log alone.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, what string, err error) {
	if r.Context().Err() == nil {
		s.o.Log.Error(what, "path", r.URL.Path, "error", err)
		s.metrics.failures.Inc()
	}
	w.Header().Set("Retry-After", "30")
	http.Error(w, what, http.StatusServiceUnavailable)
}

// file answers with one file of a feed, compressed by name or because the client
// takes it so.
func (s *Server) file(w http.ResponseWriter, r *http.Request, o *opened, updated time.Time, name string, packed bool) {
	file := o.file(name)
	if file == nil {
		http.Error(w, notNumbered(o.feed), http.StatusNotFound)
		return
	}
	h := w.Header()
	if packed {
		h.Set("Content-Type", "application/gzip")
	} else {
		h.Set("Content-Type", "application/xml; charset=utf-8")
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(strings.Join(r.Header.Values("Accept-Encoding"), ",")) {
			h.Set("Content-Encoding", "gzip")
			packed = true
		}
	}
	s.send(w, r, o.document(file, packed), updated)
}

// notNumbered says where the files of a feed are.
func notNumbered(f *part.Feed) string {
	if len(f.Files) == 0 {
		return "the feed has no files"
	}
	if len(f.Files) == 1 {
		return "the only file of this feed is " + f.Files[0].Name + ".xml"
	}
	return "the files of this feed are " + f.Files[0].Name + ".xml to " + f.Files[len(f.Files)-1].Name + ".xml"
}

// send answers with a document, or the ranges of it that the client wants, or
// that it has it already. Only where bytes of it are sent it is a download.
func (s *Server) send(w http.ResponseWriter, r *http.Request, d *document, updated time.Time) {
	place := &ticket{limiter: s.limiter}
	defer place.giveBack()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	body := d.Open(ctx, s.o.Store, s.ahead())
	defer body.Close()
	h := w.Header()
	h.Set("ETag", d.etag)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.FormatInt(d.Size(), 10)) // with an encoding, ServeContent leaves it out
	if unsure(r.Header.Get("If-Modified-Since"), updated) {
		r.Header.Del("If-Modified-Since")
	}
	res := noteOf(r).response
	res.admit = place.take
	if strings.Contains(r.Header.Get("Range"), ",") {
		content := &several{body: body}
		http.ServeContent(w, r, "", updated, content)
		cancel()
		content.end()
	} else {
		http.ServeContent(w, r, "", updated, body)
	}
	err := body.Err()
	switch {
	case place.refused:
		res.retract()
		h.Set("Retry-After", "10")
		http.Error(w, errBusy.Error(), http.StatusServiceUnavailable)
	case err == nil || errors.Is(err, context.Canceled):
	case res.retract():
		s.broken(w, r, "the feed cannot be read", err)
	default:
		s.o.Log.Error("the feed is broken off", "path", r.URL.Path, "run", noteOf(r).run, "error", err)
		s.metrics.failures.Inc()
		panic(http.ErrAbortHandler) // also where the client was promised no length
	}
}

// unsure reports whether a client that asks for what changed since a time may have
// what was there before: many give the time of their last download, in whole seconds,
// and what is published is served within a second.
func unsure(since string, updated time.Time) bool {
	at, err := http.ParseTime(since)
	return err == nil && at.After(updated) && at.Sub(updated) < time.Second+refreshEvery
}

// readAhead is the most memory that one download reads ahead, in stretches of
// 1 MB.
const readAhead = 4

// ahead is how many stretches a download may read ahead: all of them share half
// of the memory.
func (s *Server) ahead() int {
	share := s.o.Memory / 2 / int64(len(s.limiter)+1)
	return int(min(readAhead, share>>20))
}
