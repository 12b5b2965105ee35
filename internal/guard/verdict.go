// Package guard compares the counts of a run with limits. It is pure: values
// in, a verdict out.
//
// Its promise: it fails closed. What it does not understand, or cannot compute,
// is a hold with a reason that says so.
package guard

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
