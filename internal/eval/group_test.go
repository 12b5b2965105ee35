package eval

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/eval/term"
)

// TestScatter writes the bits of random tables for any number of leaves and rows,
// eight leaves at a time and 64.
func TestScatter(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	d := rand.New(rand.NewPCG(seed, 0))
	for _, leaves := range []int{1, 2, 7, 8, 9, mostNarrow - 1, mostNarrow, mostNarrow + 1, 63, 64, 65, 129} {
		for _, rows := range append([]int{1000}, lengths...) {
			g, m := &group{}, &machine{rails: make([]rails, leaves)}
			for i := range leaves {
				g.leaves = append(g.leaves, leaf{id: term.ID(i)})
				m.rails[i].t = make([]uint64, words(rows))
			}
			table, codes := make([]uint64, 5*g.slots()), make([]uint32, rows)
			for i := range table {
				table[i] = d.Uint64()
				if rest := leaves - i%g.slots()*64; rest < 64 {
					table[i] &= 1<<rest - 1
				}
			}
			for i := range codes {
				codes[i] = uint32(d.IntN(5))
			}
			m.scatter(g, codes, table)
			for leaf := range leaves {
				for row := range 64 * words(rows) {
					want := row < rows && table[int(codes[min(row, rows-1)])*g.slots()+leaf>>6]>>(leaf&63)&1 != 0
					if has(m.rails[leaf].t, row) != want {
						t.Fatalf("%d leaves, %d rows: leaf %d of row %d is %v", leaves, rows, leaf, row, !want)
					}
				}
			}
		}
	}
}

// TestStateBits sorts states, whatever their number.
func TestStateBits(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 0))
	for _, n := range lengths {
		for _, kinds := range []int{1, 2, 3, 4} {
			states := make([]state, n)
			for i := range states {
				states[i] = state(d.IntN(kinds))
			}
			got := new(machine).bitsOf(states)
			for s, set := range map[state][]uint64{null: got.null, undecided: got.undecided, failed: got.failed} {
				some := false
				for i := range states {
					some = some || states[i] == s
					if has(set, i) != (states[i] == s) {
						t.Fatalf("row %d of %v: %v in set %d", i, states, !(states[i] == s), s)
					}
				}
				if some != (set != nil) {
					t.Fatalf("%v: set %d is nil: %v", states, s, set == nil)
				}
			}
		}
	}
}

// TestTextIndex numbers texts, many and alike.
func TestTextIndex(t *testing.T) {
	x := newTextIndex()
	var want []uint32
	for i := range 1000 {
		want = append(want, x.add(fmt.Sprintf("text %d", i)))
	}
	for i := range 1000 {
		if got := x.find(fmt.Sprintf("text %d", i)); got != uint32(i+1) || got != want[i] {
			t.Errorf("text %d has number %d and was given %d", i, got, want[i])
		}
		if got := x.find(fmt.Sprintf("text %d ", i)); got != 0 {
			t.Errorf("a text that was not added has number %d", got)
		}
	}
}

// TestSearchedLast searches only the texts of rows that the other legs leave open,
// each once for all predicates. Null leaves open what a text says.
func TestSearchedLast(t *testing.T) {
	rows := batch(t, `[{"id": "a", "stock": 0}, {"id": "b", "stock": 1}, {"id": "c", "stock": 2}, {"id": "d", "stock": 3}, {"id": "e", "stock": 4},
		{"id": "f", "stock": 5}, {"id": "g", "stock": null}, {"id": "h", "stock": 7}]`)
	for _, test := range []struct {
		predicates []string
		asked      uint64
	}{
		{[]string{`offer.id.contains("x")`}, 0b11111111},
		{[]string{`offer.id.contains("x") && offer.stock > 4`}, 0b11100000},
		{[]string{`offer.stock <= 2 || offer.id.matches("^[a-c]")`}, 0b11111000},
		{[]string{`!(offer.stock < 5 || offer.id.contains("x"))`}, 0b11100000},
		{[]string{`offer.stock > 4 ? offer.id.contains("x") : offer.price > 1.0`}, 0b10100000},
		{[]string{`offer.stock > 100 && offer.id.contains("x")`}, 0b01000000},
		{[]string{`offer.stock == 1 && offer.id.contains("b")`, `offer.stock == 4 && offer.id.matches("e")`}, 0b00010010},
	} {
		p := compile(t, test.predicates...)
		m := p.machine(noon)
		m.enter(rows)
		for _, root := range m.roots {
			m.decidedOn(root, m.everything)
		}
		for i := range m.groups {
			if m.plan.groups[i].late {
				if diff := cmp.Diff([]uint64{test.asked}, m.searched[i].asked); diff != "" {
					t.Errorf("%q searches rows (-want +got):\n%s", test.predicates, diff)
				}
			}
		}
	}
}
