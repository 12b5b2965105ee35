package guard

import (
	"maps"
	"math"
	"strconv"
)

// A Share is a part of a whole: 0.3 is 30%.
type Share float64

// NoLimit is the share that nothing exceeds.
var NoLimit = Share(math.Inf(1))

// String returns the share as users write it, such as 30%.
func (s Share) String() string {
	if s == NoLimit {
		return "no limit"
	}
	return strconv.FormatFloat(math.Round(float64(s)*1e12)/1e10, 'f', -1, 64) + "%"
}

// An Action is what a check does that has no number: pass or hold.
type Action string

// The actions, which are also the words of a Verdict.
const (
	Pass Action = "pass"
	Hold Action = "hold"
)

// Limits are how much of the last published state a run may change before it is
// held. A share equal to its limit passes.
type Limits struct {
	FirstRun  Action           // nothing to compare with yet
	Floor     int64            // a change of fewer offers than this passes; not for Empty and Errors
	Drop      Share            // fewer items
	Growth    Share            // more items
	Empty     Action           // no items at all
	Errors    Share            // offers whose predicate failed, of the offers read
	HeldFeeds Share            // feeds held, of all feeds of the run
	Added     Share            // event feeds: new offers
	Removed   Share            // event feeds: offers that left
	Updated   Share            // event feeds: offers that changed
	Redefined Action           // event feeds: another definition of `fields`
	Fields    map[string]Share // event feeds: changes of one field; no entry is no limit
}

// Defaults returns the limits of a workspace that says nothing.
func Defaults() Limits {
	return Limits{
		FirstRun: Pass, Floor: 100, Drop: 0.5, Growth: 3, Empty: Hold, Errors: 0.01, HeldFeeds: 0.2,
		Added: 0.3, Removed: 0.1, Updated: 0.6, Redefined: Hold,
	}
}

// SourceDefaults returns the limits of a source that says nothing: a source may
// grow, but not be cut short.
func SourceDefaults() Limits {
	return Limits{FirstRun: Pass, Floor: 100, Drop: 0.5, Growth: NoLimit, Empty: Hold}
}

// Clone returns limits that share nothing with l, for a feed's own to be set in.
func (l Limits) Clone() Limits {
	l.Fields = maps.Clone(l.Fields)
	return l
}

// ForEvents returns the limits that an event feed starts from: without a state
// to compare with it holds, because a partner gets everything at once.
func (l Limits) ForEvents() Limits {
	l = l.Clone()
	l.FirstRun = Hold
	return l
}
