package eval

// mostNarrow bounds the leaves that are decided eight at a time: beyond, 64 at a
// time are faster.
const mostNarrow = 24

// scatter writes the bits of all leaves.
func (m *machine) scatter(g *group, codes []uint32, table []uint64) {
	slots := g.slots()
	if len(g.leaves) <= mostNarrow {
		for first := 0; first < len(g.leaves); first += 8 {
			m.scatterNarrow(g.leaves[first:min(first+8, len(g.leaves))], codes, table, first)
		}
		return
	}
	for slot := range slots {
		m.scatterWide(g.leaves[slot*64:min(slot*64+64, len(g.leaves))], codes, table[slot:], slots)
	}
}

// scatterWide writes the bits of up to 64 leaves.
func (m *machine) scatterWide(leaves []leaf, codes []uint32, table []uint64, slots int) {
	var block, any [64]uint64
	var out [64][]uint64
	for k := range leaves {
		out[k] = m.rails[leaves[k].id].t
	}
	for w := range words(len(codes)) {
		rows := codes[w<<6 : min(w<<6+64, len(codes))]
		for i, code := range rows {
			block[i] = table[int(code)*slots]
		}
		clear(block[len(rows):])
		transpose(&block)
		for k := range leaves {
			out[k][w] = block[k]
			any[k] |= block[k]
		}
	}
	for k := range leaves {
		m.rails[leaves[k].id].nowhere = any[k] == 0
	}
}

// scatterNarrow writes the bits of up to eight leaves, which stand in a class's
// only word from shift on.
func (m *machine) scatterNarrow(leaves []leaf, codes []uint32, table []uint64, shift int) {
	var block, any [8]uint64
	var out [8][]uint64
	for k := range leaves {
		out[k] = m.rails[leaves[k].id].t
	}
	for w := range words(len(codes)) {
		rows := codes[w<<6 : min(w<<6+64, len(codes))]
		if len(rows) == 64 {
			for i := range block {
				eight := rows[i*8 : i*8+8 : i*8+8]
				block[i] = transpose8(table[eight[0]]>>shift&0xff | table[eight[1]]>>shift&0xff<<8 | table[eight[2]]>>shift&0xff<<16 | table[eight[3]]>>shift&0xff<<24 |
					table[eight[4]]>>shift&0xff<<32 | table[eight[5]]>>shift&0xff<<40 | table[eight[6]]>>shift&0xff<<48 | table[eight[7]]>>shift&0xff<<56)
			}
		} else {
			clear(block[:])
			for i, code := range rows {
				block[i>>3] |= table[code] >> shift & 0xff << (i & 7 * 8)
			}
			for i := range block {
				block[i] = transpose8(block[i])
			}
		}
		transposeBytes(&block)
		for k := range leaves {
			out[k][w] = block[k]
			any[k] |= block[k]
		}
	}
	for k := range leaves {
		m.rails[leaves[k].id].nowhere = any[k] == 0
	}
}

// transpose exchanges rows and columns of a matrix of bits.
func transpose(a *[64]uint64) {
	mask := uint64(0x00000000FFFFFFFF)
	for j := 32; j != 0; j >>= 1 {
		for k := 0; k < 64; k = ((k | j) + 1) &^ j {
			t := (a[k]>>j ^ a[k|j]) & mask
			a[k] ^= t << j
			a[k|j] ^= t
		}
		mask ^= mask << (j >> 1)
	}
}

// transpose8 exchanges rows and columns of a matrix of eight times eight bits.
func transpose8(x uint64) uint64 {
	t := (x ^ x>>7) & 0x00AA00AA00AA00AA
	x ^= t ^ t<<7
	t = (x ^ x>>14) & 0x0000CCCC0000CCCC
	x ^= t ^ t<<14
	t = (x ^ x>>28) & 0x00000000F0F0F0F0
	return x ^ t ^ t<<28
}

// transposeBytes exchanges rows and columns of a matrix of bytes.
func transposeBytes(a *[8]uint64) {
	for k := range 4 {
		t := (a[k]>>32 ^ a[k+4]) & 0x00000000FFFFFFFF
		a[k], a[k+4] = a[k]^t<<32, a[k+4]^t
	}
	for _, k := range [...]int{0, 1, 4, 5} {
		t := (a[k]>>16 ^ a[k+2]) & 0x0000FFFF0000FFFF
		a[k], a[k+2] = a[k]^t<<16, a[k+2]^t
	}
	for _, k := range [...]int{0, 2, 4, 6} {
		t := (a[k]>>8 ^ a[k+1]) & 0x00FF00FF00FF00FF
		a[k], a[k+1] = a[k]^t<<8, a[k+1]^t
	}
}
