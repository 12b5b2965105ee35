package generate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A choice is the offers that feeds choose from, and how; feeds that choose alike
// share it.
type choice struct {
	*feed.Choose
	number    int
	predicate int // in the plan: who competes
	identity  string
}

// addChoice finds or adds the choice of a feed.
func (p *plan) addChoice(f *plannedFeed) {
	if f.Choose == nil {
		return
	}
	c := &choice{Choose: f.Choose, number: len(p.choices), predicate: f.predicate}
	c.identity = c.identify(p)
	at := slices.IndexFunc(p.choices, func(other *choice) bool { return other.identity == c.identity })
	if at < 0 {
		p.choices = append(p.choices, c)
		at = c.number
	}
	f.choice = p.choices[at]
}

func (c *choice) identify(p *plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %d", p.predicates[c.predicate].Text(), c.Take)
	if c.Per != nil {
		fmt.Fprintf(&b, " per %q", c.Per.Text())
	}
	for _, o := range c.By {
		fmt.Fprintf(&b, " by %q %t", o.Value.Text(), o.Desc)
	}
	return b.String()
}

// A candidate is an offer that may be among the best of its group.
type candidate struct {
	group []byte
	order []byte // smaller is better; the id is its end, so that there are no ties
	part  int    // the partition it is in
	row   int64  // in the partition
}

// candidate describes an offer. Without a value of per, also where it failed, the
// offer competes alone; a sort key that failed counts as null.
func (c *choice) candidate(vars *predicate.Vars, id string) (candidate, error) {
	out := candidate{group: append([]byte{0xFF}, id...)}
	if c.Per == nil {
		out.group = []byte{0}
	} else if per, err := c.Per.Eval(vars); err == nil && per != nil {
		if out.group, err = appendValue([]byte{1}, per); err != nil {
			return out, fmt.Errorf("choose per %s: %w", c.Per.Text(), err)
		}
	}
	for _, o := range c.By {
		v, err := o.Value.Eval(vars)
		if err != nil {
			v = nil
		}
		if out.order, err = appendKey(out.order, v, o.Desc); err != nil {
			return out, fmt.Errorf("choose by %s: %w", o.Value.Text(), err)
		}
	}
	out.order = append(out.order, id...)
	return out, nil
}

// slice is the task of the next phase that the candidate's group belongs to.
func (c candidate) slice(slices int) int { return offer.Partition(xxh3.Hash(c.group), slices) }

func (c candidate) append(dst []byte) []byte {
	for _, b := range [][]byte{c.group, c.order} {
		dst = append(binary.AppendUvarint(dst, uint64(len(b))), b...)
	}
	return binary.AppendUvarint(dst, uint64(c.row))
}

// readCandidate reads what append wrote and returns the rest.
func readCandidate(data []byte, part int) (c candidate, rest []byte, err error) {
	c.part = part
	for _, b := range []*[]byte{&c.group, &c.order} {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return c, nil, fmt.Errorf("a candidate is cut off")
		}
		*b, data = data[size:size+int(n)], data[size+int(n):]
	}
	row, size := binary.Uvarint(data)
	if size <= 0 {
		return c, nil, fmt.Errorf("a candidate is cut off")
	}
	c.row = int64(row)
	return c, data[size:], nil
}

// A contest keeps the best of every group.
type contest struct {
	take   int
	groups map[string][]candidate
}

func newContest(take int) *contest { return &contest{take, map[string][]candidate{}} }

func (t *contest) enter(c candidate) {
	best := t.groups[string(c.group)]
	at, _ := slices.BinarySearchFunc(best, c, func(a, b candidate) int { return bytes.Compare(a.order, b.order) })
	if at == t.take {
		return
	}
	if len(best) == t.take {
		best = best[:t.take-1]
	}
	t.groups[string(c.group)] = slices.Insert(best, at, c)
}
