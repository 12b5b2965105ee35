package eval

import (
	"slices"
	"sort"
	"strings"
)

// An affixes finds which of many texts another begins with, or ends with. They are
// sorted, so that of those that a text begins with the longest is either the last
// that is not beyond the text or a beginning of that one; each knows the longest
// other that it begins with. It is a trie without nodes.
type affixes struct {
	texts   []string // distinct, sorted by compare
	leaves  [][]int  // by text
	within  []int    // by text, the longest other that it begins with; -1: none
	compare func(a, b string) int
	has     func(text, affix string) bool
}

func newPrefixes(leaves map[string][]int) *affixes {
	return newAffixes(leaves, strings.Compare, strings.HasPrefix)
}

func newSuffixes(leaves map[string][]int) *affixes {
	return newAffixes(leaves, compareEnds, strings.HasSuffix)
}

func newAffixes(leaves map[string][]int, compare func(a, b string) int, has func(text, affix string) bool) *affixes {
	a := &affixes{compare: compare, has: has}
	for text := range leaves {
		a.texts = append(a.texts, text)
	}
	slices.SortFunc(a.texts, compare)
	for i, text := range a.texts {
		a.leaves = append(a.leaves, leaves[text])
		a.within = append(a.within, a.longest(i-1, text))
	}
	return a
}

// longest returns the longest of the i-th and those within it that a text has.
func (a *affixes) longest(i int, text string) int {
	for i >= 0 && !a.has(text, a.texts[i]) {
		i = a.within[i]
	}
	return i
}

// fewAffixes are compared one by one: that is faster than to look for a place.
const fewAffixes = 4

// find sets the bits of the leaves whose text another begins, or ends, with.
func (a *affixes) find(text string, bits []uint64) {
	if len(a.texts) <= fewAffixes {
		for i, affix := range a.texts {
			if a.has(text, affix) {
				a.set(i, bits)
			}
		}
		return
	}
	beyond := sort.Search(len(a.texts), func(i int) bool { return a.compare(a.texts[i], text) > 0 })
	for i := a.longest(beyond-1, text); i >= 0; i = a.within[i] {
		a.set(i, bits)
	}
}

func (a *affixes) set(i int, bits []uint64) {
	for _, leaf := range a.leaves[i] {
		bits[leaf>>6] |= 1 << (leaf & 63)
	}
}

// compareEnds compares texts read from their ends.
func compareEnds(a, b string) int {
	for i := 1; i <= len(a) && i <= len(b); i++ {
		if x, y := a[len(a)-i], b[len(b)-i]; x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}
