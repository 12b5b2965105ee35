package trial

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
)

// A candidate is a row that competes in a group.
type candidate struct {
	row  int
	id   string
	keys []any
}

// chosen keeps the best rows of each group, in the order of rows. Nulls come
// last, ties are decided by id.
func (t *trial) chosen(choose *feed.Choose, rows []int) []int {
	if choose == nil {
		return rows
	}
	groups := map[string][]candidate{}
	for _, row := range rows {
		group := t.group(choose, row)
		groups[group] = append(groups[group], t.candidate(choose, row))
	}
	var kept []int
	for _, group := range groups {
		slices.SortFunc(group, func(a, b candidate) int { return contest(choose, a, b) })
		for i, c := range group {
			if i < choose.Take {
				kept = append(kept, c.row)
				continue
			}
			t.why[c.id] = "offer " + group[0].id + " was chosen before it"
		}
	}
	slices.Sort(kept)
	return kept
}

// group names the group a row competes in: without one it competes alone.
func (t *trial) group(choose *feed.Choose, row int) string {
	value, err := choose.Per.Eval(t.vars(row))
	if err != nil || value == nil {
		return fmt.Sprintf("alone %d", row)
	}
	return fmt.Sprintf("with %T %v", value, value)
}

func (t *trial) candidate(choose *feed.Choose, row int) candidate {
	c := candidate{row: row, id: t.test.Offers[row].ID}
	for _, by := range choose.By {
		value, err := by.Value.Eval(t.vars(row))
		if err != nil {
			value = nil
		}
		c.keys = append(c.keys, value)
	}
	return c
}

// contest is negative when a is better than b.
func contest(choose *feed.Choose, a, b candidate) int {
	for i, by := range choose.By {
		if order := rank(a.keys[i], b.keys[i], by.Desc); order != 0 {
			return order
		}
	}
	return cmp.Compare(a.id, b.id)
}

func rank(a, b any, desc bool) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	case desc:
		return compare(b, a)
	}
	return compare(a, b)
}

// compare orders two plain values of one column.
func compare(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case time.Time:
		return a.Compare(b.(time.Time))
	case bool:
		return cmp.Compare(truth(a), truth(b.(bool)))
	}
	i, whole := a.(int64)
	j, both := b.(int64)
	if whole && both {
		return cmp.Compare(i, j)
	}
	return cmp.Compare(number(a), number(b))
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func number(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case float64:
		return v
	case time.Duration:
		return float64(v)
	case offer.Number:
		return v.Double()
	}
	panic(fmt.Sprintf("trial: an order by %T", v))
}
