package term

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Pairs that three conditions share are terms, the most shared first; others, and
// what is decided row by row, stay where they are.
func TestRegroup(t *testing.T) {
	b := newBench(t)
	texts := []string{
		`offer.new && offer.stock > 3 && offer.sold > 1`,
		`offer.new && offer.stock > 3 && offer.sold > 2`,
		`offer.stock > 3 && offer.sold > 3 && offer.new`,
		`offer.new && offer.stock > 3 && offer.sold > 3 && offer.price > 1.5`,
		`offer.new && offer.stock > 3`,
		`offer.new || offer.stock > 3 || offer.sold > 1`,
		`offer.new || offer.stock > 3 || offer.sold > 2`,
	}
	var ids []ID
	for _, text := range texts {
		ids = append(ids, b.of(text))
	}
	b.Regroup()
	const shared = `and(column:new, >(column:stock, 3))`
	want := []string{
		`and(>(column:sold, 1), ` + shared + `)`,
		`and(>(column:sold, 2), ` + shared + `)`,
		`and(>(column:sold, 3), ` + shared + `)`,
		`and(>(column:sold, 3), >(column:price, 1.5), ` + shared + `)`,
		shared,
		`or(column:new, >(column:stock, 3), >(column:sold, 1))`,
		`or(column:new, >(column:stock, 3), >(column:sold, 2))`,
	}
	var got []string
	for _, id := range ids {
		got = append(got, b.Format(id))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
