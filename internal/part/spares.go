package part

import "math/bits"

// spares are buffers to be used again, whose sizes are powers of two. Groups grow
// from one to the next, so that little is left to the garbage collector.
type spares struct {
	most  int // bytes that are kept
	kept  int
	sizes [48][][]byte // by the power
}

const leastSpare = 12 // 4 kB

// take returns an empty buffer with room for n bytes.
func (s *spares) take(n int) []byte {
	power := max(leastSpare, bits.Len(uint(n-1)))
	free := s.sizes[power]
	if len(free) == 0 {
		return make([]byte, 0, 1<<power)
	}
	last := len(free) - 1
	s.sizes[power] = free[:last]
	s.kept -= 1 << power
	return free[last]
}

// give takes a buffer back, which nobody may use any more.
func (s *spares) give(buffer []byte) {
	n := cap(buffer)
	if n == 0 || n&(n-1) != 0 || s.kept+n > s.most {
		return
	}
	power := bits.TrailingZeros(uint(n))
	s.sizes[power] = append(s.sizes[power], buffer[:0])
	s.kept += n
}
