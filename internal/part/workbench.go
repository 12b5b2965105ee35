package part

import (
	"sync"
	"sync/atomic"
)

// A Workshop has the compressors of a process, as many as may work at once, and the
// memory of writers, which the next ones get. It is safe for concurrent use.
type Workshop struct {
	idle   chan *Compressor // nil: one that is not made yet
	wanted atomic.Int32     // by how many workbenches

	mu       sync.Mutex
	memories []*memory // that no workbench has
}

// NewWorkshop returns a Workshop with so many compressors.
func NewWorkshop(compressors int) *Workshop {
	s := &Workshop{idle: make(chan *Compressor, max(compressors, 1))}
	for range cap(s.idle) {
		s.idle <- nil
	}
	return s
}

// A Workbench is what the writers of a task use, side by side or one after the other:
// a compressor of the workshop, and memory. Compressors that no workbench has compress
// for any. It is for one goroutine.
type Workbench struct {
	shop       *Workshop
	compressor *Compressor
	press      *press
	*memory
}

// memory is for items and what is compressed of them: as much as was used at once.
type memory struct {
	blocks  blocks
	shelves [][]byte // buffers, empty
}

// Workbench returns a workbench, which is to be closed. It waits for a compressor.
func (s *Workshop) Workbench() *Workbench {
	s.wanted.Add(1)
	b := &Workbench{s, made(<-s.idle), newPress(), &memory{}}
	s.wanted.Add(-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.memories) - 1; last >= 0 {
		b.memory, s.memories = s.memories[last], s.memories[:last]
	}
	return b
}

// Close gives a workbench back, which no writer uses any more.
func (b *Workbench) Close() {
	b.shop.idle <- b.compressor
	b.shop.mu.Lock()
	defer b.shop.mu.Unlock()
	b.shop.memories = append(b.shop.memories, b.memory)
}

// receive puts the segments aside that others have compressed.
func (b *Workbench) receive() {
	for {
		select {
		case s := <-b.press.done:
			b.arrived(s)
		default:
			return
		}
	}
}

// wait waits for the segments of a writer that others compress; those that they have
// not begun it compresses.
func (b *Workbench) wait(w *Writer) {
	for w.away > 0 {
		select {
		case s := <-b.press.done:
			b.arrived(s)
		case s := <-b.press.waiting:
			s.data, s.err = b.compressor.Compress(s.blocks...)
			b.arrived(s)
		}
	}
}

func (b *Workbench) arrived(s pressed) {
	s.of.away--
	b.blocks.give(s.blocks)
	s.of.putAside(s.number, s.data, s.err)
}

// spare returns a compressor that is idle, to be put back into idle, or nil.
func (s *Workshop) spare() *Compressor {
	select {
	case c := <-s.idle:
		return made(c)
	default:
		return nil
	}
}

func made(c *Compressor) *Compressor {
	if c == nil {
		return NewCompressor()
	}
	return c
}

// shelf returns an empty shelf that keeps so many bytes in memory.
func (m *memory) shelf(limit int) shelf {
	s := shelf{limit: limit}
	if last := len(m.shelves) - 1; last >= 0 {
		s.data, m.shelves = m.shelves[last], m.shelves[:last]
	}
	return s
}

// clear closes a shelf and takes its memory back.
func (m *memory) clear(s *shelf) error {
	if s.data != nil {
		m.shelves = append(m.shelves, s.data[:0])
	}
	return s.close()
}
