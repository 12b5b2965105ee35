package preview

import (
	"cmp"
	"slices"
)

// What becomes of a feed.
const (
	Same    = "same"    // it was not edited
	Edited  = "edited"  // see Edit.Edited
	New     = "new"     // it is not published
	Removed = "removed" // it is published, and not defined any more, or not enabled
	Unknown = "unknown" // see Edit.Reason
)

// An Edit is how a feed would change.
type Edit struct {
	Feed     string   `json:"feed"`
	Kind     string   `json:"kind"` // feed, events
	State    string   `json:"state"`
	Edited   []string `json:"edited,omitempty"` // what of its definition differs: where, shared.NAME, field NAME, param NAME, template, template item, ..., choose
	Before   int64    `json:"before"`           // offers that the definition of before takes
	Now      int64    `json:"now"`
	Gained   int64    `json:"gained"`
	Lost     int64    `json:"lost"`
	Changed  int64    `json:"changed"`          // offers that stay and look otherwise
	Blocks   []string `json:"blocks,omitempty"` // header, footer: those that look otherwise
	GainedE  []string `json:"gained_for_example,omitempty"`
	LostE    []string `json:"lost_for_example,omitempty"`
	ChangedE []string `json:"changed_for_example,omitempty"`
	Because  []Effect `json:"because,omitempty"` // those of the most offers first
	Reason   string   `json:"reason,omitempty"`  // why something of it is unknown, or what will keep it from being sent
	Held     string   `json:"held,omitempty"`    // the run that holds something newer than what is published
}

// Any reports whether anything would change, or is not known.
func (e *Edit) Any() bool {
	return e.State != Same && (e.State != Edited || e.Reason != "" || e.Gained+e.Lost+e.Changed > 0 || len(e.Blocks) > 0)
}

// An Effect is something of the definition that makes offers come, go or change.
// An offer may be counted by several.
type Effect struct {
	Condition string `json:"condition"` // its text; shared.NAME, choose, rule RULE, field NAME, param NAME, template BLOCK
	Effect    string `json:"effect"`    // loses, kept out, changes, leaves out
	Offers    int64  `json:"offers"`
}

// The effects.
const (
	loses     = "loses"      // of what is now: the feed loses offers by it
	keptOut   = "kept out"   // of what was: it kept out offers that the feed gains
	changes   = "changes"    // offers that stay
	leavesOut = "leaves out" // offers that the feed would gain otherwise
)

// Samples is how many offers are named of a kind.
const Samples = 3

// A cause is what an effect is counted by.
type cause struct{ condition, effect string }

// A tally is what is counted of a pair.
type tally struct {
	before, now, gained, lost, changed int64
	gainedE, lostE, changedE           []string
	causes                             map[cause]int64
}

func newTally() *tally { return &tally{causes: map[cause]int64{}} }

func (t *tally) add(condition, effect string, offers int) {
	if offers > 0 {
		t.causes[cause{condition, effect}] += int64(offers)
	}
}

func (t *tally) join(o *tally) {
	t.before, t.now, t.gained, t.lost, t.changed = t.before+o.before, t.now+o.now, t.gained+o.gained, t.lost+o.lost, t.changed+o.changed
	t.gainedE, t.lostE, t.changedE = joined(t.gainedE, o.gainedE), joined(t.lostE, o.lostE), joined(t.changedE, o.changedE)
	for c, n := range o.causes {
		t.causes[c] += n
	}
}

func joined(dst, ids []string) []string { return append(dst, ids[:min(len(ids), Samples-len(dst))]...) }

// conclude puts what was counted into the edit.
func (p *pair) conclude(t *tally) error {
	e := p.Edit
	e.Before, e.Now, e.Gained, e.Lost, e.Changed = t.before, t.now, t.gained, t.lost, t.changed
	e.GainedE, e.LostE, e.ChangedE = t.gainedE, t.lostE, t.changedE
	for c, n := range t.causes {
		e.Because = append(e.Because, Effect{c.condition, c.effect, n})
	}
	slices.SortFunc(e.Because, func(a, b Effect) int {
		return cmp.Or(cmp.Compare(b.Offers, a.Offers), cmp.Compare(a.Condition, b.Condition), cmp.Compare(a.Effect, b.Effect))
	})
	var err error
	e.Blocks, err = p.blocks()
	return err
}
