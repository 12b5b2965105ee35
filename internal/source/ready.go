package source

import (
	"cmp"
	"fmt"
	"time"
)

// ready returns the deliveries whose files are all ready, ascending by version,
// and why the last of the others is not. A delivery of which a part is missing is
// left for the next run as a whole, because a part of it is not the truth.
func (s *Source) ready(found *findings, now time.Time) (ready []Delivery, waiting string) {
	for _, files := range found.deliveries(s.Def.IsLog()) {
		if reason := found.unready(files, s.Def.Ready.Age, now); reason != "" {
			waiting = reason
			continue
		}
		ready = append(ready, delivery(files))
	}
	return ready, waiting
}

// unready returns why some of the files are not ready, or nothing.
func (f *findings) unready(files []match, age time.Duration, now time.Time) string {
	for _, m := range files {
		switch {
		case !f.marked(m):
			return fmt.Sprintf("%s has no %s", cmp.Or(m.folders[0], "./"), f.marker)
		case age > 0 && now.Sub(m.ModTime) < age:
			return fmt.Sprintf("%s%s changed less than %s ago", m.URL, m.Name, age)
		}
	}
	return ""
}

// marked reports whether the marker stands in the file's folder or in that of
// its delivery, which is the one that {version} ends in.
func (f *findings) marked(m match) bool {
	if f.marker == "" {
		return true
	}
	for _, folder := range m.folders {
		if f.markers[folder] {
			return true
		}
	}
	return false
}
