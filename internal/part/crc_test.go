package part

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

func TestCombine(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	data := make([]byte, 100_000)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	for range 200 {
		from, to := random.IntN(len(data)), random.IntN(len(data))
		from, to = min(from, to), max(from, to)
		at := from + random.IntN(to-from+1)
		want := crc32.ChecksumIEEE(data[from:to])
		got := combine(crc32.ChecksumIEEE(data[from:at]), crc32.ChecksumIEEE(data[at:to]), int64(to-at))
		if got != want {
			t.Fatalf("seed %d: combine of %d and %d bytes is %08x, want %08x", seed, at-from, to-at, got, want)
		}
	}
}

// The CRC of 5 GiB of zeros, in powers of two: beyond what 32 bits count.
func TestCombineLong(t *testing.T) {
	block := make([]byte, 1<<20)
	sum, n := crc32.ChecksumIEEE(block), int64(len(block))
	for n < 4<<30 {
		sum, n = combine(sum, sum, n), 2*n
	}
	one := crc32.ChecksumIEEE(block[:1])
	left, right := combine(one, sum, n), combine(sum, one, 1)
	if left != right {
		t.Errorf("a zero before 4 GiB of zeros: %08x, behind them: %08x", left, right)
	}
}
