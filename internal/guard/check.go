package guard

import (
	"fmt"
	"maps"
	"slices"
)

// The names of checks that are not only those of their limits.
const (
	checkRemoved = "removed"
	checkFields  = "fields."
)

// Source judges the rows of a source's new state. before is the rows of the
// state that snapshots were made of last, nil when there is none.
func Source(l Limits, before *int64, after int64) Verdict {
	c := checker{Limits: l, what: "rows"}
	c.counts(pointed(before), after)
	c.size(before, after)
	return verdict(c.reasons)
}

// FeedCounts are what a run counted of a feed.
type FeedCounts struct {
	Items  int64 // offers in the feed
	Read   int64 // offers that the predicate was asked about
	Errors int64 // offers for which it failed for another reason than null
}

// Feed judges a feed. before is its published items, nil when nothing is
// published yet.
func Feed(l Limits, before *int64, now FeedCounts) Verdict {
	c := checker{Limits: l, what: "items"}
	c.counts(pointed(before), now.Items, now.Read, now.Errors)
	c.size(before, now.Items)
	c.failures(now.Errors, now.Read)
	return verdict(c.reasons)
}

// EventCounts are what a run counted of an event feed.
type EventCounts struct {
	Items                   int64            // offers in the new state
	Read, Errors            int64            // as in FeedCounts
	Added, Removed, Updated int64            // events
	RemovedOf               *int64           // offers in the state when removals that are held still were held first; nil: none are
	Redefined               bool             // `fields` has another definition than that of the state
	Fields                  map[string]int64 // of Updated, how many changed a field
}

// Events judges the change set of an event feed. before is the offers in the
// state that the destinations know, nil when they know none.
func Events(l Limits, before *int64, now EventCounts) Verdict {
	c := checker{Limits: l, what: "offers"}
	c.counts(pointed(before), pointed(now.RemovedOf), now.Items, now.Read, now.Errors, now.Added, now.Removed, now.Updated)
	c.empty(before, now.Items)
	c.failures(now.Errors, now.Read)
	if before == nil {
		c.first(now.Items)
		return verdict(c.reasons)
	}
	c.changes("added", l.Added, now.Added, *before)
	c.removals(now.Removed, *before, now.RemovedOf)
	c.changes("updated", l.Updated, now.Updated, *before)
	c.redefined(now.Redefined, *before, now.Items)
	for _, name := range slices.Sorted(maps.Keys(l.Fields)) {
		c.changes(checkFields+name, l.Fields[name], now.Fields[name], *before)
	}
	return verdict(c.reasons)
}

// Run judges a run by how many of its feeds are held.
func Run(l Limits, held, feeds int) Verdict {
	c := checker{Limits: l, what: "feeds"}
	c.counts(int64(held), int64(feeds), int64(feeds-held))
	if c.exceeds("held_feeds", l.HeldFeeds, int64(held), int64(feeds)) {
		c.trip("held_feeds", l.HeldFeeds.String(), int64(feeds), int64(held), "%s of %s feeds are held%s, and the limit is %s",
			grouped(int64(held)), grouped(int64(feeds)), percent(": %s", int64(held), int64(feeds)), l.HeldFeeds)
	}
	return verdict(c.reasons)
}

func pointed(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// A checker collects the reasons to hold.
type checker struct {
	Limits
	what    string // is counted
	reasons []Reason
}

func (c *checker) trip(check, limit string, was, is int64, format string, args ...any) {
	c.reasons = append(c.reasons, Reason{Check: check, Limit: limit, Was: was, Is: is, Text: fmt.Sprintf(format, args...)})
}

// counts holds when a number cannot be a count.
func (c *checker) counts(numbers ...int64) {
	for _, n := range numbers {
		if n < 0 {
			c.trip("counts", "", 0, n, "a count is %d, so nothing can be compared", n)
			return
		}
	}
}

// holds reports whether an action is to hold; one that is none holds.
func holds(a Action) bool { return a != Pass }

// size compares the number of offers with the one before.
func (c *checker) size(before *int64, after int64) {
	c.empty(before, after)
	if before == nil {
		c.first(after)
		return
	}
	c.against("drop", c.Drop, *before, after, *before-after, "fewer")
	c.against("growth", c.Growth, *before, after, after-*before, "more")
}

// against compares a change with the number that was there before.
func (c *checker) against(check string, limit Share, was, is, change int64, more string) {
	if c.large(change) && c.exceeds(check, limit, change, was) {
		c.trip(check, limit.String(), was, is, "%s instead of %s%s, and the limit is %s",
			counted(is, c.what), grouped(was), percent(": %s "+more, change, was), limit)
	}
}

// empty holds a state that has nothing, unless it had nothing before.
func (c *checker) empty(before *int64, after int64) {
	if after != 0 || before != nil && *before == 0 || !holds(c.Empty) {
		return
	}
	c.trip("empty", "", pointed(before), 0, "there are no %s", c.what)
}

func (c *checker) first(after int64) {
	if holds(c.FirstRun) {
		c.trip("first_run", "", 0, after, "%s %s, and nothing to compare them with yet", grouped(after), c.what)
	}
}

func (c *checker) failures(errors, read int64) {
	if c.exceeds("errors", c.Errors, errors, read) {
		c.trip("errors", c.Errors.String(), read, errors, "the condition failed for %s of %s offers%s, and the limit is %s",
			grouped(errors), grouped(read), percent(": %s", errors, read), c.Errors)
	}
}

func (c *checker) changes(check string, limit Share, changed, of int64) {
	if c.large(changed) && c.exceeds(check, limit, changed, of) {
		c.trip(check, limit.String(), of, changed, "%s of %s %s %s%s, and the limit is %s",
			grouped(changed), grouped(of), c.what, verb(check), percent(": %s", changed, of), limit)
	}
}

// removals compares them with the offers that there are, or were when removals that are
// held still were held first: what is added meanwhile does not make them fewer.
func (c *checker) removals(removed, before int64, of *int64) {
	if of == nil || *of >= before {
		c.changes(checkRemoved, c.Removed, removed, before)
		return
	}
	if c.large(removed) && c.exceeds(checkRemoved, c.Removed, removed, *of) {
		c.trip(checkRemoved, c.Removed.String(), *of, removed, "%s of %s %s were removed%s, and the limit is %s",
			grouped(removed), grouped(before), c.what, percent(": %s of the "+grouped(*of)+" that there were when removals were held first", removed, *of), c.Removed)
	}
}

// verb says what happened to the offers that a check counts.
func verb(check string) string {
	if len(check) > len(checkFields) && check[:len(checkFields)] == checkFields {
		return "changed their " + check[len(checkFields):]
	}
	return "were " + check
}

func (c *checker) redefined(redefined bool, was, is int64) {
	if redefined && holds(c.Redefined) {
		c.trip("redefined", "", was, is, "the definition of `fields` changed, so everything that the partner has of %s offers may be different", grouped(was))
	}
}

// large reports whether a change is not below the floor. A floor that cannot be
// makes every change large.
func (c *checker) large(changed int64) bool {
	return changed > 0 && (c.Floor < 0 || changed >= c.Floor)
}

// exceeds reports whether a part of a whole is more than a limit; a limit that
// is none is exceeded by anything.
func (c *checker) exceeds(check string, limit Share, part, whole int64) bool {
	if limit == NoLimit {
		return false
	}
	if !(limit >= 0) {
		c.trip(check, limit.String(), whole, part, "the limit %s is no share", check)
		return false
	}
	return limit.Exceeded(part, whole)
}

// Exceeded reports whether a part of a whole is more than the share. What is in doubt
// only by the rounding of the share is not.
func (s Share) Exceeded(part, whole int64) bool {
	const rounding = 1e-9
	return float64(part) > float64(s)*float64(whole)*(1+rounding)
}
