package part

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/offer"
)

// sampleOf samples a feed that has these offers.
func sampleOf(partitions int, ids []string) Sample {
	s := Sample{Depth: SampleDepth(partitions), IDs: make([][]string, partitions)}
	for _, id := range ids {
		at := offer.Partition(offer.Hash(id), partitions)
		s.IDs[at] = append(s.IDs[at], id)
	}
	for i, ids := range s.IDs {
		slices.SortFunc(ids, inSnapshot)
		s.IDs[i] = ids[:min(len(ids), s.Depth)]
	}
	return s
}

// What a sample says was gained and lost is true, also between samples of other
// numbers of partitions, and of small feeds it is everything.
func TestSample(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, size := range []int{0, 1, 10, 100, 3000} {
		for i := range 8 {
			partitions, times := []int{1, 4, 128, 512}[i/2], []int{1, 4}[i%2]
			old, now := map[string]bool{}, map[string]bool{}
			for i := range size {
				old[strconv.Itoa(i)] = random.IntN(3) > 0
				now[strconv.Itoa(i)] = random.IntN(3) > 0
			}
			before, after := sampleOf(partitions, chosen(old)), sampleOf(times*partitions, chosen(now))
			gained, lost := after.Gained(before, size), after.Lost(before, size)
			for _, id := range gained {
				if old[id] || !now[id] {
					t.Errorf("%s was not gained", id)
				}
			}
			for _, id := range lost {
				if !old[id] || now[id] {
					t.Errorf("%s was not lost", id)
				}
			}
			if size == 3000 && times == 1 && (len(gained) < 10 || len(lost) < 10) {
				t.Errorf("of %d partitions only %d gained and %d lost were found", partitions, len(gained), len(lost))
			}
		}
	}
}

func TestSampleOfASmallFeed(t *testing.T) {
	before, after := sampleOf(8, []string{"a", "b", "c"}), sampleOf(8, []string{"b", "d", "e"})
	gained, lost := after.Gained(before, 9), after.Lost(before, 9)
	slices.Sort(gained)
	slices.Sort(lost)
	if diff := cmp.Diff([][]string{{"d", "e"}, {"a", "c"}}, [][]string{gained, lost}); diff != "" {
		t.Error(diff)
	}
	if got := after.Gained(before, 1); len(got) != 1 {
		t.Errorf("at most one: %v", got)
	}
	if got := after.Gained(Sample{}, 9); len(got) > 0 {
		t.Errorf("against no sample: %v", got)
	}
}

func chosen(of map[string]bool) []string {
	var out []string
	for id, in := range of {
		if in {
			out = append(out, id)
		}
	}
	return out
}
