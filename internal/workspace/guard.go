package workspace

import (
	"maps"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/guard"
)

// action reads pass or hold.
func (v value) action() guard.Action {
	if word := v.choice(string(guard.Pass), string(guard.Hold)); word != "" {
		return guard.Action(word)
	}
	return guard.Hold
}

// limitFields are all keys of a guard.
func limitFields(l *guard.Limits) fields {
	return fields{
		"first_run":  func(v value) { l.FirstRun = v.action() },
		"floor":      func(v value) { l.Floor = v.number(0) },
		"drop":       func(v value) { l.Drop = v.share() },
		"growth":     func(v value) { l.Growth = v.share() },
		"empty":      func(v value) { l.Empty = v.action() },
		"errors":     func(v value) { l.Errors = v.share() },
		"held_feeds": func(v value) { l.HeldFeeds = v.share() },
		"added":      func(v value) { l.Added = v.share() },
		"removed":    func(v value) { l.Removed = v.share() },
		"updated":    func(v value) { l.Updated = v.share() },
		"redefined":  func(v value) { l.Redefined = v.action() },
		"fields":     func(v value) { v.fieldLimits(l) },
	}
}

// guard reads the limits of the whole workspace.
func (v value) guard(l *guard.Limits) { v.object(limitFields(l)) }

// sourceGuard reads a source's own limits. Who writes some means them for small
// sources too.
func (v value) sourceGuard(l *guard.Limits) {
	l.Floor = 0
	v.limits(l, "a source", "first_run", "floor", "drop", "growth", "empty")
}

func (v value) feedGuard(l *guard.Limits) {
	v.limits(l, "a feed", "first_run", "floor", "drop", "growth", "empty", "errors")
}

func (v value) eventGuard(l *guard.Limits) {
	v.limits(l, "an event feed", "first_run", "floor", "empty", "errors", "added", "removed", "updated", "redefined", "fields")
}

// limits reads the limits of one thing over those that hold for all. A limit
// that is of no use to it is a mistake, because it would guard nothing.
func (v value) limits(l *guard.Limits, owner string, keys ...string) {
	all := limitFields(l)
	known := fields{}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		known[key] = all[key]
		if !slices.Contains(keys, key) {
			known[key] = func(v value) {
				v.report(v.head("%s does not guard %s", key, owner).WithHint("possible here: %s", strings.Join(keys, ", ")))
			}
		}
	}
	v.object(known)
}

func (v value) fieldLimits(l *guard.Limits) {
	l.Fields = maps.Clone(l.Fields)
	if l.Fields == nil {
		l.Fields = map[string]guard.Share{}
	}
	for _, e := range v.entries() {
		l.Fields[e.name.Value] = e.value.share()
	}
}
