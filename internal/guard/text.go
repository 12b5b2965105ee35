package guard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// grouped writes a count with commas between the thousands.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// counted writes a count with its noun, which is given in the plural.
func counted(n int64, nouns string) string {
	if n == 1 {
		nouns = strings.TrimSuffix(nouns, "s")
	}
	return grouped(n) + " " + nouns
}

// percent puts the share that a part has of a whole into a form: in percent, with
// one digit after the point. Of nothing there is no share, and no text.
func percent(form string, part, whole int64) string {
	if whole == 0 {
		return ""
	}
	share := strconv.FormatFloat(math.Round(float64(part)/float64(whole)*1000)/10, 'f', -1, 64) + "%"
	return fmt.Sprintf(form, share)
}
