package diff

import "testing"

// A cursor holds a row group as it is stored and a batch of it, whatever the partition.
func TestCursorMemory(t *testing.T) {
	for _, test := range []struct{ size, rows, partitions, want int64 }{
		{100 * 999, 1000, 1, 5 * 1001 * 100},
		{100 * 16_000_000, 16_000_000, 64, (64<<10 + 4*2048) * 101},
		{100 * 16_000_000, 16_000_000, 1, (64<<10 + 4*2048) * 101},
	} {
		if got := cursorMemory(test.size, test.rows, test.partitions); got != test.want {
			t.Errorf("%d bytes, %d rows, %d partitions: %d, want %d", test.size, test.rows, test.partitions, got, test.want)
		}
	}
}
