package generate

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/part"
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

// keepConditions keeps the conditions of the run's feeds, beside those of feeds that
// only earlier runs made, so that later definitions can be compared with them.
func (r *run) keepConditions() {
	shared := map[string]string{}
	for name, text := range r.Workspace.Shared {
		shared[name] = text.Value
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(shared)) {
		fmt.Fprintf(&b, "%s %q\n", name, shared[name])
	}
	digest := fmt.Sprintf("%016x", xxh3.HashString(b.String()))
	r.detail.Conditions, r.detail.Shared = map[string]part.Condition{}, map[string]map[string]string{digest: shared}
	for _, f := range r.plan.feeds {
		r.detail.Conditions[f.Name] = part.Condition{Where: f.Condition.Value, Shared: digest}
	}
	for name := range r.detail.Made {
		if c, found := r.baseline.Conditions[name]; found && r.detail.Conditions[name].Where == "" {
			r.detail.Conditions[name] = c
			r.detail.Shared[c.Shared] = r.baseline.Shared[c.Shared]
		}
	}
}
