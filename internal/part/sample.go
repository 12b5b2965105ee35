package part

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/feedmill/feedmill/internal/offer"
)

// A Sample is the ids of some offers of a feed, so that a later run can tell
// offers that the feed gained or lost: of every partition of the snapshot the
// first few, in the order of partitions.
type Sample struct {
	Depth int        // how many of each partition; one with fewer has no others
	IDs   [][]string // by partition
}

// sampleSize is about how many ids a sample has at least, if the feed has.
const sampleSize = 128

// SampleDepth returns the depth of samples of feeds of so many partitions.
func SampleDepth(partitions int) int {
	return max(1, (sampleSize+partitions-1)/partitions)
}

// Gained returns ids, at most n, that are in s and were not in the feed of which
// before is the sample, and Lost those the other way round.
func (s Sample) Gained(before Sample, n int) []string { return s.without(before, n) }

// Lost is the reverse of Gained.
func (s Sample) Lost(before Sample, n int) []string { return before.without(s, n) }

// without returns ids of s that the other sample's feed has not.
func (s Sample) without(other Sample, n int) []string {
	var out []string
	for _, ids := range s.IDs {
		for _, id := range ids {
			if len(out) == n {
				return out
			}
			if other.lacks(id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// lacks reports whether the feed surely has no offer of this id: it would be in
// the sample.
func (s Sample) lacks(id string) bool {
	if len(s.IDs) == 0 {
		return false
	}
	ids := s.IDs[offer.Partition(offer.Hash(id), len(s.IDs))]
	at, found := slices.BinarySearchFunc(ids, id, inSnapshot)
	return !found && (at < len(ids) || len(ids) < s.Depth)
}

// inSnapshot compares ids as snapshots order them.
func inSnapshot(a, b string) int {
	return cmp.Or(cmp.Compare(offer.Hash(a), offer.Hash(b)), cmp.Compare(a, b))
}

func (s Sample) append(t []byte) []byte {
	t = binary.AppendUvarint(t, uint64(s.Depth))
	t = binary.AppendUvarint(t, uint64(len(s.IDs)))
	for _, ids := range s.IDs {
		t = binary.AppendUvarint(t, uint64(len(ids)))
		for _, id := range ids {
			t = appendString(t, id)
		}
	}
	return t
}

func (d *decoder) sample() Sample {
	s := Sample{Depth: d.below(1<<30, "depth of a sample")}
	if n := d.count(1); n > 0 {
		s.IDs = make([][]string, n)
	}
	if n := len(s.IDs); n&(n-1) != 0 {
		d.fail("the sample is of a number of partitions that cannot be")
		return Sample{}
	}
	for i := range s.IDs {
		s.IDs[i] = make([]string, d.count(1))
		for k := range s.IDs[i] {
			s.IDs[i][k] = d.string()
		}
	}
	return s
}
