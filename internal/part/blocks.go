package part

// blockSize is the size of the pieces of memory that items wait in.
const blockSize = 4 << 10

// slabBlocks is how many of them are made at once.
const slabBlocks = 16

// blocks are pieces of memory to be used again. What waits in a list of them is
// never copied to grow, and no group holds more than one that is not full.
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

// fill appends data to a list of blocks.
func (b *blocks) fill(list [][]byte, data []byte) [][]byte {
	for len(data) > 0 {
		if len(list) == 0 || len(list[len(list)-1]) == blockSize {
			list = append(list, b.take())
		}
		last := &list[len(list)-1]
		n := min(len(data), blockSize-len(*last))
		*last = append(*last, data[:n]...)
		data = data[n:]
	}
	return list
}
