package eval

import "strings"

// frequent are bytes from those that texts have most of on: the letters of European
// languages, capitals, digits. What is not here is rarer, but for the first bytes of
// other letters.
const frequent = " eaitnrosldcumhpgbfvkwSCAPMBTDREyzLHFGNIKWxj0125VOUJqXZYQ346789-,.()"

// mostFalse is how often a finder looks at a byte in vain before it takes the text to
// be full of it.
const mostFalse = 8

// A finder finds a text in others by that byte of it which is likely to be the
// rarest. Of so many texts that are searched for one needle each, that is twice as
// fast as strings.Contains, which looks for the first byte.
type finder struct {
	text string
	at   int // of the rarest byte
}

func newFinder(text string) finder {
	f := finder{text: text}
	for i := range len(text) {
		if rarity(text[i]) > rarity(text[f.at]) {
			f.at = i
		}
	}
	return f
}

func rarity(b byte) int {
	const firstOfOthers = 0xc0
	if b >= firstOfOthers {
		return -1
	}
	if i := strings.IndexByte(frequent, b); i >= 0 {
		return i
	}
	return len(frequent)
}

// in reports whether a text has the finder's.
func (f *finder) in(text string) bool {
	if len(f.text) == 0 {
		return true
	}
	behind := len(text) - (len(f.text) - f.at) + 1 // where the rarest byte cannot be any more
	from := f.at
	for range mostFalse {
		if from >= behind {
			return false
		}
		i := strings.IndexByte(text[from:behind], f.text[f.at])
		if i < 0 {
			return false
		}
		first := from + i - f.at
		if text[first:first+len(f.text)] == f.text {
			return true
		}
		from += i + 1
	}
	return strings.Contains(text[min(from-f.at, len(text)):], f.text)
}
