package workspace

import (
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
)

// tests reads the users' own tests.
func (c *catalogue) tests(docs []value) {
	for _, doc := range docs {
		c.ws.Tests = append(c.ws.Tests, c.test(doc))
	}
}

func (c *catalogue) test(doc value) *feed.Test {
	t := &feed.Test{Renders: map[string]diag.Text{}}
	var expect, renders value
	has := doc.object(fields{
		"feed":    func(v value) { t.Place = c.tested(v); t.Feed = t.Place.Value },
		"now":     func(v value) { t.Now = v.moment() },
		"offers":  func(v value) { t.Offers = c.testOffers(v) },
		"expect":  func(v value) { expect = v },
		"renders": func(v value) { renders = v },
	})
	doc.require(has, "feed", "offers", "expect")
	if expect.book != nil {
		t.Expect = expect.expected(t.Offers)
	}
	if renders.book != nil {
		renders.rendered(t)
	}
	return t
}

// tested reads the name of the feed that a test is about.
func (c *catalogue) tested(v value) diag.Text {
	t, ok := v.text()
	if !ok {
		return diag.Text{}
	}
	if _, found := c.names[t.Value]; !found && !c.feedsLost {
		v.report(v.at("there is no feed %s", t.Written()).WithHint("%s", nearest(t.Value, slices.Sorted(maps.Keys(c.names)))))
	}
	return t
}

func (c *catalogue) testOffers(v value) []feed.TestOffer {
	var out []feed.TestOffer
	seen := map[string]bool{}
	for _, e := range v.items() {
		o := c.testOffer(e)
		if seen[o.ID] && o.ID != "" {
			e.report(o.Place.At(0, runes(o.ID), "offer %s stands twice", o.ID))
		}
		seen[o.ID] = true
		out = append(out, o)
	}
	return out
}

func (c *catalogue) testOffer(v value) feed.TestOffer {
	o := feed.TestOffer{Values: map[string]feed.TestValue{}}
	for _, e := range v.entries() {
		name := e.name.Value
		switch {
		case name == offer.Key:
			o.Place, _ = e.value.text()
			o.ID = o.Place.Value
		case c.ws.Schema.Index(name) < 0 && !c.doubtful(e.name):
			v.report(e.name.At(0, runes(name), "an offer has no column %s", name).WithHint("%s", nearest(name, columnNames(c.ws.Schema))))
		default:
			if at := c.ws.Schema.Index(name); at >= 0 {
				e.value.hasFieldsOf(name, c.ws.Schema[at].Type)
			}
			o.Values[name] = feed.TestValue{Place: e.name, Value: e.value.plain()}
		}
	}
	if o.ID == "" && v.isMap() {
		v.fail("this offer has no id")
	}
	return o
}

// hasFieldsOf reports what a type has no field for, at any depth: it would be taken
// for null. A value that is not of the type is reported when the test is run.
func (v value) hasFieldsOf(title string, t offer.Type) {
	switch {
	case t.Kind == offer.List && v.isList():
		for _, elem := range v.items() {
			elem.hasFieldsOf(title, *t.Elem)
		}
	case t.Kind == offer.Map && v.isMap():
		for _, e := range v.entries() {
			e.value.hasFieldsOf(title+"."+e.name.Value, *t.Elem)
		}
	case t.Kind == offer.Struct && v.isMap():
		for _, e := range v.entries() {
			name := e.name.Value
			i := offer.Schema(t.Fields).Index(name)
			if i < 0 {
				v.report(e.name.At(0, runes(name), "%s has no field %s", title, name).WithHint("%s", nearest(name, columnNames(t.Fields))))
				continue
			}
			e.value.hasFieldsOf(title+"."+name, t.Fields[i].Type)
		}
	}
}

// expected reads the ids of the offers that a feed should take.
func (v value) expected(offers []feed.TestOffer) []diag.Text {
	out := v.names()
	for _, id := range out {
		v.among(offers, id)
	}
	return out
}

func (v value) rendered(t *feed.Test) {
	for _, e := range v.entries() {
		v.among(t.Offers, e.name)
		if text, ok := e.value.text(); ok {
			t.Renders[e.name.Value] = text
		}
	}
}

// among reports an id that none of the offers has.
func (v value) among(offers []feed.TestOffer, id diag.Text) {
	ids := make([]string, len(offers))
	for i, o := range offers {
		ids[i] = o.ID
	}
	if !slices.Contains(ids, id.Value) {
		v.report(id.At(0, runes(id.Value), "none of the offers has the id %s", id.Written()).WithHint("%s", nearest(id.Value, ids)))
	}
}

// plain reads any YAML value as a plain one: numbers keep their digits as text
// unless they are whole.
func (v value) plain() any {
	if v.tooMuch() {
		return nil
	}
	switch v.node.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for _, e := range v.entries() {
			out[e.name.Value] = e.value.plain()
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, e := range v.items() {
			out = append(out, e.plain())
		}
		return out
	}
	return v.plainScalar()
}

func (v value) plainScalar() any {
	if v.isNull() {
		return nil
	}
	t, _ := v.text()
	if v.node.Style != 0 {
		return t.Value
	}
	switch v.node.Tag {
	case "!!bool":
		return t.Value == "true" || t.Value == "True" || t.Value == "TRUE"
	case "!!int":
		if n, err := strconv.ParseInt(t.Value, 10, 64); err == nil {
			return n
		}
	}
	return t.Value
}
