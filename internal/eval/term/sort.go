package term

import (
	"cmp"
	"fmt"
	"slices"
)

// sortedConstants puts the constants of an `in` in order, each once.
func (t *Table) sortedConstants(ids []ID) []ID {
	out := slices.Clone(ids)
	slices.SortFunc(out, func(a, b ID) int {
		return cmp.Or(compareValues(t.Terms[a].Value, t.Terms[b].Value), cmp.Compare(a, b))
	})
	return slices.Compact(out)
}

func compareValues(a, b any) int {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return cmp.Compare(x, y)
		}
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
