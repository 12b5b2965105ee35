// Package bitmap holds a set of rows of one batch.
//
// Its promise: a Bitmap of n rows never holds a row outside 0..n-1, also after
// Not.
package bitmap

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"
)

// A Bitmap is a set of the rows 0..Len()-1 of a batch. The zero value is a set
// over no rows. Operations on two of them need equal lengths and panic
// otherwise; those that change a Bitmap change it in place.
type Bitmap struct {
	words []uint64
	n     int
}

// New returns an empty set over n rows.
func New(n int) Bitmap { return Bitmap{words: make([]uint64, (n+63)/64), n: n} }

// Several returns empty sets over n rows, in one piece of memory.
func Several(count, n int) []Bitmap {
	size := (n + 63) / 64
	words, out := make([]uint64, count*size), make([]Bitmap, count)
	for i := range out {
		out[i] = Bitmap{words: words[i*size : (i+1)*size : (i+1)*size], n: n}
	}
	return out
}

// Full returns the set of all n rows.
func Full(n int) Bitmap {
	b := New(n)
	b.Not()
	return b
}

// Len returns how many rows there are to be in the set.
func (b Bitmap) Len() int { return b.n }

// Set puts a row into the set.
func (b Bitmap) Set(row int) {
	b.check(row)
	b.words[row>>6] |= 1 << (row & 63)
}

// Put makes the rows from first on, a multiple of 64, those of words: the lowest
// bit of the first word is the row first. Bits beyond Len must be 0.
func (b Bitmap) Put(first int, words []uint64) {
	if first&63 != 0 {
		panic("bitmap: rows do not begin a word")
	}
	copy(b.words[first>>6:], words)
}

// Append appends the set's words to dst, little-endian: the lowest bit of the
// first is row 0.
func (b Bitmap) Append(dst []byte) []byte {
	for _, word := range b.words {
		dst = binary.LittleEndian.AppendUint64(dst, word)
	}
	return dst
}

// Clear takes a row out of the set.
func (b Bitmap) Clear(row int) {
	b.check(row)
	b.words[row>>6] &^= 1 << (row & 63)
}

// Has reports whether a row is in the set.
func (b Bitmap) Has(row int) bool {
	b.check(row)
	return b.words[row>>6]&(1<<(row&63)) != 0
}

// Count returns how many rows are in the set.
func (b Bitmap) Count() int {
	count := 0
	for _, w := range b.words {
		count += bits.OnesCount64(w)
	}
	return count
}

// Empty reports whether no row is in the set.
func (b Bitmap) Empty() bool {
	for _, w := range b.words {
		if w != 0 {
			return false
		}
	}
	return true
}

// All yields the rows of the set in ascending order.
func (b Bitmap) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range b.words {
			for ; w != 0; w &= w - 1 {
				if !yield(i<<6 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// And keeps the rows that are also in c.
func (b Bitmap) And(c Bitmap) {
	b.match(c)
	for i, w := range c.words {
		b.words[i] &= w
	}
}

// AndNot keeps the rows that are not in c.
func (b Bitmap) AndNot(c Bitmap) {
	b.match(c)
	for i, w := range c.words {
		b.words[i] &^= w
	}
}

// Or adds the rows of c.
func (b Bitmap) Or(c Bitmap) {
	b.match(c)
	for i, w := range c.words {
		b.words[i] |= w
	}
}

// Not exchanges the rows in the set for those that were not.
func (b Bitmap) Not() {
	for i := range b.words {
		b.words[i] = ^b.words[i]
	}
	if tail := b.n & 63; tail != 0 {
		b.words[len(b.words)-1] &= 1<<tail - 1
	}
}

// Clone returns a copy that shares nothing with b.
func (b Bitmap) Clone() Bitmap {
	return Bitmap{words: append([]uint64(nil), b.words...), n: b.n}
}

// Equal reports whether b and c are the same rows of equally many.
func (b Bitmap) Equal(c Bitmap) bool {
	if b.n != c.n {
		return false
	}
	for i, w := range b.words {
		if w != c.words[i] {
			return false
		}
	}
	return true
}

func (b Bitmap) check(row int) {
	if uint(row) >= uint(b.n) {
		panic("bitmap: row out of range")
	}
}

func (b Bitmap) match(c Bitmap) {
	if b.n != c.n {
		panic("bitmap: lengths differ")
	}
}

// Union lists the rows, of n, that are in any of the sets.
func Union(sets []Bitmap, n int) []int {
	all := New(n)
	for _, s := range sets {
		all.Or(s)
	}
	out := make([]int, 0, all.Count())
	for row := range all.All() {
		out = append(out, row)
	}
	return out
}

// Holders appends the numbers of the sets that hold a row.
func Holders(dst []int, sets []Bitmap, row int) []int {
	for number, s := range sets {
		if s.Has(row) {
			dst = append(dst, number)
		}
	}
	return dst
}

// AllHolders is Holders of the rows from..to-1, which begin and end a word or the
// set, in the memory of dst. It is the faster for rows that are in few sets.
func AllHolders(dst [][]int, sets []Bitmap, from, to int) [][]int {
	if from&63 != 0 {
		panic("bitmap: rows do not begin a word")
	}
	dst = slices.Grow(dst[:0], to-from)[:to-from]
	for i := range dst {
		dst[i] = dst[i][:0]
	}
	for number, s := range sets {
		for i, w := range s.words[from>>6 : (min(to, s.n)+63)>>6] {
			for ; w != 0; w &= w - 1 {
				row := i<<6 + bits.TrailingZeros64(w)
				dst[row] = append(dst[row], number)
			}
		}
	}
	return dst
}
