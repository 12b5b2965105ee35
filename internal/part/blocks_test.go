package part

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// Lists of blocks hold what they were filled with and nobody else's, and what is
// given back is used again.
func TestBlocks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var b blocks
	lists, wants := make([][][]byte, 5), make([][]byte, 5)
	most := 0
	for i := range 5000 {
		k := random.IntN(len(lists))
		if random.IntN(20) == 0 {
			b.give(lists[k])
			lists[k], wants[k] = lists[k][:0], nil
		}
		data := bytes.Repeat([]byte{byte(i)}, random.IntN(2*blockSize)>>random.IntN(10))
		lists[k], wants[k] = b.fill(lists[k], data), append(wants[k], data...)
		used := 0
		for k, list := range lists {
			used += len(list)
			if i%50 == 0 && !bytes.Equal(slices.Concat(list...), wants[k]) {
				t.Fatalf("list %d of %d bytes is not what it was filled with", k, len(wants[k]))
			}
			if len(list) != (len(wants[k])+blockSize-1)/blockSize {
				t.Fatalf("list %d of %d bytes has %d blocks", k, len(wants[k]), len(list))
			}
		}
		most = max(most, used)
		if made := used + len(b.free); made >= most+slabBlocks {
			t.Fatalf("%d blocks were made for %d", made, most)
		}
	}
}
