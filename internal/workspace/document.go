package workspace

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/template"
)

// feed reads the definition of a feed.
func (c *catalogue) feed(doc value) {
	f := &feed.Feed{Republish: feed.DefaultRepublish, Enabled: true, Guard: c.ws.Guard.Clone()}
	doc.name = diag.Text{}
	whole, read := true, false
	has := doc.object(fields{
		"feed":      func(v value) { f.Place = c.named(v); f.Name = f.Place.Value },
		"for":       func(value) {},
		"template":  func(v value) { f.Template = c.template(v) },
		"where":     func(v value) { f.Where, f.Condition = c.predicate(v) },
		"fields":    func(v value) { f.Fields, whole = c.fields(v); read = true },
		"params":    func(v value) { f.Params, f.Written = v.params() },
		"choose":    func(v value) { f.Choose = c.choose(v) },
		"limits":    func(v value) { f.Limits = v.feedLimits() },
		"guard":     func(v value) { v.feedGuard(&f.Guard) },
		"republish": func(v value) { f.Republish = v.span() },
		"enabled":   func(v value) { f.Enabled = v.truth() },
	})
	c.require(doc, has, f.Place, "template", "where")
	_, given := has["fields"]
	c.vague[f] = !whole || given && !read // fields under a misspelt key are given
	c.ws.Feeds = append(c.ws.Feeds, f)
}

// events reads the definition of an event feed.
func (c *catalogue) events(doc value) {
	f := &feed.EventFeed{Refresh: feed.DefaultRefresh, Enabled: true, Guard: c.ws.Guard.ForEvents()}
	var destinations []diag.Text
	has := doc.object(fields{
		"events":       func(v value) { f.Place = c.named(v); f.Name = f.Place.Value },
		"for":          func(value) {},
		"destinations": func(v value) { destinations = v.names() },
		"catalog":      func(v value) { f.Catalog = v.word() },
		"where":        func(v value) { f.Where, f.Condition = c.predicate(v) },
		"fields":       func(v value) { f.Fields, _ = c.fields(v) },
		"refresh":      func(v value) { f.Refresh = v.duration() },
		"choose":       func(v value) { f.Choose = c.choose(v) },
		"guard":        func(v value) { v.eventGuard(&f.Guard) },
		"enabled":      func(v value) { f.Enabled = v.truth() },
	})
	if c.require(doc, has, f.Place, "destinations", "catalog", "where") && len(destinations) == 0 {
		doc.report(has["destinations"].head("destinations is empty"))
	}
	for _, d := range destinations {
		f.Destinations = append(f.Destinations, d.Value)
		c.target(d, f)
	}
	if g, guarded := has["guard"]; guarded {
		g.guardedFields(f, has["fields"])
	}
	c.ws.Events = append(c.ws.Events, f)
}

// require reports what a feed lacks, at its name.
func (c *catalogue) require(doc value, has map[string]value, name diag.Text, keys ...string) bool {
	complete := true
	for _, key := range keys {
		if _, found := has[key]; found {
			continue
		}
		complete = false
		d := doc.at("the feed has no %s", key)
		if name.Value != "" {
			d = name.At(0, runes(name.Value), "feed %s has no %s", name.Value, key)
		}
		if key == "where" {
			d = d.WithHint("where: true takes every offer")
		}
		c.report(d)
	}
	return complete
}

// target notes that a catalog of a destination belongs to an event feed.
func (c *catalogue) target(destination diag.Text, f *feed.EventFeed) {
	key := [2]string{destination.Value, f.Catalog}
	first, taken := c.targets[key]
	if !taken {
		c.targets[key] = f.Place
		return
	}
	d := destination.At(0, runes(destination.Value), "catalog %s of %s belongs to event feed %s already", f.Catalog, destination.Value, first.Value)
	c.report(d.WithHint("two event feeds would undo each other's changes; use another catalog, or one feed with || between the conditions"))
}

// guardedFields reports limits of fields that the event feed does not have.
func (v value) guardedFields(f *feed.EventFeed, definition value) {
	n := v.lookUp("fields")
	if n == nil || definition.book == nil {
		return
	}
	var names []string
	for _, e := range definition.entries() {
		names = append(names, e.name.Value)
	}
	for _, e := range v.child(diag.Plain("fields"), n).entries() {
		if !slices.Contains(names, e.name.Value) {
			v.report(e.name.At(0, runes(e.name.Value), "event feed %s has no field %s", f.Name, e.name.Value).WithHint("%s", nearest(e.name.Value, names)))
		}
	}
}

// template reads the name of a template.
func (c *catalogue) template(v value) string {
	t, ok := v.text()
	if !ok {
		return ""
	}
	if _, found := c.templates[t.Value]; !found {
		names := sortedNames(c.templates)
		d := v.at("there is no template %s", t.Written())
		if len(names) == 0 {
			d = d.WithHint("templates are files: %s/%s.xml", c.ws.templateDir, t.Written())
		} else {
			d = d.WithHint("%s", nearest(t.Value, names))
		}
		c.report(d)
	}
	return t.Value
}

// params reads what a template sees as .params. In a document without `for`,
// {{ is ordinary text.
func (v value) params() (values, written map[string]string) {
	if len(v.scope.values) == 0 {
		v.scope.values = nil
	}
	values, written = map[string]string{}, map[string]string{}
	for _, e := range v.entries() {
		if t, ok := e.value.text(); ok && e.identifier("param", columnName, "letters, digits and _, beginning with a letter") {
			values[e.name.Value], written[e.name.Value] = t.Value, t.Written()
			e.value.printable(t)
		}
	}
	return values, written
}

// printable reports the first character of a param that no feed can hold.
// Characters of offers are dropped and counted; a param is the user's own text.
func (v value) printable(t diag.Text) {
	at, found := template.Forbidden(t.Value)
	if !found {
		return
	}
	r, size := utf8.DecodeRuneInString(t.Value[at:])
	name := fmt.Sprintf("%U", r)
	if r == utf8.RuneError && size == 1 {
		name = fmt.Sprintf("the byte %#02x, which is not UTF-8", t.Value[at])
	}
	v.report(t.At(at, 1, "XML has no %s", name).WithHint("leave it out"))
}

func (v value) feedLimits() feed.Limits {
	var l feed.Limits
	has := v.object(fields{
		"items": func(v value) { l.Items = v.number(1) },
		"bytes": func(v value) { l.Bytes = v.size() },
	})
	if v.isMap() && len(has) == 0 {
		v.report(v.head("limits limit nothing").WithHint("write items: 500000 or bytes: 4GB"))
	}
	return l
}

// files reports feeds whose names are those of another feed's numbered files.
func (c *catalogue) files() {
	for _, f := range c.ws.Feeds {
		at := strings.LastIndexByte(f.Name, '-')
		if at < 0 || strings.Trim(f.Name[at+1:], "0123456789") != "" {
			continue
		}
		for _, other := range c.ws.Feeds {
			if other.Name == f.Name[:at] && other.Limits.Numbered() {
				d := f.Place.At(0, runes(f.Name), "%s is also the name of a file of feed %s", f.Name, other.Name)
				c.report(d.WithHint("feed %s has limits, so its files are numbered", other.Name))
			}
		}
	}
}
