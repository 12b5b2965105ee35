// Package manifest commits runs: what a run wrote, which run is current, and who
// may run a stage.
//
// Its promise: a run is there if and only if its manifest is, current never
// moves back to a run that lost a race, and a process that lost its lease cannot
// publish, whatever the clocks say: leases only save work, the numbers of
// current decide.
//
// All objects are JSON with a format, which is Format, at their top.
//
//	<kind>/<run>/manifest.json   {"format": 1, "digest": "xxh3:<16 hex digits>", "manifest": {...}}
//	<kind>/current/<n>           {"format": 1, "run": "<run>", "changed": {"<name>": "<time>", ...}}
//	<kind>/withheld/<n>          {"format": 1, "run": "<run>"}: the last run held as a whole while current was at <n>
//	leases/<stage>/<n>           {"format": 1, "id": "...", "owner": "host:pid", "since": ..., ...}
//	approvals/<run>/<id>.json    {"format": 1, "decision": {...}}: of a person, about what the run holds
//
// The digest is the XXH3-64 of the manifest's JSON without white space between
// tokens. The fields of a manifest, a lease and a decision are those of Manifest, of
// claim and of Decision. <n> is a decimal number of 12 digits, from 1 (of withheld from
// 0: nothing is current yet); the object of the greatest n counts, those before it are
// history. changed is left out unless somebody went to a run that was made before: it
// says of what the run publishes, by name, since when (RFC 3339, UTC) it is other than
// it was, where that is later than the run itself says. <id> is as a run's.
package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/zeebo/xxh3"
)

// Format is the version of the format of manifests, pointers, leases and decisions that
// this package writes; it reads all up to it. History:
//
//	1: the first.
const Format = 1

// The statuses of a run.
const (
	Done      = "done"      // it is complete and may be published
	Unchanged = "unchanged" // nothing was to do; the base stands
	Held      = "held"      // complete, but a guard keeps it from being published
	Failed    = "failed"    // only its report is of use
)

// A Manifest says what a run wrote and how it went.
type Manifest struct {
	Format   int             `json:"-"` // set by Commit and Read
	Run      string          `json:"run"`
	Stage    string          `json:"stage"`
	Status   string          `json:"status"`
	Started  time.Time       `json:"started"`
	Finished time.Time       `json:"finished"`
	Base     int64           `json:"base"`               // the N of the current that the run was based on
	Requires []string        `json:"requires,omitempty"` // earlier runs of the kind, whose objects belong to this one, too
	Objects  []Object        `json:"objects,omitempty"`
	Report   json.RawMessage `json:"report,omitempty"` // what --json prints
	Detail   json.RawMessage `json:"detail,omitempty"` // the stage's own
}

// An Object is one object of a run.
type Object struct {
	Name   string `json:"name"` // in the store, the run's folder included
	Size   int64  `json:"size"` // bytes
	Digest string `json:"digest,omitempty"`
}

type envelope struct {
	Format   int             `json:"format"`
	Digest   string          `json:"digest"`
	Manifest json.RawMessage `json:"manifest"`
}

func (m *Manifest) check() error {
	if err := checkRun(m.Run); err != nil {
		return err
	}
	switch m.Status {
	case Done, Unchanged, Held, Failed:
		return nil
	default:
		return fmt.Errorf("manifest of %s: unknown status %q", m.Run, m.Status)
	}
}

// encode returns the same bytes for the same manifest.
func encode(m *Manifest) ([]byte, error) {
	utc := *m
	utc.Started, utc.Finished = m.Started.UTC(), m.Finished.UTC()
	inner, err := compact(&utc)
	if err != nil {
		return nil, fmt.Errorf("encode manifest of %s: %w", m.Run, err)
	}
	return encodeJSON(envelope{Format, digest(inner), inner})
}

func compact(m *Manifest) ([]byte, error) {
	data, err := encodeJSON(m)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Compact(&out, data)
	return out.Bytes(), err
}

// encodeJSON leaves <, > and & as they are, for people to read.
func encodeJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(v)
	return out.Bytes(), err
}

func digest(data []byte) string { return fmt.Sprintf("xxh3:%016x", xxh3.Hash(data)) }

func decode(data []byte) (*Manifest, error) {
	var e envelope
	if err := decodeJSON(data, &e); err != nil {
		return nil, err
	}
	var inner bytes.Buffer
	if err := json.Compact(&inner, e.Manifest); err != nil {
		return nil, err
	}
	if got := digest(inner.Bytes()); got != e.Digest {
		return nil, fmt.Errorf("damaged: its digest is %s, not %s", got, e.Digest)
	}
	m := &Manifest{Format: e.Format}
	if err := json.Unmarshal(inner.Bytes(), m); err != nil {
		return nil, err
	}
	return m, m.check()
}

// decodeJSON reads an object of any kind, after its format.
func decodeJSON(data []byte, v any) error {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	if head.Format > Format {
		return newerError(head.Format)
	}
	if head.Format < 1 {
		return fmt.Errorf("damaged: format %d", head.Format)
	}
	return json.Unmarshal(data, v)
}
