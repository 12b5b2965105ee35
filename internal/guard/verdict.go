// Package guard compares the counts of a run with limits. It is pure: values
// in, a verdict out.
//
// Its promise: it fails closed. What it does not understand, or cannot compute,
// is a hold with a reason that says so.
package guard

import "slices"

// A Verdict is whether a result may be published, and why not.
type Verdict struct {
	Verdict Action   `json:"verdict"`
	Reasons []Reason `json:"reasons,omitempty"`
}

// A Reason is one check that tripped.
type Reason struct {
	Check string `json:"check"`           // the key of the limit: drop, growth, fields.price
	Limit string `json:"limit,omitempty"` // as users write it: 30%
	Was   int64  `json:"was"`             // what the share is of
	Is    int64  `json:"is"`              // what is now, or how many changed
	Text  string `json:"text"`            // one sentence for people
}

// Held reports whether the verdict is to hold.
func (v Verdict) Held() bool { return v.Verdict != Pass }

// RemovalsOnly reports whether nothing but the limit of removals tripped, so
// that everything but removals may go out.
func (v Verdict) RemovalsOnly() bool {
	return len(v.Reasons) > 0 && !slices.ContainsFunc(v.Reasons, func(r Reason) bool { return r.Check != checkRemoved })
}

// verdict is to hold when there is a reason.
func verdict(reasons []Reason) Verdict {
	if len(reasons) == 0 {
		return Verdict{Verdict: Pass}
	}
	return Verdict{Verdict: Hold, Reasons: reasons}
}
