package serve

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/zeebo/xxh3"
)

// A description says what files a feed has.
type description struct {
	Feed    string            `json:"feed"`
	Run     string            `json:"run"` // that made the bytes
	Updated time.Time         `json:"updated"`
	Items   int64             `json:"items"`
	Bytes   int64             `json:"bytes"` // plain
	Files   []fileDescription `json:"files"`
}

type fileDescription struct {
	Plain representation `json:"plain"`
	Gzip  representation `json:"gzip"`
	Items int64          `json:"items"`
}

// A representation is what one path answers.
type representation struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	ETag  string `json:"etag"`
}

// describe answers /feeds/NAME.json.
func (s *Server) describe(w http.ResponseWriter, r *http.Request, name string, o *opened, updated time.Time) {
	if name != o.feed.Name {
		http.NotFound(w, r)
		return
	}
	d := description{Feed: o.feed.Name, Run: o.feed.Run, Updated: updated, Items: o.feed.Items(), Bytes: o.feed.Bytes()}
	for _, f := range o.feed.Files {
		plain, packed := o.document(f, false), o.document(f, true)
		d.Files = append(d.Files, fileDescription{
			Plain: representation{"/feeds/" + f.Name + ".xml", plain.Size(), plain.etag},
			Gzip:  representation{"/feeds/" + f.Name + ".xml.gz", packed.Size(), packed.etag},
			Items: f.Items,
		})
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		s.broken(w, r, "the feed cannot be described", err)
		return
	}
	data = append(data, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", quoted(data))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// quoted is the strong ETag of some bytes.
func quoted(data []byte) string {
	sum := xxh3.Hash128(data).Bytes()
	const digits = "0123456789abcdef"
	tag := []byte{'"'}
	for _, b := range sum {
		tag = append(tag, digits[b>>4], digits[b&15])
	}
	return string(append(tag, '"'))
}
