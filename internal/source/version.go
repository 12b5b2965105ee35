package source

import (
	"cmp"
	"strings"
)

// CompareVersions compares versions the way people read them: runs of digits as
// numbers of any length, everything else byte by byte. It returns 0 only for
// equal texts; of two that differ in leading zeros alone the plain order decides.
func CompareVersions(a, b string) int {
	return cmp.Or(compareNatural(a, b), strings.Compare(a, b))
}

func compareNatural(a, b string) int {
	for a != "" && b != "" {
		m, n := digits(a), digits(b)
		if m == 0 || n == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		if c := compareNumbers(a[:m], b[:n]); c != 0 {
			return c
		}
		a, b = a[m:], b[n:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits returns how many digits text begins with.
func digits(text string) int {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}

func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// AsOf returns the deliveries, which are ascending by version, up to and
// including those whose version begins with asOf: 2026-05-1 admits 2026-05-09 and
// 2026-05-19. An empty asOf admits all.
func AsOf(deliveries []Delivery, asOf string) []Delivery {
	end := len(deliveries)
	for end > 0 && !strings.HasPrefix(deliveries[end-1].Version, asOf) && CompareVersions(deliveries[end-1].Version, asOf) > 0 {
		end--
	}
	return deliveries[:end]
}
