package template

import (
	"text/template/parse"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// A want is what a function takes as one argument.
type want struct {
	what  string // for messages
	kinds []offer.Kind
}

var (
	anything   = want{"a value", append([]offer.Kind{offer.List, offer.Map, offer.Struct}, scalars...)}
	aText      = want{"a text", []offer.Kind{offer.String}}
	aScalar    = want{"a text, a number, a time or a bool", scalars}
	aNumber    = want{"a number", numbers}
	anInt      = want{"an int", []offer.Kind{offer.Int}}
	aList      = want{"a list", []offer.Kind{offer.List}}
	aTime      = want{"a timestamp or date", times}
	countable  = want{"a list, a map or a text", []offer.Kind{offer.List, offer.Map, offer.String}}
	comparable = want{"a text, a number, a time or a bool", scalars}
	ordered    = want{"a text, a number or a time", []offer.Kind{offer.String, offer.Int, offer.Double, offer.Decimal, offer.Timestamp, offer.Date}}
)

// An argument is an argument of a call in a template.
type argument struct {
	node parse.Node
	shape
}

// A signature says how a function is called.
type signature struct {
	usage string // for messages
	wants []want
	more  []want // a group that may follow, any number of times
	// check looks at what wants cannot say and returns what the call gives.
	check func(c *checker, call parse.Node, args []argument) shape
}

// gives is the check of a function that always gives one kind.
func gives(k offer.Kind) func(*checker, parse.Node, []argument) shape {
	return func(*checker, parse.Node, []argument) shape { return kind(k) }
}

// signatures is the language's functions.
var signatures = map[string]signature{
	"and": {"and X Y ...", []want{anything}, []want{anything}, eitherOf},
	"or":  {"or X Y ...", []want{anything}, []want{anything}, eitherOf},
	"not": {"not X", []want{anything}, nil, gives(offer.Bool)},
	"eq":  {"eq X Y ...", []want{comparable, comparable}, []want{comparable}, comparison},
	"ne":  {"ne X Y", []want{comparable, comparable}, nil, comparison},
	"lt":  {"lt X Y", []want{ordered, ordered}, nil, comparison},
	"le":  {"le X Y", []want{ordered, ordered}, nil, comparison},
	"gt":  {"gt X Y", []want{ordered, ordered}, nil, comparison},
	"ge":  {"ge X Y", []want{ordered, ordered}, nil, comparison},

	"index":  {"index LIST NUMBER, or index MAP KEY", nil, nil, indexing},
	"len":    {"len X", []want{countable}, nil, gives(offer.Int)},
	"printf": {"printf FORMAT X ...", []want{aText}, []want{aScalar}, formatting},

	"money":     {"money AMOUNT CURRENCY", []want{aNumber, aText}, nil, gives(offer.String)},
	"join":      {"join LIST SEPARATOR", []want{aList, aText}, nil, joining},
	"truncate":  {"truncate N TEXT", []want{anInt, aScalar}, nil, gives(offer.String)},
	"striphtml": {"striphtml TEXT", []want{aScalar}, nil, gives(offer.String)},
	"default":   {"default VALUE X", []want{anything, anything}, nil, eitherOf},
	"date":      {"date LAYOUT TIME", []want{aText, aTime}, nil, dating},
	"enum":      {`enum X "FROM" "TO" ...`, []want{aScalar, aText, aText}, []want{aText, aText}, gives(offer.String)},
	"lower":     {"lower TEXT", []want{aScalar}, nil, gives(offer.String)},
	"upper":     {"upper TEXT", []want{aScalar}, nil, gives(offer.String)},
	"urlquery":  {"urlquery TEXT", []want{aScalar}, nil, gives(offer.String)},
	"required":  {"required NAME X", []want{aText, anything}, nil, requiring},
}

// refused are text/template's functions that the language leaves out, each with
// what to do instead.
var refused = map[string]string{
	"html":    "values are escaped by themselves",
	"js":      "values are escaped by themselves",
	"print":   "values print by themselves; printf joins several",
	"println": "values print by themselves; printf joins several",
	"slice":   "use truncate N TEXT",
	"call":    "",
}

func eitherOf(_ *checker, _ parse.Node, args []argument) shape {
	result := args[0].shape
	for _, a := range args[1:] {
		result = either(result, a.shape)
	}
	result.constant = nil
	return result
}

func comparison(c *checker, call parse.Node, args []argument) shape {
	for _, a := range args[1:] {
		if first := args[0]; family(first.shape) != 0 && family(a.shape) != 0 && family(first.shape) != family(a.shape) {
			c.add(c.src.node(a.node, "%s cannot be compared with %s", a.name(), first.name()))
		}
	}
	return kind(offer.Bool)
}

// family is the group of kinds that compare with each other, 0 when not known.
func family(s shape) int {
	switch {
	case s.is(offer.String):
		return 1
	case s.is(numbers...):
		return 2
	case s.is(times...):
		return 3
	case s.is(offer.Bool):
		return 4
	default:
		return 0
	}
}

func joining(c *checker, _ parse.Node, args []argument) shape {
	if list := args[0]; list.is(offer.List) && !of(*list.t.Elem).fits(scalars...) {
		c.add(c.src.node(list.node, "join takes a list of texts or numbers, not %s", list.name()).WithHint("range over it"))
	}
	return kind(offer.String)
}

func requiring(c *checker, call parse.Node, args []argument) shape {
	if c.block != itemBlock {
		c.add(c.src.node(call, "required belongs into the item").WithHint("a header and a footer have no offer to leave out"))
	}
	return args[1].shape
}

func formatting(c *checker, call parse.Node, args []argument) shape {
	format, constant := args[0].constant.(string)
	if !constant {
		c.add(c.src.node(args[0].node, "the format of printf must stand in the template as a text"))
		return kind(offer.String)
	}
	found, at, ok := directives(format)
	if !ok {
		c.add(c.src.node(args[0].node, "printf does not understand %q", clip(format[at:])).WithHint("%%%% prints a percent sign"))
		return kind(offer.String)
	}
	if len(found) != len(args)-1 {
		c.add(c.src.node(call, "the format has %d directives for %d values", len(found), len(args)-1))
		return kind(offer.String)
	}
	for i, d := range found {
		c.verb(d, args[i+1])
	}
	return kind(offer.String)
}

// verb checks that a directive suits its value.
func (c *checker) verb(d directive, a argument) {
	kinds := scalars
	switch kindOfVerb(d.verb) {
	case intVerb:
		kinds = []offer.Kind{offer.Int}
	case doubleVerb:
		kinds = numbers
	case boolVerb:
		kinds = []offer.Kind{offer.Bool}
	}
	if !a.fits(kinds...) {
		c.add(c.src.node(a.node, "%s does not suit %s", d.text, a.name()).WithHint("%%s prints any value"))
	}
}

func clip(s string) string {
	if len(s) > 8 {
		return s[:8]
	}
	return s
}

// indexing looks into a list by number, a map by key, a struct by a name that
// stands in the template.
func indexing(c *checker, call parse.Node, args []argument) shape {
	if len(args) < 2 {
		c.add(c.src.node(call, "index takes a list and a number, or a map and a key"))
		return unknown
	}
	s := args[0].shape
	for _, key := range args[1:] {
		s = c.element(s, key)
	}
	return s
}

func (c *checker) element(s shape, key argument) shape {
	name, constant := key.constant.(string)
	switch {
	case constant && (s.t == nil || s.is(offer.Struct, offer.Map)):
		return c.member(s, name, func(format string, args ...any) diag.Diagnostic {
			return c.src.node(key.node, format, args...)
		})
	case s.t == nil:
		return unknown
	case s.is(offer.List) && key.fits(offer.Int):
		return of(*s.t.Elem)
	case s.is(offer.Map) && key.fits(offer.String):
		c.uses.allParams = c.uses.allParams || s.whole == theParams
		return of(*s.t.Elem)
	}
	c.add(c.src.node(key.node, "%s cannot be looked into by %s", s.name(), key.name()))
	return unknown
}
