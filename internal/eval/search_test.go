package eval

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestSearcher finds in random texts of few letters what strings.Contains finds,
// together and alone.
func TestSearcher(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	d := dice{rand.New(rand.NewPCG(seed, 0))}
	for range 300 {
		shortest, needles := d.IntN(6), make([]needle, d.IntN(100))
		for i := range needles {
			needles[i] = needle{text: d.letters(shortest + d.IntN(6)), bit: i}
		}
		s := newSearcher(needles)
		for range 20 {
			text, bits := d.letters(d.IntN(30)), make([]uint64, 2)
			s.find(text, bits)
			for _, n := range needles {
				alone := newFinder(n.text)
				if want := strings.Contains(text, n.text); has(bits, n.bit) != want || alone.in(text) != want {
					t.Fatalf("%q in %q: %v, alone %v, want %v", n.text, text, has(bits, n.bit), alone.in(text), want)
				}
			}
		}
	}
}

func (d dice) letters(n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(d.pick("a", "b", "b", "é", "\xff", "k", "K", "\n", " "))
	}
	return b.String()
}

// TestPatterns matches what regexp does, and never rules out a text that it matches.
func TestPatterns(t *testing.T) {
	patterns := []string{"a", "ab+k", "(?i)kab|bé", "(?i)abk", "[ab]k", "[^a]", "a?b", "(ab){2,3}", "(ab)*k", "(?i)k", "(a|)b", "abkab|b|k", "é[^b]", `\x{FFFD}`, "a\uFFFD", "(?i)[k]b", `\bab`, `b\b`, `\Bk`, `(?m)^b$`, `a\z`, `\A`, `é\b|\bK`, `a{2,}b?k`, "^b|k$", "(?s)a.b", "(?i)ab(?-i)K", "", "[[:^ascii:]]", "(?:abk|kba)b"}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	d := dice{rand.New(rand.NewPCG(seed, 0))}
	for _, pattern := range patterns {
		re, needed, a := regexp.MustCompile(pattern), requiredBy(pattern), newAutomaton(pattern)
		for range 2000 {
			text := d.letters(d.IntN(9))
			if d.IntN(4) == 0 {
				text += "K" // the sign of Kelvin folds to k
			}
			want := re.MatchString(text)
			if got := a.matches(text); got != want {
				t.Fatalf("%q, %q: %v, want %v", pattern, text, got, want)
			}
			found := needed == nil
			for _, need := range needed {
				found = found || strings.Contains(text, need)
			}
			if want && !found {
				t.Fatalf("%q matches %q, but does not have what it needs: %q", pattern, text, needed)
			}
		}
		if a.prog == nil {
			t.Errorf("%q has no automaton", pattern)
		}
	}
}

// TestManyStates gives up where a pattern has too many states, or tells too many
// runes apart.
func TestManyStates(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 0))}
	for _, pattern := range []string{"a.{12}b", `\pL+\pN`} {
		re, a := regexp.MustCompile(pattern), newAutomaton(pattern)
		for range 2000 {
			text := d.letters(d.IntN(60))
			if got, want := a.matches(text), re.MatchString(text); got != want {
				t.Fatalf("%q, %q: %v, want %v", pattern, text, got, want)
			}
		}
		if a.prog != nil && len(a.states) < maxStates {
			t.Errorf("%q has only %d states", pattern, len(a.states))
		}
	}
}

// TestRequiredTexts says what is looked for before a pattern is tried.
func TestRequiredTexts(t *testing.T) {
	for pattern, want := range map[string]string{
		"limited": "limit", "(?i)xy": "XY|Xy|xY|xy", "gift|box set": "gift|box s", "(gift)+": "gift", "(gift)?": "", `\d+ (?:green|blue)`: " gree| blue", "a[bc]d": "a", `\bX{0,3}L\b`: "L", "x?": "",
		"gift|geschenk|girl s+": "gift|gesch|girl ", "k(lo|ma)": "klo|kma", "k(?i:lo|ma)": "LO|Lo|lO|lo|MA|Ma|mA|ma", "k(lo|)": "klo|k",
	} {
		if got := strings.Join(requiredBy(pattern), "|"); got != want {
			t.Errorf("%q needs %q, want %q", pattern, got, want)
		}
	}
	if n := len(requiredBy("(?i)gift")); n != 16 {
		t.Errorf("%d spellings of gift, want 16", n)
	}
}

func BenchmarkSearcher(b *testing.B) {
	d := dice{rand.New(rand.NewPCG(1, 0))}
	var needles []needle
	for i := range 300 {
		word := make([]byte, 6)
		for k := range word {
			word[k] = 'a' + byte(d.IntN(26))
		}
		needles = append(needles, needle{text: string(word), bit: i})
	}
	texts := make([]string, 1024)
	for i := range texts {
		for range 8 {
			texts[i] += d.pick("Pan", "stainless", "steel", "Müller", "black", "premium", "with", "gift box", needles[0].text, "Edelstahl") + " "
		}
	}
	s, bits := newSearcher(needles), make([]uint64, 5)
	bytes := 0
	for b.Loop() {
		for _, text := range texts {
			s.find(text, bits)
			bytes += len(text)
		}
	}
	b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(len(texts)*b.N), "ns/text")
}
