package diff

import "testing"

// As many tasks run at once as memory is enough for, and one where it is for none.
func TestTasksAtOnce(t *testing.T) {
	const mb, gb = 1 << 20, 1 << 30
	for _, test := range []struct {
		workers      int
		memory, need int64
		want         int
	}{
		{8, 3 * gb / 2, taskMemory, 8},
		{16, 3 * gb / 2, taskMemory, 12},
		{16, 3 * gb / 2, 600 * mb, 2},
		{16, 256 * mb, 600 * mb, 1},
		{1, 64 * gb, taskMemory, 1},
	} {
		if got := tasksAtOnce(test.workers, test.memory, test.need); got != test.want {
			t.Errorf("%d workers, %d MB of %d: %d tasks, want %d", test.workers, test.need/mb, test.memory/mb, got, test.want)
		}
	}
}

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
