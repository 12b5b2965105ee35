package main

import (
	"fmt"

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
		key := slow{s.Expr.Text(), s.Reason}
		if also[key]++; also[key] == 1 {
			first = append(first, s)
		}
	}
	out := []string{}
	for _, s := range first {
		c, text := all[s.Predicate], s.Expr.Text()
		out = append(out, fmt.Sprintf("%s: %s%s: %s is decided offer by offer (%s), which costs a hundred times as much as other conditions do and more",
			c.place(s.Expr), c.feed, others(also[slow{text, s.Reason}]-1), shorten(text, 100), s.Reason))
	}
	return out
}

func others(n int) string {
	if n == 0 {
		return ""
	}
	return " and " + plural(int64(n), "other condition")
}

// place is the file and line of a part of the condition, which may stand in a shared
// expression, or where the condition begins.
func (c condition) place(part *predicate.Expr) string {
	text, offset, known := part.Place()
	if !known || text.File == nil {
		text, offset = c.text, 0
	}
	line, _ := text.Place(offset)
	return fmt.Sprintf("%s:%d", text.File.Name, line)
}
