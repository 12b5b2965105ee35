package eval

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// randomWord is a short text of few letters, so that many begin alike.
func randomWord(r *rand.Rand, most int) string {
	b := make([]byte, r.IntN(most+1))
	for i := range b {
		b[i] = "ab\xff"[r.IntN(3)]
	}
	return string(b)
}

// A text has the affixes that it has by itself, looked at one by one.
func TestAffixes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	found := 0
	for range 300 {
		leaves := map[string][]int{}
		n := 1 + r.IntN(100)
		for leaf := range n {
			word := randomWord(r, 6)
			leaves[word] = append(leaves[word], leaf)
		}
		for _, kind := range []struct {
			*affixes
			has func(text, affix string) bool
		}{{newPrefixes(leaves), strings.HasPrefix}, {newSuffixes(leaves), strings.HasSuffix}} {
			for range 30 {
				text := randomWord(r, 9)
				want, got := make([]uint64, 2), make([]uint64, 2)
				for affix, of := range leaves {
					for _, leaf := range of {
						if kind.has(text, affix) {
							want[leaf>>6] |= 1 << (leaf & 63)
							found++
						}
					}
				}
				kind.find(text, got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%q among %v: %s", text, leaves, diff)
				}
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d were found", found)
	}
}

// BenchmarkPrefixes looks for 1,000 prefixes in texts that do not repeat, beside
// one comparison after the other.
func BenchmarkPrefixes(b *testing.B) {
	leaves := map[string][]int{}
	for i := range 1000 {
		leaves[fmt.Sprintf("Garden > Tools > %03d > ", i)] = []int{i}
	}
	var texts []string
	for i := range 4096 {
		texts = append(texts, fmt.Sprintf("Garden > Tools > %03d > Offer %d", i*7%2000, i))
	}
	prefixes, bits := newPrefixes(leaves), make([]uint64, 16)
	b.Run("sorted", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			prefixes.find(texts[i&4095], bits)
		}
	})
	b.Run("one by one", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			for k, prefix := range prefixes.texts {
				if strings.HasPrefix(texts[i&4095], prefix) {
					bits[k>>6] |= 1 << (k & 63)
				}
			}
		}
	})
}
