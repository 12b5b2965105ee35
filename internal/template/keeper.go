package template

import "unicode/utf8"

// A keeper sees in one reading whether an item keeps all rules, as most do. It is
// for one goroutine.
type keeper struct {
	rules  []rule
	about  map[string][]int // by the name of an element, the rules that govern it
	filled []bool           // by rule: some element that it governs has a text
	starts []int            // where the contents of the open elements begin
}

func newKeeper(rules []rule) *keeper {
	return &keeper{rules: rules, about: map[string][]int{}, filled: make([]bool, len(rules))}
}

// keeps reports whether an item keeps all rules.
func (k *keeper) keeps(item []byte) bool {
	if len(k.rules) == 0 {
		return true
	}
	clear(k.filled)
	k.starts = k.starts[:0]
	for at := 0; at < len(item); {
		t := nextToken(item, at)
		at = t.to
		switch t.kind {
		case startTag:
			k.starts = append(k.starts, t.to)
		case endTag:
			last := len(k.starts) - 1
			if about := k.aboutElement(t.body); len(about) > 0 && !k.holds(about, item[k.starts[last]:t.from]) {
				return false
			}
			k.starts = k.starts[:last]
		}
	}
	for i, r := range k.rules {
		if r.required && !k.filled[i] {
			return false
		}
	}
	return true
}

func (k *keeper) aboutElement(name []byte) []int {
	about, known := k.about[string(name)]
	if !known {
		for i, r := range k.rules {
			if r.governs(string(name)) {
				about = append(about, i)
			}
		}
		k.about[string(name)] = about
	}
	return about
}

// holds reports whether what an element holds keeps the rules about it. Text of
// so many bytes has no more characters than those.
func (k *keeper) holds(about []int, content []byte) bool {
	plain := len(content) > 0 && content[0] > ' ' && content[0] < utf8.RuneSelf && content[0] != '<'
	size, blank := len(content), !plain
	for _, i := range about {
		if k.rules[i].max > 0 && size > k.rules[i].max || !plain {
			size, blank = textSize(content)
			plain = true
		}
		if k.rules[i].max > 0 && size > k.rules[i].max {
			return false
		}
		k.filled[i] = k.filled[i] || !blank
	}
	return true
}
