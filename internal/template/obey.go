package template

import (
	"fmt"
)

// obey holds an item against the rules: it cuts texts, which it counts, or
// returns a *brokenError.
func obey(rules []rule, item []byte, counts *Items) ([]byte, error) {
	var cuts map[string]int64
	for _, r := range rules {
		obeyed, cut, err := r.obey(item)
		if err != nil {
			return nil, err
		}
		if cut > 0 {
			if cuts == nil {
				cuts = map[string]int64{}
			}
			cuts["max "+r.element] += cut
		}
		item = obeyed
	}
	for rule, n := range cuts {
		if counts.Cut == nil {
			counts.Cut = map[string]int64{}
		}
		counts.Cut[rule] += n
	}
	return item, nil
}

func (r rule) obey(item []byte) (obeyed []byte, cut int64, err error) {
	found := false
	copied := 0
	for _, e := range contents(item, r.governs) {
		size, blank := textSize(item[e.from:e.to])
		found = found || !blank
		if r.max == 0 || size <= r.max {
			continue
		}
		if r.required {
			return nil, 0, tooLong(r, size)
		}
		obeyed = append(obeyed, item[copied:e.from]...)
		obeyed = appendText(obeyed, item[e.from:e.to], r.max)
		copied = e.to
		cut++
	}
	if r.required && !found {
		return nil, 0, missing(r.element)
	}
	if cut == 0 {
		return item, 0, nil
	}
	return append(obeyed, item[copied:]...), cut, nil
}

// A brokenError leaves an offer out.
type brokenError struct{ rule, reason string }

func (e *brokenError) Error() string { return e.reason }

func missing(name string) error {
	return &brokenError{"required " + name, name + " is required and empty"}
}

func tooLong(r rule, size int) error {
	return &brokenError{"required " + r.element, fmt.Sprintf("%s is required and has %d characters of at most %d", r.element, size, r.max)}
}
