package main

import (
	"fmt"
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A condition is the predicate of a feed or event feed.
type condition struct {
	feed  string // "feed cheap", "event feed meta"
	text  diag.Text
	where *predicate.Expr
}

func conditions(w *workspace.Workspace) []condition {
	var out []condition
	for _, f := range w.Feeds {
		if f.Enabled {
			out = append(out, condition{"feed " + f.Name, f.Condition, f.Where})
		}
	}
	for _, f := range w.Events {
		if f.Enabled {
			out = append(out, condition{"event feed " + f.Name, f.Condition, f.Where})
		}
	}
	return out
}

// slowConditions warns of what is decided row by row. What several feeds have
// alike is one warning, that names the first of them.
func slowConditions(w *workspace.Workspace) []string {
	all := conditions(w)
	predicates := make([]*predicate.Expr, len(all))
	for i, c := range all {
		predicates[i] = c.where
	}
	type slow struct{ text, reason string }
	also, first := map[slow]int{}, []eval.Slow{}
	for _, s := range eval.Compile(predicates).Slow() {
		if also[slow{s.Text, s.Reason}]++; also[slow{s.Text, s.Reason}] == 1 {
			first = append(first, s)
		}
	}
	out := []string{}
	for _, s := range first {
		c := all[s.Predicate]
		out = append(out, fmt.Sprintf("%s: %s%s: %s is decided offer by offer (%s), which costs a hundred times as much as other conditions do and more",
			c.place(s.Text), c.feed, others(also[slow{s.Text, s.Reason}]-1), s.Text, s.Reason))
	}
	return out
}

func others(n int) string {
	if n == 0 {
		return ""
	}
	return " and " + plural(int64(n), "other condition")
}

// place is the file and line of a part of the condition, or where the condition
// begins when the part is not written in it, but in a shared expression.
func (c condition) place(part string) string {
	line, _ := c.text.Place(max(strings.Index(c.text.Value, part), 0))
	return fmt.Sprintf("%s:%d", c.text.File.Name, line)
}
