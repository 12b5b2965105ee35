package generate

import (
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/part"
)

// Of the workspace's memory a task buffers this part of items, over all of its
// renderings, and a quarter as much of what is compressed. More makes larger
// segments (internal/part has the figures), which are faster to compress and to read;
// fewer tasks fit into the memory: with 20 renderings and 1.5 GB these are 3.
const bufferShare = 8

// taskMemory is about what a task needs beside: a batch of offers with all
// columns, and what is made of it.
const taskMemory = 96 << 20

// layout is how parts are laid out: as part.DefaultLayout, with smaller buffers
// where there are many renderings or little memory. It follows from the
// definitions alone, so that every process makes the same bytes.
func (p *plan) layout(memory int64) part.Layout {
	l := part.DefaultLayout
	each := int(memory / bufferShare / int64(max(len(p.renderings), 1)))
	l.Buffer = min(l.Buffer, max(each, l.Segment))
	l.Stretch = min(l.Stretch, max(each/4, l.Segment/4))
	return l
}

// tasksAtOnce is how many of the workers the workspace's memory is enough for.
func (p *plan) tasksAtOnce(workers int, memory int64) int {
	l := p.layout(memory)
	one := taskMemory + int64(len(p.renderings))*int64(l.Buffer+l.Stretch)
	return engine.TasksAtOnce(workers, memory, one)
}
