package predicate

import (
	"cmp"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// pairs makes a map of the fields that begin with two prefixes: for each suffix,
// the one field names the key and the other is the value. Pairs of which one is
// null or an empty text are left out, as is a key that is no text; of a key that stands twice the first counts,
// shorter suffixes before longer ones (2 before 10).
func pairs(args ...ref.Val) ref.Val {
	fields := args[0].(traits.Mapper)
	keyPrefix, valuePrefix := string(args[1].(types.String)), string(args[2].(types.String))
	out := map[string]any{}
	for _, suffix := range suffixes(fields, keyPrefix) {
		key, hasKey := cell(fields, keyPrefix+suffix)
		value, hasValue := cell(fields, valuePrefix+suffix)
		name, isText := key.(string)
		if _, twice := out[name]; twice || !hasKey || !hasValue || !isText {
			continue
		}
		out[name] = value
	}
	return newObject(out)
}

// cell returns a field as a plain value, and whether it is more than an empty
// text.
func cell(fields traits.Mapper, name string) (any, bool) {
	v, found := fields.Find(types.String(name))
	if !found || v == types.NullValue || v == types.String("") {
		return nil, false
	}
	value, err := plain(v)
	return value, err == nil
}

func suffixes(fields traits.Mapper, prefix string) []string {
	var out []string
	for it := fields.Iterator(); it.HasNext() == types.True; {
		name, ok := it.Next().(types.String)
		if suffix, has := strings.CutPrefix(string(name), prefix); ok && has {
			out = append(out, suffix)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return out
}
