package aggregate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/source"
)

// A SourceState is what a source's manifest says: the deliveries that its
// latest state was made from, and what their reading counted.
type SourceState struct {
	Run        string          `json:"run"`    // under which its objects are stored
	Digest     string          `json:"digest"` // of the source's definition
	Shape      string          `json:"shape"`  // of its rows; see shapeOf
	Partitions int             `json:"partitions"`
	Layers     []string        `json:"layers,omitempty"`  // the runs whose objects are the state, the base first; empty: Run alone
	Patched    int64           `json:"patched,omitempty"` // rows in the layers above the base, at most
	Rows       int64           `json:"rows"`              // keys that are not deleted
	Read       int64           `json:"read"`              // rows in the files, before `where`
	Rejected   int64           `json:"rejected"`          // rows that could not be read or converted, or came too late
	Duplicates int64           `json:"duplicates"`        // rows of a newest delivery whose key a later row has
	Deliveries []DeliveryState `json:"deliveries"`        // by version

	objects []manifest.Object // of a state just made
}

// shapeOf says which columns the rows of a source's state have. A state of another
// shape is of no use to the source.
func shapeOf(src *source.Source) string {
	var b strings.Builder
	if src.Def.IsLog() {
		b.WriteString("log ")
	}
	for i, f := range src.Columns() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %s", f.Name, f.Type)
	}
	return b.String()
}

// fits reports whether the rows of a state are still those of the source.
func (s *SourceState) fits(src *source.Source) bool {
	return s.Digest == src.Def.Digest() || s.Shape == shapeOf(src)
}

// A DeliveryState names an applied delivery.
type DeliveryState struct {
	Version string      `json:"version"`
	Files   []FileState `json:"files"` // by name
}

// A FileState identifies a file that was read. Its position among all files of
// a state, its rank, is stored with every row.
type FileState struct {
	URL      string    `json:"url,omitempty"`
	Name     string    `json:"name"`
	Size     int64     `json:"size"`
	ModTime  time.Time `json:"modified"`
	ETag     string    `json:"etag,omitempty"`
	Greatest time.Time `json:"greatest,omitzero"` // `order` as a time, where `late` needs it
}

func fileState(f source.File) FileState {
	return FileState{URL: f.URL, Name: f.Name, Size: f.Size, ModTime: f.ModTime.UTC(), ETag: f.ETag}
}

// same reports whether f is still the file that was read.
func (s FileState) same(f source.File) bool {
	return s.Size == f.Size && s.ModTime.Equal(f.ModTime) && s.ETag == f.ETag
}

type fileKey struct{ url, name string }

func (s FileState) key() fileKey { return fileKey{s.URL, s.Name} }

func keyOf(f source.File) fileKey { return fileKey{f.URL, f.Name} }

// version returns the greatest applied version, or "".
func (s *SourceState) version() string {
	if s == nil || len(s.Deliveries) == 0 {
		return ""
	}
	return s.Deliveries[len(s.Deliveries)-1].Version
}

// Versions returns the applied versions, ascending.
func (s *SourceState) Versions() []string {
	out := make([]string, len(s.Deliveries))
	for i, d := range s.Deliveries {
		out[i] = d.Version
	}
	return out
}

// files returns the applied files by key.
func (s *SourceState) files() map[fileKey]FileState {
	out := map[fileKey]FileState{}
	if s == nil {
		return out
	}
	for _, d := range s.Deliveries {
		for _, f := range d.Files {
			out[f.key()] = f
		}
	}
	return out
}

// ranks returns the rank of every file of the deliveries.
func ranks(deliveries []DeliveryState) map[fileKey]int32 {
	out := map[fileKey]int32{}
	for _, d := range deliveries {
		for _, f := range d.Files {
			out[f.key()] = int32(len(out))
		}
	}
	return out
}

// merged returns the deliveries of old with files of found added, by version
// and name.
func merged(old []DeliveryState, found []source.Delivery) []DeliveryState {
	out := slices.Clone(old)
	for _, d := range found {
		at, known := slices.BinarySearchFunc(out, d.Version, func(s DeliveryState, version string) int {
			return source.CompareVersions(s.Version, version)
		})
		if !known {
			out = slices.Insert(out, at, DeliveryState{Version: d.Version})
		}
		files := slices.Clone(out[at].Files)
		for _, f := range d.Files {
			files = append(files, fileState(f))
		}
		slices.SortFunc(files, func(a, b FileState) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.URL, b.URL)) })
		out[at].Files = files
	}
	return out
}
