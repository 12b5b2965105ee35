package generate

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/workspace"
)

// definitionVersion changes when the same definition makes other bytes. History:
//
//	1: the first.
const definitionVersion = 1

// definition digests everything in the workspace that determines a feed's items,
// header and footer.
func definition(ws *workspace.Workspace, f *plannedFeed) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\nname %s\ntemplate %s %s\n", definitionVersion, f.Name, f.Template, ws.Templates[f.Template].DocumentDigest())
	line(&b, ws, "where", f.Where)
	for _, field := range f.Fields {
		line(&b, ws, "field "+field.Name, field.Value)
	}
	for _, name := range slices.Sorted(keys(f.Params)) {
		fmt.Fprintf(&b, "param %s %q\n", name, f.Params[name])
	}
	fmt.Fprintf(&b, "limits %d %d\n", f.Limits.Items, f.Limits.Bytes)
	describeChoice(&b, ws, f.Choose)
	return fmt.Sprintf("%x", xxh3.HashString128(b.String()).Bytes())
}

func describeChoice(b *strings.Builder, ws *workspace.Workspace, c *feed.Choose) {
	if c == nil {
		return
	}
	fmt.Fprintf(b, "take %d\n", c.Take)
	if c.Per != nil {
		line(b, ws, "per", c.Per)
	}
	for _, o := range c.By {
		line(b, ws, fmt.Sprintf("by %t", o.Desc), o.Value)
	}
}

func line(b *strings.Builder, ws *workspace.Workspace, what string, x *predicate.Expr) {
	fmt.Fprintf(b, "%s %s", what, ws.Shared.Describe(x))
}

func keys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// keepWordings keeps how the run's feeds were written, beside those of feeds that only
// earlier runs made, so that later definitions can be compared with them.
func (r *run) keepWordings() {
	r.detail.Wordings = feed.NewWordings()
	kept := &r.detail.Wordings
	for name := range r.detail.Made {
		kept.Carry(name, &r.baseline.Wordings)
	}
	for _, f := range r.plan.feeds {
		one := kept.Say(f.Wording(), r.Workspace.Shared, r.Workspace.Templates[f.Template].Text())
		_, held := r.detail.Holds[f.Name]
		_, rejected := r.detail.Rejected[f.Name]
		switch {
		case held:
			kept.Hold(f.Name, one, &r.baseline.Wordings)
		case !rejected:
			kept.Publish(f.Name, one)
		}
	}
}

// worded reports whether the last run kept how all feeds of the plan that are
// published were written, which runs of earlier programs did not.
func (r *run) worded() bool {
	for _, f := range r.plan.feeds {
		if _, published := r.baseline.Feeds[f.Name]; published && !r.baseline.Whole(f.Name) {
			return false
		}
	}
	return true
}
