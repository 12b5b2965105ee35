package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/preview"
	"github.com/feedmill/feedmill/internal/storage"
)

// An edition is the answer of preview without a feed.
type edition struct {
	Status   string          `json:"status"`
	Snapshot string          `json:"snapshot"`
	Now      time.Time       `json:"now"`
	Run      string          `json:"run"`            // of generate, whose definitions the feeds are compared with
	Diff     string          `json:"diff,omitempty"` // the same of event feeds
	Same     int             `json:"same"`           // feeds that would stay as they are
	NoEffect []*preview.Edit `json:"no_effect"`      // of these, those that were edited
	Feeds    []*preview.Edit `json:"feeds"`          // that would change
}

func previewEdits(ctx context.Context, a *app, q preview.Search, store storage.Store) error {
	e := &edition{Status: "done", Snapshot: q.Snapshot.Table().Run, Now: q.At, NoEffect: []*preview.Edit{}, Feeds: []*preview.Edit{}}
	feeds, err := e.published(ctx, store)
	if err != nil {
		return err
	}
	events, err := e.told(ctx, store)
	if err != nil {
		return err
	}
	all, err := q.Compare(ctx, feeds, events)
	if err != nil {
		return err
	}
	for _, one := range all {
		switch {
		case one.Any():
			e.Feeds = append(e.Feeds, one)
			continue
		case one.State == preview.Edited:
			e.NoEffect = append(e.NoEffect, one)
		}
		e.Same++
	}
	return a.show(e, e.print)
}

// published reads what the feeds were made by that are current.
func (e *edition) published(ctx context.Context, store storage.Store) (*preview.Past, error) {
	current, m, err := currentManifest(ctx, store, part.Kind)
	if err != nil || m == nil {
		return &preview.Past{}, err
	}
	e.Run = m.Run
	detail, err := part.DetailOf(m)
	if err != nil {
		return nil, err
	}
	past := &preview.Past{Published: map[string]bool{}, Held: map[string]string{}, Wordings: detail.Wordings}
	for name := range detail.Feeds {
		past.Published[name] = true
	}
	catalog := part.Catalog{N: current.N, Run: current.Run, Holds: detail.Holds}
	if err := catalog.FindHolds(ctx, store); err != nil {
		return nil, err
	}
	for name, hold := range catalog.Holds {
		past.Held[name] = hold.Run
	}
	return past, nil
}

// told reads what the states of destinations were made by.
func (e *edition) told(ctx context.Context, store storage.Store) (*preview.Past, error) {
	_, m, err := currentManifest(ctx, store, event.Kind)
	if err != nil || m == nil {
		return &preview.Past{}, err
	}
	e.Diff = m.Run
	told, err := diff.Known(m)
	if err != nil {
		return nil, err
	}
	return &preview.Past{Published: told.Feeds, Held: told.Holds, Wordings: told.Wordings}, nil
}

// currentManifest returns where current of a kind points, with the manifest, or nil.
func currentManifest(ctx context.Context, store storage.Store, kind string) (manifest.Pointer, *manifest.Manifest, error) {
	current, err := manifest.Current(ctx, store, kind)
	if err != nil || current.Run == "" {
		return current, nil, err
	}
	m, err := manifest.Pointed(ctx, store, kind, current)
	return current, m, err
}

func (e *edition) print(w io.Writer) error {
	if e.Run == "" && e.Diff == "" {
		fmt.Fprintln(w, "nothing is published yet: every feed is new")
	} else {
		fmt.Fprintf(w, "definitions as they are now beside those of %s, over snapshot %s; now is %s\n", e.runs(), e.Snapshot, e.Now.Format(time.RFC3339))
	}
	t := table{head: []string{"feed", "edited", "before", "now", "gained", "lost", "changed", "because", "for example"}}
	for _, f := range e.Feeds {
		cells := []string{f.Feed, editedText(f)}
		for _, n := range []int64{f.Before, f.Now, f.Gained, f.Lost, f.Changed} {
			if f.State == preview.Unknown {
				cells = append(cells, "")
			} else {
				cells = append(cells, count(n))
			}
		}
		t.add(append(cells, becauseText(f), examplesText(f))...)
	}
	if len(t.rows) > 0 {
		if err := t.write(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "not affected: %s%s\n", plural(int64(e.Same), "feed"), e.noEffect())
	return err
}

// runs names what the definitions of before are of.
func (e *edition) runs() string {
	var runs []string
	if e.Run != "" {
		runs = append(runs, "generate "+e.Run)
	}
	if e.Diff != "" {
		runs = append(runs, "diff "+e.Diff)
	}
	return strings.Join(runs, " and ")
}

// mostNoEffect is how many feeds that were edited without an effect are named.
const mostNoEffect = 10

func (e *edition) noEffect() string {
	if len(e.NoEffect) == 0 {
		return ""
	}
	var names []string
	for _, f := range e.NoEffect[:min(len(e.NoEffect), mostNoEffect)] {
		names = append(names, f.Feed+" ("+editedText(f)+")")
	}
	if more := len(e.NoEffect) - mostNoEffect; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return ", of which edited: " + strings.Join(names, ", ")
}

// editedText is what of a feed was edited, or its state.
func editedText(f *preview.Edit) string {
	if f.State != preview.Edited {
		return f.State
	}
	const most = 3
	text := strings.Join(f.Edited[:min(len(f.Edited), most)], ", ")
	if more := len(f.Edited) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func becauseText(f *preview.Edit) string {
	var parts []string
	if f.Reason != "" {
		parts = append(parts, f.Reason)
	}
	for _, b := range f.Because[:min(len(f.Because), 3)] {
		parts = append(parts, fmt.Sprintf("%s %s %s", shorten(b.Condition, 60), b.Effect, count(b.Offers)))
	}
	for _, block := range f.Blocks {
		parts = append(parts, "the "+block+" looks otherwise")
	}
	if f.Held != "" {
		parts = append(parts, "run "+f.Held+" holds what is newer than the published")
	}
	return strings.Join(parts, "; ")
}

func examplesText(f *preview.Edit) string {
	var parts []string
	for _, kind := range []struct {
		word string
		ids  []string
	}{{"lost", f.LostE}, {"gained", f.GainedE}, {"changed", f.ChangedE}} {
		if len(kind.ids) > 0 {
			parts = append(parts, kind.word+" "+strings.Join(kind.ids, ", "))
		}
	}
	return strings.Join(parts, "; ")
}
