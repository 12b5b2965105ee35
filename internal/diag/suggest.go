package diag

import (
	"strings"
	"unicode/utf8"
)

// Suggest returns the one among the names that is most like word, for a hint
// such as "did you mean price?", or "" when none is near: it compares without
// regard to case and allows one slip per three letters. Of equally near names
// the first wins.
func Suggest(word string, among []string) string {
	best, nearest := "", 1+max(1, utf8.RuneCountInString(word)/3)
	for _, name := range among {
		if d := slips(strings.ToLower(word), strings.ToLower(name), nearest); d < nearest {
			best, nearest = name, d
		}
	}
	return best
}

// DidYouMean is the hint for an unknown word: a question naming the nearest of
// the names, or "" when none is near.
func DidYouMean(word string, among []string) string {
	if name := Suggest(word, among); name != "" {
		return "did you mean " + name + "?"
	}
	return ""
}

// slips counts the insertions, deletions, replacements and swaps of neighbours
// that turn a into b (optimal string alignment); from limit on it may stop.
func slips(a, b string, limit int) int {
	from, to := []rune(a), []rune(b)
	if abs(len(from)-len(to)) >= limit {
		return limit
	}
	before, above, row := make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		before, above, row = above, row, before
		row[0] = i + 1
		for j := range to {
			cost := 1
			if from[i] == to[j] {
				cost = 0
			}
			row[j+1] = min(above[j]+cost, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(to)]
}

func abs(n int) int { return max(n, -n) }
