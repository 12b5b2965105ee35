package aggregate

import (
	"time"

	"github.com/feedmill/feedmill/internal/guard"
)

// A Report says what a run did. It is also kept in the run's manifest.
type Report struct {
	Run      string                  `json:"run"`
	Stage    string                  `json:"stage"`
	Status   string                  `json:"status"` // done, unchanged, held, failed
	Started  time.Time               `json:"started"`
	Seconds  float64                 `json:"seconds"`
	Warnings []string                `json:"warnings"`
	Error    string                  `json:"error,omitempty"`
	Snapshot string                  `json:"snapshot"`             // the run whose snapshot is current after this one
	AsOf     string                  `json:"as_of,omitempty"`      // the versions that were admitted
	AsOfEach map[string]string       `json:"as_of_each,omitempty"` // the same, by source
	Offers   int64                   `json:"offers"`
	Sources  map[string]SourceReport `json:"sources"`
	Phases   map[string]float64      `json:"phases,omitempty"` // seconds
}

// A SourceReport says what the state of a source is after a run.
type SourceReport struct {
	Rows       int64          `json:"rows"`       // keys of the state
	Rejected   int64          `json:"rejected"`   // rows that its deliveries lost
	Duplicates int64          `json:"duplicates"` // rows of its delivery whose key a later row had
	Versions   []string       `json:"versions"`   // of the deliveries it was made from
	Verdict    guard.Action   `json:"verdict"`
	Reasons    []guard.Reason `json:"reasons,omitempty"`
	Held       string         `json:"held,omitempty"`     // digest of what is held
	Decision   string         `json:"decision,omitempty"` // by whom, and why, the verdict is another than the guard's
	Action     string         `json:"action"`             // what the run did with the source, and why
	Read       int64          `json:"read"`               // rows read in this run
}

func (r *Report) warn(text string) { r.Warnings = append(r.Warnings, text) }
