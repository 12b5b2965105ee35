package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/storage"
)

// An Opener returns the store that a path or URL belongs to and the rest of the
// path, which is an object's name or a pattern of names there. The rest must be
// the end of what was given.
type Opener func(url string) (store storage.Store, name string, err error)

// Deliveries finds the deliveries that are ready, ascending by version. A source
// without any is an error unless it is optional.
//
// What {version} matched is a delivery's version. Without {version} each file of
// a log is a delivery, whose version is its name below the folder that all
// patterns have in common, and all files of a newest source are one delivery,
// whose version is a digest of their names, sizes and etags, or times where there
// is no etag.
func (s *Source) Deliveries(ctx context.Context, open Opener, now time.Time) ([]Delivery, error) {
	found, err := s.find(ctx, open)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", s.Def.Name, err)
	}
	ready, waiting := s.ready(found, now)
	switch {
	case len(ready) > 0 || s.Def.Optional:
		return ready, nil
	case waiting != "":
		return nil, &NothingError{s.Def.Name, "nothing is ready: " + waiting}
	default:
		return nil, &NothingError{s.Def.Name, found.hint() + " (a source that may have no file says optional: true)"}
	}
}

// A NothingError says why a source has no delivery. One whose files have all
// been read before goes on without them.
type NothingError struct {
	Source string
	Reason string
}

func (e *NothingError) Error() string { return "source " + e.Source + ": " + e.Reason }

// find lists what matches the patterns.
func (s *Source) find(ctx context.Context, open Opener) (*findings, error) {
	patterns, mistakes := parsePatterns(s.Def.Paths)
	if len(mistakes) > 0 {
		return nil, mistakes.Err()
	}
	f := &findings{marker: s.Def.Ready.Marker, base: commonFolder(patterns), files: map[string]match{}, markers: map[string]bool{}}
	for _, p := range patterns {
		if err := f.list(ctx, open, p); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// parsePatterns reads the paths of a source, of which all or none have {version}.
func parsePatterns(paths []diag.Text) ([]*pattern, diag.List) {
	var patterns []*pattern
	var mistakes diag.List
	for _, text := range paths {
		p, list := parsePattern(text)
		if mistakes = append(mistakes, list...); p == nil {
			continue
		}
		if len(patterns) > 0 && p.has(versionName) != patterns[0].has(versionName) {
			mistakes = append(mistakes, text.At(0, len(text.Value), "some paths have {version}, others have not"))
		}
		patterns = append(patterns, p)
	}
	return patterns, mistakes
}

// commonFolder returns the longest folder that all matches are in.
func commonFolder(patterns []*pattern) string {
	if len(patterns) == 0 {
		return ""
	}
	common := folderOf(patterns[0].fixed)
	for _, p := range patterns[1:] {
		for !strings.HasPrefix(p.fixed, common) {
			common = folderOf(strings.TrimSuffix(common, "/"))
		}
	}
	return common
}

// folderOf returns a name up to and with its last slash.
func folderOf(name string) string { return name[:strings.LastIndexByte(name, '/')+1] }

// findings are what a source's patterns match.
type findings struct {
	marker  string
	base    string           // the folder that everything is in
	files   map[string]match // by URL
	markers map[string]bool  // the folders that have a marker
	others  []string         // some URLs that do not match
	hidden  int              // how many URLs would match but for _ and .
}

// A match is a file with the folders of which one must have a marker.
type match struct {
	File
	folders []string
}

// list adds what one pattern matches. A file that another pattern matched before
// stays that one's.
func (f *findings) list(ctx context.Context, open Opener, p *pattern) error {
	store, name, err := open(p.text)
	if err != nil {
		return fmt.Errorf("open %s: %w", p.text, err)
	}
	root, whole := strings.CutSuffix(p.text, name)
	if !whole || !strings.HasPrefix(p.fixed, root) {
		return fmt.Errorf("open %s: the part before %q cannot be a pattern", p.text, name)
	}
	prefix := p.fixed
	if f.marker != "" {
		prefix = folderOf(prefix)
	}
	for info, err := range store.List(ctx, strings.TrimPrefix(prefix, root)) {
		if err != nil {
			return fmt.Errorf("list %s: %w", p.text, err)
		}
		f.add(p, root, info)
	}
	return nil
}

func (f *findings) add(p *pattern, root string, info storage.Info) {
	url := root + info.Name
	if folder, is := strings.CutSuffix(url, f.marker); is && f.marker != "" && folder == folderOf(folder) {
		f.markers[folder] = true
		return
	}
	groups := p.find(url)
	switch {
	case groups == nil:
		if len(f.others) < 100 {
			f.others = append(f.others, url)
		}
	case hiddenName(url[len(folderOf(p.fixed)):]):
		f.hidden++
	default:
		if _, twice := f.files[url]; !twice {
			f.files[url] = p.file(root, info, groups)
		}
	}
}

// hiddenName reports whether a part of name begins with _ or a dot.
func hiddenName(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part != "" && (part[0] == '_' || part[0] == '.') {
			return true
		}
	}
	return false
}

// file makes a File of what a pattern matched.
func (p *pattern) file(root string, info storage.Info, groups []int) match {
	url := root + info.Name
	m := match{File: File{URL: root, Name: info.Name, Size: info.Size, ModTime: info.ModTime, ETag: info.ETag}}
	m.folders = []string{folderOf(url)}
	for i, name := range p.names {
		start, end := groups[2*i+2], groups[2*i+3]
		if name != versionName {
			m.set(name, url[start:end])
			continue
		}
		m.Version = url[start:end]
		if slash := strings.IndexByte(url[end:], '/'); slash >= 0 {
			m.folders = append(m.folders, url[:end+slash+1])
		}
	}
	return m
}

// path is what expressions see of the file's name: also its version.
func (f *File) path() map[string]string {
	out := map[string]string{versionName: f.Version}
	maps.Copy(out, f.Path)
	return out
}

func (m *match) set(name, value string) {
	if m.Path == nil {
		m.Path = map[string]string{}
	}
	m.Path[name] = value
}

// deliveries groups the files, sorted by URL, by version.
func (f *findings) deliveries(log bool) [][]match {
	byVersion := map[string][]match{}
	for _, url := range slices.Sorted(maps.Keys(f.files)) {
		m := f.files[url]
		if m.Version == "" && log {
			m.Version = strings.TrimPrefix(url, f.base)
		}
		byVersion[m.Version] = append(byVersion[m.Version], m)
	}
	if unversioned := byVersion[""]; unversioned != nil {
		version := f.digest(unversioned)
		for i := range unversioned {
			unversioned[i].Version = version
		}
	}
	out := slices.Collect(maps.Values(byVersion))
	slices.SortFunc(out, func(a, b []match) int { return CompareVersions(a[0].Version, b[0].Version) })
	return out
}

// digest identifies a set of files.
func (f *findings) digest(files []match) string {
	hash := sha256.New()
	for _, m := range files {
		state := m.ETag
		if state == "" {
			state = m.ModTime.UTC().Format(time.RFC3339Nano)
		}
		fmt.Fprintf(hash, "%q %d %q\n", strings.TrimPrefix(m.URL+m.Name, f.base), m.Size, state)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// delivery makes a Delivery of files that share a version.
func delivery(files []match) Delivery {
	d := Delivery{Version: files[0].Version}
	for _, m := range files {
		d.Files = append(d.Files, m.File)
	}
	return d
}

// hint says why nothing was found.
func (f *findings) hint() string {
	switch {
	case f.hidden > 0:
		return fmt.Sprintf("no file: %d match, but names beginning with _ or . are never data", f.hidden)
	case len(f.others) > 0:
		return fmt.Sprintf("no file matches, there is %s", f.others[0])
	default:
		return "no file matches, there is nothing below " + f.base
	}
}
