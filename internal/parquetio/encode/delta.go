package encode

import "encoding/binary"

// The shape of the blocks of delta encoding: four parts of 32 values, each with
// a width of its own.
const (
	deltaBlock = 128
	deltaParts = 4
	deltaPart  = deltaBlock / deltaParts
)

// appendDelta appends integers as DELTA_BINARY_PACKED. Of 4-byte integers the
// differences wrap around in 32 bits, of others in 64.
func appendDelta(dst []byte, values []int64, size int) []byte {
	dst = binary.AppendUvarint(dst, deltaBlock)
	dst = binary.AppendUvarint(dst, deltaParts)
	dst = binary.AppendUvarint(dst, uint64(len(values)))
	if len(values) == 0 {
		return binary.AppendVarint(dst, 0)
	}
	dst = binary.AppendVarint(dst, values[0])
	last := values[0]
	for values = values[1:]; len(values) > 0; {
		n := min(len(values), deltaBlock)
		dst = appendDeltaBlock(dst, values[:n], last, size)
		last, values = values[n-1], values[n:]
	}
	return dst
}

func appendDeltaBlock(dst []byte, values []int64, last int64, size int) []byte {
	var deltas [deltaBlock]int64
	least := differences(deltas[:], values, last, size)
	dst = binary.AppendVarint(dst, least)
	widths := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	var rest [deltaPart]uint64
	for part := 0; part*deltaPart < len(values); part++ {
		from, all := deltas[part*deltaPart:min((part+1)*deltaPart, len(values))], uint64(0)
		for i, d := range from {
			rest[i] = uint64(d) - uint64(least)
			if size == 4 {
				rest[i] &= 1<<32 - 1
			}
			all |= rest[i]
		}
		clear(rest[len(from):])
		width := widthOf(all)
		dst[widths+part] = byte(width)
		dst = packBits(dst, rest[:], width, deltaPart/8*width)
	}
	return dst
}

// differences writes the difference of each value to the one before, and returns
// the least.
func differences(deltas, values []int64, last int64, size int) int64 {
	least := int64(1<<63 - 1)
	for i, v := range values {
		d := v - last
		if size == 4 {
			d = int64(int32(d))
		}
		deltas[i] = d
		least = min(least, d)
		last = v
	}
	return least
}
