package generate

import "testing"

// Many renderings, or little memory, make smaller buffers and fewer tasks at a
// time.
func TestLayout(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		renderings, workers int
		memory              int64
		buffer, tasks       int
	}{
		{1, 2, 1500 * mb, 16 * mb, 2},
		{1, 64, 1500 * mb, 16 * mb, 10},
		{20, 64, 1500 * mb, 1500 * mb / 8 / 20, 3},
		{1300, 64, 1500 * mb, 1500 * mb / 8 / 1300, 3},
		{4, 64, 16 * mb, 512 << 10, 1},
		{0, 3, 1500 * mb, 16 * mb, 3},
	} {
		p := &plan{renderings: make([]*rendering, c.renderings)}
		if l := p.layout(c.memory); l.Buffer != c.buffer {
			t.Errorf("%d renderings in %d MB: a buffer of %d, want %d", c.renderings, c.memory/mb, l.Buffer, c.buffer)
		}
		if n := p.tasksAtOnce(c.workers, c.memory); n != c.tasks {
			t.Errorf("%d renderings in %d MB: %d tasks, want %d", c.renderings, c.memory/mb, n, c.tasks)
		}
	}
}
