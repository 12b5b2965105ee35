package source

import (
	"strings"
	"time"
)

// A File is one object that holds rows of a source.
type File struct {
	URL     string            // of the store's root
	Name    string            // of the object in that store
	Version string            // of its delivery
	Path    map[string]string // what the {name} parts of the pattern matched
	Size    int64
	ModTime time.Time
	ETag    string
}

// Place returns the file as a path or URL, for messages.
func (f File) Place() string {
	if f.URL == "" {
		return f.Name
	}
	return strings.TrimSuffix(f.URL, "/") + "/" + f.Name
}

// A Delivery is the files of a source that share one version, by name.
type Delivery struct {
	Version string
	Files   []File
}
