package workspace

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

var (
	sourceName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
	columnName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	feedName   = regexp.MustCompile(`^[a-z0-9-]+$`)
	fieldLike  = regexp.MustCompile(`^(?:row|item)[.\[]`)
)

// identifier reports a name that the rest of a workspace could not use.
func (e entry) identifier(what string, form *regexp.Regexp, rule string) bool {
	name := e.name.Value
	switch {
	case e.value.isRest(e.name):
	case !form.MatchString(name):
		e.value.report(e.name.At(0, runes(name), "%q cannot be the name of a %s", name, what).WithHint("use %s", rule))
	case predicate.Reserved(name):
		e.value.report(e.name.At(0, runes(name), "%s cannot be the name of a %s: it has a meaning in expressions", name, what))
	default:
		return true
	}
	return false
}

// typeMistake reports a text that is no type.
func (v value) typeMistake(t diag.Text, err error) {
	var mistake *offer.TypeError
	if !errors.As(err, &mistake) {
		v.fail("%v", err)
		return
	}
	rest := t.Value[mistake.Offset:]
	word := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("_", r) && (r < '0' || r > 'z' || r > '9' && r < 'A') }); i >= 0 {
		word = rest[:i]
	}
	d := t.At(mistake.Offset, max(runes(word), 1), "%s", mistake.Message)
	if strings.HasPrefix(mistake.Message, "expected a number") {
		v.report(d.WithHint("decimal(12,2) has 12 digits, 2 of them after the point; %d is the most", offer.MaxPrecision))
		return
	}
	v.report(d.WithHint("%s", typeHint(word)))
}

var typeNames = []string{"string", "bool", "int", "double", "timestamp", "date", "decimal(12,2)", "list(string)", "map(string)", "struct{name: string}"}

// otherNames are what the types are called elsewhere.
var otherNames = map[string]string{
	"text": "string", "str": "string", "varchar": "string", "boolean": "bool", "integer": "int", "long": "int", "bigint": "int", "int64": "int", "number": "double",
	"float": "double", "float64": "double", "real": "double", "datetime": "timestamp", "time": "timestamp", "money": "decimal(12,2)", "numeric": "decimal(12,2)",
	"array": "list(string)", "object": "struct{name: string}", "dict": "map(string)",
}

func typeHint(word string) string {
	if name := otherNames[strings.ToLower(word)]; name != "" {
		return "did you mean " + name + "?"
	}
	return nearest(word, typeNames)
}

// form reports a text that is not of a form.
func (v value) form(t diag.Text, form *regexp.Regexp, rule string) bool {
	if form.MatchString(t.Value) {
		return true
	}
	v.report(v.at("%q cannot stand here", t.Written()).WithHint("use %s", rule))
	return false
}

// only reports keys that are known but of no use here.
func (v value) only(has map[string]value, owner string, keys ...string) {
	for _, key := range slices.Sorted(maps.Keys(has)) {
		if !slices.Contains(keys, key) {
			v.report(has[key].head("%s has no use for %s", owner, key))
		}
	}
}

// texts reads a map of texts.
func (v value) texts() map[string]string {
	out := map[string]string{}
	for _, e := range v.entries() {
		if t, ok := e.value.text(); ok {
			out[e.name.Value] = t.Value
		}
	}
	return out
}
