package encode

import (
	"encoding/binary"
	"math/bits"
)

// appendHybrid appends values of width bits in Parquet's mix of runs: a value
// and how often it repeats, or eights of values packed side by side.
func appendHybrid[T uint8 | uint32](dst []byte, values []T, width int) []byte {
	packed := 0 // where the values begin that are not written yet
	for i := 0; i < len(values); {
		run := i + 1
		for run < len(values) && values[run] == values[i] {
			run++
		}
		// Packed values come in eights, so they take from the run what they lack.
		start := i + (8-(i-packed)%8)%8
		if run-start < 8 {
			i = run
			continue
		}
		dst = appendPacked(dst, values[packed:start], width)
		dst = appendRun(dst, values[i], run-start, width)
		i, packed = run, run
	}
	return appendPacked(dst, values[packed:], width)
}

func appendRun[T uint8 | uint32](dst []byte, value T, count, width int) []byte {
	dst = binary.AppendUvarint(dst, uint64(count)<<1)
	for shift := 0; shift < width; shift += 8 {
		dst = append(dst, byte(uint32(value)>>shift))
	}
	return dst
}

// appendPacked appends a run of packed values; the last eight is filled up with
// zeros.
func appendPacked[T uint8 | uint32](dst []byte, values []T, width int) []byte {
	if len(values) == 0 {
		return dst
	}
	eights := (len(values) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(eights)<<1|1)
	return packBits(dst, values, width, eights*width)
}

// packBits appends values of width bits side by side, the lowest bits first, as
// size bytes.
func packBits[T uint8 | uint32 | uint64](dst []byte, values []T, width, size int) []byte {
	end := len(dst) + size
	var word uint64
	filled := 0
	for _, v := range values {
		word |= uint64(v) << filled
		if filled += width; filled < 64 {
			continue
		}
		dst = binary.LittleEndian.AppendUint64(dst, word)
		filled -= 64
		word = 0
		if filled > 0 {
			word = uint64(v) >> (width - filled)
		}
	}
	for len(dst) < end {
		dst = append(dst, byte(word))
		word >>= 8
	}
	return dst[:end]
}

// widthOf returns how many bits a number needs.
func widthOf(v uint64) int { return bits.Len64(v) }
