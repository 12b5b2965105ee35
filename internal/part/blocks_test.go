package part

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// Groups hold what they were filled with and nobody else's, and blocks that are
// given back are used again.
func TestBlocks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var b blocks
	groups, wants := make([]group, 5), make([][]byte, 5)
	most := 0
	for i := range 5000 {
		k := random.IntN(len(groups))
		if g := &groups[k]; random.IntN(20) == 0 {
			if !bytes.Equal(slices.Concat(g.close()...), wants[k]) {
				t.Fatalf("group %d of %d bytes is not what it was filled with", k, len(wants[k]))
			}
			g.empty(&b)
			wants[k] = nil
		}
		data := bytes.Repeat([]byte{byte(i)}, random.IntN(2*blockSize)>>random.IntN(10))
		groups[k].fill(data, &b)
		wants[k] = append(wants[k], data...)
		used := 0
		for k, g := range groups {
			used += (len(wants[k]) + blockSize - 1) / blockSize
			if n := len(g.blocks)*blockSize + len(g.tail); n != len(wants[k]) {
				t.Fatalf("group %d has %d bytes, want %d", k, n, len(wants[k]))
			}
		}
		most = max(most, used)
		if made := used + len(b.free); made >= most+slabBlocks {
			t.Fatalf("%d blocks were made for %d", made, most)
		}
	}
}
