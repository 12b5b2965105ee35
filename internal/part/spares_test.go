package part

import (
	"math/rand/v2"
	"testing"
)

// A buffer that is taken is empty, large enough and nobody else's, and no more
// than so many bytes are kept.
func TestSpares(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := spares{most: 100_000}
	used := map[*byte]bool{}
	var taken [][]byte
	for range 2000 {
		if len(taken) > 0 && random.IntN(2) == 0 {
			last := taken[len(taken)-1]
			taken = taken[:len(taken)-1]
			delete(used, &last[:1][0])
			s.give(last)
		} else {
			n := 1 + random.IntN(1<<random.IntN(18))
			buffer := s.take(n)
			first := &buffer[:1][0]
			if len(buffer) != 0 || cap(buffer) < n || used[first] {
				t.Fatalf("take(%d): %d of %d bytes, in use: %v", n, len(buffer), cap(buffer), used[first])
			}
			used[first] = true
			taken = append(taken, buffer)
		}
		kept := 0
		for _, free := range s.sizes {
			for _, b := range free {
				kept += cap(b)
			}
		}
		if kept != s.kept || kept > s.most {
			t.Fatalf("%d bytes are kept, counted are %d", kept, s.kept)
		}
	}
	s.give(make([]byte, 3, 5000)) // no power of two: dropped
	s.give(nil)
}
