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
func (r *run) broken(ctx context.Context, before part.Entry) string {
	if len(r.lost) == 0 {
		return ""
	}
	f, err := part.OpenFeed(ctx, r.Store, before.Index)
	if err != nil {
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
// them any more.
func (r *run) warnOfGone() {
	var names []string
	for name := range r.baseline.Feeds {
		if _, goesOn := r.detail.Feeds[name]; !goesOn {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		r.report.Warnings = append(r.report.Warnings, fmt.Sprintf("feed %s: not published any more, since there is no definition, or it is disabled", few(names)))
	}
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
