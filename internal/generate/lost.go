package generate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// findLost finds which indexes of published feeds, and parts of the runs that they
// are of, are not there any more, or have another size: such feeds cannot be served.
// It costs a manifest and a listing for each of these runs.
func (r *run) findLost(ctx context.Context) error {
	var open []string
	indexes := map[string]bool{}
	for _, e := range r.baseline.Feeds {
		open = append(open, e.Run)
		indexes[e.Index] = true
	}
	r.lost, r.mended = map[string]bool{}, map[string]string{}
	for seen := map[string]bool{}; len(open) > 0; {
		run := open[0]
		open = open[1:]
		if seen[run] {
			continue
		}
		seen[run] = true
		m, err := manifest.Read(ctx, r.Store, part.Kind, run)
		if errors.Is(err, fs.ErrNotExist) {
			continue // whose indexes are lost with it is found out feed by feed
		}
		if err != nil {
			return err
		}
		there, err := manifest.SizesOf(ctx, r.Store, part.Kind, run)
		if err != nil {
			return err
		}
		for _, o := range m.Objects {
			serves := indexes[o.Name] || strings.HasSuffix(o.Name, part.Extension)
			if serves && there.Has(o.Name, o.Size) != nil {
				r.lost[o.Name] = true
			}
		}
		open = append(open, m.Requires...)
	}
	return nil
}

// broken returns what is lost of a published feed, "" if it can be served whole.
func (r *run) broken(ctx context.Context, name string, before part.Entry) string {
	if len(r.lost) == 0 {
		return ""
	}
	catalog := part.Catalog{Run: before.Run, Feeds: map[string]part.Entry{name: before}}
	f, err := catalog.Open(ctx, r.Store, name)
	if err != nil || r.lost[before.Index] {
		return before.Index
	}
	for _, o := range f.Objects {
		if r.lost[o.Name] {
			return o.Name
		}
	}
	return ""
}

// warnOfLost says which feeds were made anew because of what is lost.
func (r *run) warnOfLost() {
	if len(r.mended) == 0 {
		return
	}
	names := slices.Sorted(maps.Keys(r.mended))
	r.report.Warnings = append(r.report.Warnings, fmt.Sprintf("feed %s: made anew, since %s is gone or has another size", few(names), r.mended[names[0]]))
}

// warnOfGone says which feeds end with this run, because there is no definition of
// them any more. Where the whole run is held they do not.
func (r *run) warnOfGone(held bool) {
	names := r.gone()
	if len(names) == 0 {
		return
	}
	text := "not published any more, since there is no definition, or it is disabled"
	if held {
		text = "there is no definition, or it is disabled, but it is published until the hold of the whole run is decided"
	}
	r.report.Warnings = append(r.report.Warnings, fmt.Sprintf("feed %s: %s", few(names), text))
}

// gone returns the published feeds that the run does not go on with.
func (r *run) gone() []string {
	var names []string
	for name := range r.baseline.Feeds {
		if _, goesOn := r.detail.Feeds[name]; !goesOn {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// undefined returns an error where no feed is defined at all, though some are published:
// their files were lost, or are read from elsewhere. Who wants to end all feeds says so
// in their definitions.
func (r *run) undefined() error {
	if len(r.Workspace.Feeds) > 0 || len(r.baseline.Feeds) == 0 {
		return nil
	}
	return fmt.Errorf("no feed is defined, and %d are published: where all of them shall end, keep their definitions with enabled: false", len(r.baseline.Feeds))
}

// few names the first of many.
func few(names []string) string {
	const most = 3
	text := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}
