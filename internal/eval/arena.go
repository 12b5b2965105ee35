package eval

// An arena lends slices until it is reset, so that no block of rows allocates
// what the one before had.
type arena[T any] struct {
	chunk []T // what is left of the newest chunk
	lent  int
	all   []T
}

// take returns n values that are not cleared; also none are not nil.
func (a *arena[T]) take(n int) []T {
	a.lent += n
	if n > len(a.chunk) || a.chunk == nil {
		a.chunk = make([]T, max(n, 1<<14))
	}
	out := a.chunk[:n:n]
	a.chunk = a.chunk[n:]
	return out
}

// zeroed returns n zeros.
func (a *arena[T]) zeroed(n int) []T {
	out := a.take(n)
	clear(out)
	return out
}

// reset takes everything back. What was lent must not be used any more.
func (a *arena[T]) reset() {
	if a.lent > len(a.all) {
		a.all = make([]T, a.lent+a.lent/4)
	}
	a.chunk, a.lent = a.all, 0
}

// arenas are the slices of a machine. Codes are good for one group, scratch
// for one predicate, the others for a block.
type arenas struct {
	words   arena[uint64]
	sets    *arena[uint64] // where what is made of rails is put: words, or scratch
	scratch arena[uint64]
	ints    arena[int64]
	floats  arena[float64]
	texts   arena[string]
	rows    arena[int32]
	codes   arena[uint32]
	states  arena[state]
	bytes   arena[byte]
	legs    arena[*rails]
	others  arena[rails]
}

func (a *arenas) reset() {
	a.words.reset()
	a.sets = &a.words
	a.ints.reset()
	a.floats.reset()
	a.texts.reset()
	a.rows.reset()
	a.states.reset()
	a.bytes.reset()
	a.legs.reset()
	a.others.reset()
}
