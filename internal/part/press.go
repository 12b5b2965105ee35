package part

import (
	"slices"
	"sync/atomic"
)

// maxWaiting bounds the segments of a workbench that wait for a compressor.
const maxWaiting = 64

// A press has segments compressed by compressors that are idle, while writers go on.
// Nobody waits for anybody: what no compressor has begun when its writer needs it is
// compressed by the workbench's own.
type press struct {
	waiting chan pressed
	done    chan pressed
	helpers atomic.Int32 // compressors at work
}

// A pressed is a segment, which becomes compressed.
type pressed struct {
	of     *Writer
	number int // of the cut
	blocks [][]byte
	data   []byte
	err    error
}

func newPress() *press {
	return &press{waiting: make(chan pressed, maxWaiting), done: make(chan pressed, maxWaiting)}
}

// take takes the items of a writer's group, if there is a compressor for them, and
// reports whether it did.
func (p *press) take(shop *Workshop, w *Writer, number int, g *group) bool {
	spare := shop.spare()
	if spare == nil && p.helpers.Load() == 0 {
		return false
	}
	full := len(p.waiting) == maxWaiting // nobody else adds
	if !full {
		p.waiting <- pressed{of: w, number: number, blocks: g.detach()}
	}
	if spare != nil {
		p.helpers.Add(1)
		go p.help(shop, spare)
	}
	return !full
}

// help compresses what is waiting, until nothing is or a task waits for a compressor.
func (p *press) help(shop *Workshop, c *Compressor) {
	defer func() {
		p.helpers.Add(-1)
		shop.idle <- c
	}()
	for shop.wanted.Load() == 0 {
		select {
		case s := <-p.waiting:
			data, err := c.Compress(s.blocks...)
			s.data, s.err = slices.Clone(data), err // good until the next call of c
			p.done <- s
		default:
			return
		}
	}
}
