package part

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Each membership has a group of its own, however many feeds there are.
func TestGroups(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, feeds := range []int{1, 63, 65, 127, 129, 300} {
		gs := groups{}
		var added []*group
		for range 500 {
			m := randomMembership(random, feeds)
			if random.IntN(2) == 0 { // differs from another in one feed, often the last
				m = append(Membership{}, m[:len(m)-random.IntN(2)]...)
			}
			if len(m) == 0 {
				continue
			}
			g := gs.find(m)
			known := false
			for _, other := range added {
				if !slices.Equal(other.members, m) {
					continue
				}
				if known = true; g != other {
					t.Fatalf("%v of %d feeds: another group was found", m, feeds)
				}
			}
			if !known {
				if g != nil {
					t.Fatalf("%v of %d feeds: the group of %v was found", m, feeds, g.members)
				}
				added = append(added, gs.add(m))
			}
		}
		for _, g := range added {
			if found := gs.find(slices.Clone(g.members)); found != g {
				t.Errorf("%v of %d feeds is not found again", g.members, feeds)
			}
		}
	}
}
