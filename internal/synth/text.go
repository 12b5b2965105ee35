package synth

import (
	"strconv"
	"strings"
)

// A slot is what a piece of a phrase stands for.
type slot uint8

const (
	literal slot = iota
	brandSlot
	nounSlot
	colorSlot
	materialSlot
	sizeSlot
	adjectiveSlot
	goodSlot
	numberSlot
	seriesSlot
	codeSlot
)

var slotNames = map[string]slot{
	"brand": brandSlot, "noun": nounSlot, "color": colorSlot, "material": materialSlot, "size": sizeSlot,
	"adjective": adjectiveSlot, "feature": goodSlot, "n": numberSlot,
	"series": seriesSlot, "code": codeSlot,
}

type piece struct {
	slot slot
	text string // of a literal
}

// A phrase is a text with slots, such as "{noun} by {brand}".
type phrase []piece

func phrases(lines []string) []phrase {
	out := make([]phrase, len(lines))
	for i, line := range lines {
		out[i] = parsePhrase(line)
	}
	return out
}

func parsePhrase(line string) phrase {
	var p phrase
	for line != "" {
		before, rest, found := strings.Cut(line, "{")
		if before != "" {
			p = append(p, piece{text: before})
		}
		if !found {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		s, ok := slotNames[name]
		if !ok {
			panic("synth: unknown slot {" + name + "}")
		}
		p = append(p, piece{slot: s})
		line = after
	}
	return p
}

// A subject is what a text is about, in the text's language.
type subject struct {
	brand, noun, color, material, size string
}

func (l *language) subject(brand, noun string, color, material, size int) subject {
	return subject{brand: brand, noun: noun, color: l.colors[color], material: l.materials[material], size: sizes[size]}
}

// say appends a phrase about s, its first letter a capital one where that is ASCII.
func (l *language) say(dst []byte, p phrase, s *subject, d *dice) []byte {
	start := len(dst)
	for _, piece := range p {
		switch piece.slot {
		case literal:
			dst = append(dst, piece.text...)
		case brandSlot:
			dst = append(dst, s.brand...)
		case nounSlot:
			dst = append(dst, s.noun...)
		case colorSlot:
			dst = append(dst, s.color...)
		case materialSlot:
			dst = append(dst, s.material...)
		case sizeSlot:
			dst = append(dst, s.size...)
		case adjectiveSlot:
			dst = append(dst, l.adjectives[d.below(len(l.adjectives))]...)
		case goodSlot:
			dst = append(dst, l.goods[d.below(len(l.goods))]...)
		case numberSlot:
			dst = strconv.AppendInt(dst, int64(d.between(2, 14)), 10)
		case seriesSlot:
			dst = appendSeries(dst, d)
		case codeSlot:
			dst = appendPartNumber(dst, d.next())
		}
	}
	if start < len(dst) && 'a' <= dst[start] && dst[start] <= 'z' {
		dst[start] -= 'a' - 'A'
	}
	return dst
}

// appendSeries appends a made-up name, such as Corwen.
func appendSeries(dst []byte, d *dice) []byte {
	start := len(dst)
	for range d.between(2, 3) {
		dst = append(dst, syllables[d.below(len(syllables))]...)
	}
	dst[start] -= 'a' - 'A'
	return dst
}

// title appends a title: most have 30 to 70 characters, a few over 150.
func (l *language) title(dst []byte, s *subject, d *dice) []byte {
	dst = l.say(dst, l.titles[d.below(len(l.titles))], s, d)
	for range d.pick(42, 28, 15, 7, 5, 3) {
		dst = append(dst, ", "...)
		dst = append(dst, l.goods[d.below(len(l.goods))]...)
	}
	if d.share(3) {
		dst = append(dst, " ⭐"...)
	}
	return dst
}

var sentenceCounts = [...]uint8{1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 9, 12, 20}

// description appends a description of 1 to 20 sentences, an eighth of them with
// HTML and a few with a character that XML forbids.
func (l *language) description(dst []byte, s *subject, d *dice) []byte {
	style := d.below(2000)
	between := l.between
	switch {
	case style < 250:
		between = "<br/>"
		dst = append(dst, "<p>"...)
	case style < 400:
		between = "\n"
	case style == 400:
		between = "\v"
	}
	sentence := d.below(len(l.sentences))
	for i := range int(sentenceCounts[d.below(len(sentenceCounts))]) {
		if i > 0 {
			dst = append(dst, between...)
		}
		dst = l.say(dst, l.sentences[sentence], s, d)
		sentence = (sentence + d.between(1, 4)) % len(l.sentences)
	}
	if style < 250 {
		dst = append(dst, "</p>"...)
	}
	return dst
}
