package template

import (
	"maps"
	"slices"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// A shape is what is known about a value before there is one.
type shape struct {
	t        *offer.Type // nil: any
	whole    whole
	constant any // of a text or number that stands in the template
}

// whole says that a value is not an offer's but one of the things around it,
// which have names but are no values themselves.
type whole uint8

const (
	noWhole whole = iota
	theRoot
	theOffer
	theFields
	theParams
	theFeed
)

var unknown = shape{}

func of(t offer.Type) shape { return shape{t: &t} }

func kind(k offer.Kind) shape { return of(offer.Type{Kind: k}) }

func (s shape) is(kinds ...offer.Kind) bool { return s.t != nil && slices.Contains(kinds, s.t.Kind) }

// fits reports whether the shape is not known or of one of the kinds.
func (s shape) fits(kinds ...offer.Kind) bool {
	return s.whole == noWhole && (s.t == nil || s.is(kinds...))
}

// name is what messages call the shape.
func (s shape) name() string {
	switch s.whole {
	case theRoot:
		return "the whole of what the block sees"
	case theOffer:
		return "the whole offer"
	case theFields:
		return "all fields"
	case theParams:
		return "all params"
	case theFeed:
		return "the feed"
	}
	if s.t == nil {
		return "a value"
	}
	return s.t.String()
}

// either is the shape of a value that is one of two.
func either(a, b shape) shape {
	if a.t != nil && b.t != nil && a.t.Equal(*b.t) && a.whole == b.whole {
		return shape{t: a.t, whole: a.whole}
	}
	return unknown
}

// names is what may be selected from the shape, sorted.
func (s shape) names() []string {
	var names []string
	if s.is(offer.Struct) {
		for _, f := range s.t.Fields {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

// scalars are the kinds that print.
var scalars = []offer.Kind{offer.String, offer.Bool, offer.Int, offer.Double, offer.Decimal, offer.Timestamp, offer.Date}

var numbers = []offer.Kind{offer.Int, offer.Double, offer.Decimal}

var times = []offer.Kind{offer.Timestamp, offer.Date}

// Uses is what a block, with the blocks that it calls, reads of what it sees.
type uses struct {
	columns, fields, params map[string]bool
	allParams               bool
	blocks                  map[string]bool
	absent                  map[string]diag.Diagnostic // names of fields that there are not, where each is first
}

func newUses() *uses {
	return &uses{columns: map[string]bool{}, fields: map[string]bool{}, params: map[string]bool{}, blocks: map[string]bool{}, absent: map[string]diag.Diagnostic{}}
}

func (u *uses) lack(name string, d diag.Diagnostic) {
	if _, known := u.absent[name]; !known {
		u.absent[name] = d
	}
}

func (u *uses) add(of whole, name string) {
	switch of {
	case theOffer:
		u.columns[name] = true
	case theFields:
		u.fields[name] = true
	case theParams:
		u.params[name] = true
	}
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
