package workspace

import (
	"regexp"
	"slices"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/source"
)

// An assembly puts the offer together from its definition. It goes on after
// mistakes: what it could not work out is in doubt, and expressions that speak
// of it are not checked, because what they would report follows from a mistake
// that is reported already.
type assembly struct {
	*book
	drafts  map[string]sourceDraft
	order   []string // names of the sources in the file's order
	sources map[string]*source.Source
	schema  offer.Schema
	places  map[string]diag.Text // of columns of the schema, for "stands twice"
	doubt   map[string]bool      // columns that are or may be there, of unknown type
	lost    bool                 // nothing is known of the columns
	shared  predicate.Shared     // shared expressions, beside which there may be others; nil: there are none beside
}

// compileSources compiles the sources that could be read.
func (a *assembly) compileSources(drafts []sourceDraft) []*source.Source {
	var out []*source.Source
	for _, d := range drafts {
		a.drafts[d.def.Name] = d
		a.order = append(a.order, d.def.Name)
		if d.broken {
			a.list = append(a.list, source.Expressions(d.def)...)
			continue
		}
		s, mistakes := source.Compile(d.def)
		a.list = append(a.list, mistakes...)
		if len(mistakes) == 0 {
			a.sources[d.def.Name] = s
			out = append(out, s)
		}
	}
	return out
}

// offer checks the definition and computes the columns.
func (a *assembly) offer(d *offerDraft) *OfferDefinition {
	out := &OfferDefinition{}
	a.schema = offer.Schema{{Name: offer.Key, Type: offer.Type{Kind: offer.String}}}
	for _, from := range d.from {
		out.From = append(out.From, from.Value)
		a.union(from)
	}
	if len(d.from) == 0 {
		a.lost = true
	}
	for _, j := range d.joins {
		out.Joins = append(out.Joins, a.join(j))
	}
	for _, c := range d.columns {
		out.Columns = append(out.Columns, a.derived(c))
	}
	for _, h := range d.hidden {
		out.Hidden = append(out.Hidden, h.Value)
		a.hidden(h)
	}
	return out
}

// find returns the definition of a source that is referred to.
func (a *assembly) find(name diag.Text) (*source.Definition, bool) {
	if d, found := a.drafts[name.Value]; found {
		return d.def, true
	}
	if name.Value != "" {
		a.report(name.At(0, runes(name.Value), "there is no source %s", name.Written()).WithHint("%s", nearest(name.Value, a.order)))
	}
	return nil, false
}

// union adds the columns of a source that offers come from.
func (a *assembly) union(from diag.Text) {
	def, found := a.find(from)
	if !found {
		a.lost = true
		return
	}
	if def.Key.Value == "" && !a.drafts[def.Name].broken {
		d := from.At(0, runes(from.Value), "offers cannot come from %s, because it has no key", def.Name)
		a.report(d.WithHint("write key: and the expression that names an offer into the source"))
	}
	for _, c := range def.Columns {
		if !repeatsKey(c, def) {
			a.column(c, def.Name)
		}
	}
	a.lost = a.lost || len(def.Columns) == 0
}

// repeatsKey reports whether a column is the text of its source's key under the
// name that offers know it by.
func repeatsKey(c source.Column, def *source.Definition) bool {
	if c.Name.Value != offer.Key || c.Type.Kind != offer.String {
		return false
	}
	key := def.Key.Value
	if c.Value.Value == "" {
		return key == "row."+offer.Key || key == "item."+offer.Key
	}
	return c.Value.Value == key
}

func (a *assembly) column(c source.Column, from string) {
	i := a.schema.Index(c.Name.Value)
	switch {
	case c.Name.Value == offer.Key:
		d := c.Name.At(0, runes(c.Name.Value), "a column of an offer cannot be called %s: that is the key", offer.Key)
		a.report(d.WithHint("call it otherwise, or leave it out: the key of the source is offer.%s", offer.Key))
	case c.Type.Kind == badType:
		a.doubt[c.Name.Value] = true
	case i < 0:
		a.add(c.Name, c.Type)
	case !a.schema[i].Type.Equal(c.Type):
		first := a.places[c.Name.Value]
		line, _ := first.Place(0)
		d := c.Name.At(0, runes(c.Name.Value), "column %s is %s in %s, but %s in the source before it", c.Name.Value, c.Type, from, a.schema[i].Type)
		a.report(d.WithHint("offers come from both, so the types must be the same; the other one is in line %d", line))
	}
}

func (a *assembly) add(name diag.Text, t offer.Type) {
	a.schema = append(a.schema, offer.Field{Name: name.Value, Type: t})
	a.places[name.Value] = name
}

// taken reports a new column whose name another one has.
func (a *assembly) taken(name diag.Text) bool {
	if name.Value == offer.Key {
		a.report(name.At(0, runes(name.Value), "a column of an offer cannot be called %s: that is the key", offer.Key))
		return true
	}
	first, found := a.places[name.Value]
	if found {
		line, _ := first.Place(0)
		a.report(name.At(0, runes(name.Value), "the offer has a column %s already", name.Value).WithHint("it is in line %d", line))
	}
	return found
}

// env is what expressions may refer to at this point.
func (a *assembly) env() *predicate.Env {
	return predicate.OfferEnv(slices.Clone(a.schema), predicate.OfferOptions{})
}

// checked keeps the mistakes of an expression unless it speaks of something that
// is in doubt.
func (a *assembly) checked(x *predicate.Expr, mistakes diag.List, t diag.Text) *predicate.Expr {
	if !a.doubtful(t) {
		a.list = append(a.list, mistakes...)
	}
	if len(mistakes) > 0 {
		return nil
	}
	return x
}

var words = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

var sharedUse = regexp.MustCompile(`\bshared\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)`)

func (a *assembly) doubtful(t diag.Text) bool {
	if a.lost {
		return true
	}
	for _, use := range sharedUse.FindAllStringSubmatch(t.Value, -1) {
		if _, known := a.shared[use[1]]; a.shared != nil && !known {
			return true
		}
	}
	return slices.ContainsFunc(words.FindAllString(t.Value, -1), func(word string) bool { return a.doubt[word] })
}

// value compiles an expression over the offer; the zero text has been reported.
func (a *assembly) value(t diag.Text) *predicate.Expr {
	if t.Value == "" {
		return nil
	}
	x, mistakes := a.env().Value(t)
	return a.checked(x, mistakes, t)
}

// derived adds a computed column.
func (a *assembly) derived(d derivedDraft) Derived {
	out := Derived{Name: d.name.Value, Type: d.typ, Value: a.value(d.value)}
	if a.taken(d.name) {
		return out
	}
	if d.typ.Kind == badType {
		a.doubt[d.name.Value] = true
		return out
	}
	if out.Value != nil {
		a.fits(d, out.Value)
	}
	a.add(d.name, d.typ)
	return out
}

// fits reports a value that can never become what the column holds.
func (a *assembly) fits(d derivedDraft, x *predicate.Expr) {
	t, known := x.Type()
	if !known || nested(t) == nested(d.typ) || t.Kind == offer.String && nested(d.typ) {
		return
	}
	what := "one value"
	if nested(t) {
		what = "a " + t.String()
	}
	a.report(d.value.At(0, runes(d.value.Value), "this gives %s, but column %s is %s", what, d.name.Value, d.typ))
}

func nested(t offer.Type) bool {
	return t.Kind == offer.List || t.Kind == offer.Map || t.Kind == offer.Struct
}

func (a *assembly) hidden(name diag.Text) {
	switch {
	case name.Value == offer.Key:
		a.report(name.At(0, runes(name.Value), "%s cannot be hidden: it is the key", offer.Key))
	case a.schema.Index(name.Value) < 0 && !a.doubt[name.Value] && !a.lost:
		d := name.At(0, runes(name.Value), "the offer has no column %s", name.Written())
		a.report(d.WithHint("%s", nearest(name.Value, columnNames(a.schema))))
	}
}

func columnNames(s offer.Schema) []string {
	out := make([]string, len(s))
	for i, f := range s {
		out[i] = f.Name
	}
	return out
}

// visible returns the columns of a schema without the hidden ones.
func visible(full offer.Schema, hidden []string) offer.Schema {
	return slices.DeleteFunc(slices.Clone(full), func(f offer.Field) bool { return slices.Contains(hidden, f.Name) })
}
