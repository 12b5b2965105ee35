package offer

import (
	"math/bits"

	"github.com/zeebo/xxh3"
)

// Key is the name of an offer's key column, the first of every snapshot. Keys
// are text; a source's integer key is its decimal text.
const Key = "id"

// Hash returns the 64-bit XXH3 hash (seed 0) of a key's bytes.
func Hash(key string) uint64 { return xxh3.HashString(key) }

// Partition returns the slice, of a power of two of them, that a hash belongs
// to: its top bits, so that halving or doubling the count merges or cuts
// neighbours and every partition stays sorted by (hash, key).
func Partition(hash uint64, partitions int) int {
	return int(hash >> (64 - bits.TrailingZeros(uint(partitions))))
}
