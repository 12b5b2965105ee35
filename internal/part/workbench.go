package part

// A Workbench is what writers use one after the other, so that a task does not make
// anew what another had: a Compressor, and memory for items and for what is
// compressed. It keeps as much memory as its writers have used at once. It is for
// one goroutine.
type Workbench struct {
	compressor *Compressor
	blocks     blocks
	shelves    [][]byte // buffers, empty
}

// NewWorkbench returns a Workbench with the Compressor that feedmill was built with.
func NewWorkbench() *Workbench { return &Workbench{compressor: NewCompressor()} }

// shelf returns an empty shelf that keeps so many bytes in memory.
func (b *Workbench) shelf(limit int) shelf {
	s := shelf{limit: limit}
	if last := len(b.shelves) - 1; last >= 0 {
		s.data, b.shelves = b.shelves[last], b.shelves[:last]
	}
	return s
}

// clear closes a shelf and takes its memory back.
func (b *Workbench) clear(s *shelf) error {
	if s.data != nil {
		b.shelves = append(b.shelves, s.data[:0])
	}
	return s.close()
}
