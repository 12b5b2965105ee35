package generate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/field"
	"github.com/feedmill/feedmill/internal/template"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A rendering is a template with the fields and params that its item reads. The
// feeds that have them alike share all that is rendered.
type rendering struct {
	name     string // the template's and 8 digits of the identity's digest
	base     string // the template's name
	identity string
	template *template.Template
	fields   []feed.Field   // that the item reads, by name
	program  *field.Program // of these
	params   map[string]string
	feeds    []*plannedFeed // in the order of their numbers
}

// addRendering finds or adds the rendering of a feed.
func (p *plan) addRendering(ws *workspace.Workspace, f *plannedFeed) {
	t := ws.Templates[f.Template]
	r := &rendering{base: f.Template, template: t, params: itemParams(t, f.Params)}
	for _, name := range t.Fields() {
		if at := slices.IndexFunc(f.Fields, func(field feed.Field) bool { return field.Name == name }); at >= 0 {
			r.fields = append(r.fields, f.Fields[at])
		}
	}
	r.identity = r.identify()
	at := slices.IndexFunc(p.renderings, func(other *rendering) bool { return other.identity == r.identity })
	if at >= 0 {
		r = p.renderings[at]
	} else {
		r.program = field.Compile(r.fields)
		p.renderings = append(p.renderings, r)
	}
	f.rendering, f.number = r, len(r.feeds)
	r.feeds = append(r.feeds, f)
}

// itemParams are the params that the item reads.
func itemParams(t *template.Template, params map[string]string) map[string]string {
	names, all := t.Params()
	if all {
		return params
	}
	out := map[string]string{}
	for _, name := range names {
		if value, found := params[name]; found {
			out[name] = value
		}
	}
	return out
}

func (r *rendering) identify() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.base, r.template.Digest())
	for _, f := range r.fields {
		fmt.Fprintf(&b, "field %s %q\n", f.Name, f.Value.Meaning())
	}
	for _, name := range slices.Sorted(keys(r.params)) {
		fmt.Fprintf(&b, "param %s %q\n", name, r.params[name])
	}
	return b.String()
}

// nameRenderings names the renderings; two of the same digits get longer names.
func (p *plan) nameRenderings() {
	slices.SortFunc(p.renderings, func(a, b *rendering) int { return strings.Compare(a.identity, b.identity) })
	taken := map[string]bool{}
	for _, r := range p.renderings {
		digest := fmt.Sprintf("%016x", xxh3.HashString(r.identity))
		r.name = r.base + "-" + digest[:8]
		if taken[r.name] {
			r.name = r.base + "-" + digest
		}
		taken[r.name] = true
	}
}

// feedNames are the names of the feeds, by number.
func (r *rendering) feedNames() []string {
	out := make([]string, len(r.feeds))
	for i, f := range r.feeds {
		out[i] = f.Name
	}
	return out
}
