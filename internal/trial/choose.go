package trial

import (
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/choose"
)

// A candidate is a row that competes in a group.
type candidate struct {
	row   int
	place string // smaller is better
}

// chosen keeps the best rows of each group, in the order of rows.
func (t *trial) chosen(s subject, rows []int) ([]int, error) {
	if s.choose == nil {
		return rows, nil
	}
	var plan choose.Plan
	choice := plan.Add(s.choose, s.where)
	groups := map[string][]candidate{}
	ranked := 0
	err := choice.Ranks(t.offers, rows, t.now, func(_ string, group, place []byte) {
		groups[string(group)] = append(groups[string(group)], candidate{rows[ranked], string(place)})
		ranked++
	})
	if err != nil {
		return nil, err
	}
	var kept []int
	for _, group := range groups {
		slices.SortFunc(group, func(a, b candidate) int { return strings.Compare(a.place, b.place) })
		for i, c := range group {
			if i < choice.Take() {
				kept = append(kept, c.row)
				continue
			}
			t.why[t.id(c.row)] = "offer " + t.id(group[0].row) + " was chosen before it"
		}
	}
	slices.Sort(kept)
	return kept, nil
}

func (t *trial) id(row int) string { return t.test.Offers[row].ID }
