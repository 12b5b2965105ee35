package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
)

// A partFacts is the answer of inspect about a part.
type partFacts struct {
	Object     string         `json:"object"`
	Bytes      int64          `json:"bytes"`
	Rendering  string         `json:"rendering"`
	Partition  int            `json:"partition"`
	Partitions int            `json:"partitions"`
	Compressor string         `json:"compressor"`
	Feeds      []partFeed     `json:"feeds"`
	Segments   int            `json:"segments"`
	Items      int64          `json:"items"` // one that is in several segments counts as often
	Raw        int64          `json:"raw"`   // bytes, uncompressed
	First      []segmentFacts `json:"first"`
}

type partFeed struct {
	Feed     string `json:"feed"`
	Items    int64  `json:"items"`
	Segments int    `json:"segments"`
}

type segmentFacts struct {
	Offset int64    `json:"offset"`
	Bytes  int64    `json:"bytes"`
	Raw    int64    `json:"raw"`
	Items  int64    `json:"items"`
	Feeds  []string `json:"feeds"`
}

func inspectPart(ctx context.Context, a *app, store storage.Store, name string, rows int) error {
	p, err := part.Open(ctx, store, name)
	if err != nil {
		return err
	}
	facts := &partFacts{
		Object: name, Bytes: p.Size, Rendering: p.Rendering, Partition: p.Partition, Partitions: p.Partitions, Compressor: p.Compressor,
		Segments: len(p.Segments), First: []segmentFacts{},
	}
	for number, feed := range p.Feeds {
		f := partFeed{Feed: feed}
		for _, s := range p.Feed(number) {
			f.Items += s.Items
			f.Segments++
		}
		facts.Feeds = append(facts.Feeds, f)
	}
	for i, s := range p.Segments {
		facts.Items += s.Items
		facts.Raw += s.Raw
		if i < rows {
			of := segmentFacts{Offset: s.Offset, Bytes: s.Length, Raw: s.Raw, Items: s.Items}
			for _, number := range p.Memberships[s.Membership] {
				of.Feeds = append(of.Feeds, p.Feeds[number])
			}
			facts.First = append(facts.First, of)
		}
	}
	return a.show(facts, facts.print)
}

func (f *partFacts) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: partition %d of %d of rendering %s, %s in %s, %s of %s, by %s\n", f.Object, f.Partition, f.Partitions, f.Rendering,
		plural(f.Items, "item"), plural(int64(f.Segments), "segment"), size(f.Bytes), size(f.Raw), f.Compressor)
	t := table{head: []string{"feed", "items", "segments"}}
	for _, feed := range f.Feeds {
		t.add(feed.Feed, count(feed.Items), count(int64(feed.Segments)))
	}
	if err := t.write(w); err != nil || len(f.First) == 0 {
		return err
	}
	s := table{head: []string{"segment at", "bytes", "of", "items", "feeds"}}
	for _, of := range f.First {
		s.add(count(of.Offset), size(of.Bytes), size(of.Raw), count(of.Items), strings.Join(of.Feeds, ", "))
	}
	return s.write(w)
}

// An indexFacts is the answer of inspect about a feed's index.
type indexFacts struct {
	Object  string      `json:"object"`
	Feed    string      `json:"feed"`
	Run     string      `json:"run"`
	Updated time.Time   `json:"updated"`
	Content string      `json:"content"`
	Objects []string    `json:"objects"`
	Files   []indexFile `json:"files"`
}

type indexFile struct {
	File     string `json:"file"`
	Items    int64  `json:"items"`
	Bytes    int64  `json:"bytes"`
	Segments int    `json:"segments"`
}

func inspectIndex(ctx context.Context, a *app, store storage.Store, name string) error {
	f, err := part.OpenFeed(ctx, store, name)
	if err != nil {
		return err
	}
	facts := &indexFacts{Object: name, Feed: f.Name, Run: f.Run, Updated: f.Updated, Content: f.Content.String(), Objects: []string{}}
	for _, o := range f.Objects {
		facts.Objects = append(facts.Objects, o.Name)
	}
	for _, file := range f.Files {
		facts.Files = append(facts.Files, indexFile{file.Name, file.Items, file.Size(), len(file.Pieces)})
	}
	return a.show(facts, facts.print)
}

func (f *indexFacts) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: feed %s of run %s, content %s, last changed %s\n", f.Object, f.Feed, f.Run, f.Content, stamp(f.Updated))
	t := table{head: []string{"file", "items", "bytes", "segments"}}
	for _, file := range f.Files {
		t.add(file.File, count(file.Items), size(file.Bytes), count(int64(file.Segments)))
	}
	if err := t.write(w); err != nil {
		return err
	}
	for _, name := range f.Objects {
		if _, err := fmt.Fprintln(w, name); err != nil {
			return err
		}
	}
	return nil
}

// A changeFacts is the answer of inspect about a partition of a change set.
type changeFacts struct {
	Object string            `json:"object"`
	Events map[string]int64  `json:"events"` // by kind
	First  []json.RawMessage `json:"first"`
}

func inspectChanges(ctx context.Context, a *app, store storage.Store, name string, rows int) (err error) {
	r, err := event.Open(ctx, store, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	facts := &changeFacts{Object: name, Events: map[string]int64{}, First: []json.RawMessage{}}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return a.show(facts, facts.print)
		}
		if err != nil {
			return err
		}
		facts.Events[e.Kind()]++
		if len(facts.First) < rows {
			facts.First = append(facts.First, e.Append(nil))
		}
	}
}

func (f *changeFacts) print(w io.Writer) error {
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(f.Events)) {
		kinds = append(kinds, count(f.Events[kind])+" "+kind)
	}
	fmt.Fprintf(w, "%s: %s\n", f.Object, strings.Join(kinds, ", "))
	for _, line := range f.First {
		if _, err := fmt.Fprintf(w, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}
