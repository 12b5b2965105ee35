package part

// blockSize is the size of the pieces of memory that items wait in.
const blockSize = 4 << 10

// slabBlocks is how many of them are made at once.
const slabBlocks = 16

// blocks are pieces of memory to be used again. A group is a list of them, of which
// one is not full: it grows without being copied.
type blocks struct{ free [][]byte }

// take returns an empty block.
func (b *blocks) take() []byte {
	if len(b.free) == 0 {
		slab := make([]byte, slabBlocks*blockSize)
		for i := range slabBlocks {
			b.free = append(b.free, slab[i*blockSize:i*blockSize:(i+1)*blockSize])
		}
	}
	last := len(b.free) - 1
	block := b.free[last]
	b.free = b.free[:last]
	return block
}

// give takes blocks back, which nobody may use any more.
func (b *blocks) give(all [][]byte) {
	for _, block := range all {
		b.free = append(b.free, block[:0])
	}
}
