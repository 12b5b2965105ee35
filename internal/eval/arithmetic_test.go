package eval

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

func TestCodePoints(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "ascii text", "é", "日本", "👩", "\xff", "\xe2\x82", "\x80", ""}
	for range 20_000 {
		text := ""
		for range d.IntN(12) {
			text += pieces[d.IntN(len(pieces))]
		}
		if got, want := codePoints(text), utf8.RuneCountInString(text); got != want {
			t.Fatalf("%q has %d code points, want %d", text, got, want)
		}
	}
}
