// Package event is what partners that take changes are told: the change of one
// offer of an event feed between two states.
//
// Its promise: an event says all that its receiver needs, its id is the same
// however often it is sent, and versions of an offer in a feed only grow.
//
// # Change sets
//
// The events of a run are stored by partition of the snapshot they were made from,
// the removals in objects of their own; what a guard holds is apart.
//
//	events/<run>/<feed>/00007.jsonl.zst            added, updated, refreshed
//	events/<run>/<feed>/00007.removed.jsonl.zst    removed
//	events/<run>/held/<feed>/...                   the same of what the run held
//
// An object is zstd-compressed JSON, one event a line, ordered by (hash, bytes of the
// id) as in snapshots; there is none without events. A line is what schema.json
// describes. The objects of a run tell of an offer of a feed at most once.
//
// # Taking change sets
//
// Who takes the objects, where nothing is sent, goes through events/current/<n> in the
// order of n from the last that it took. Each names a run, and
// manifest.report.change_sets in events/<run>/manifest.json names the objects to take,
// and no others. One may be an earlier run's, which was held, and was approved. Runs
// that current does not name hand over nothing: they failed, or made nothing new. What
// is taken twice has the same ids.
//
// Versions of feedmill before wrote removals beside the other events, left held events
// among them, and did not list what is handed over: their manifests have no change_sets.
//
// # Sending
//
// A record of Kafka is an event in the binary mode of CloudEvents 1.0: the
// attributes are headers, ce_specversion, ce_id, ce_source, ce_type, ce_subject
// and ce_time, content-type is application/json, and the value is the event's
// data. The key is the offer's id. In compact mode the key is <feed>/<offer id>,
// and a removal is followed by a tombstone.
package event

import (
	_ "embed" // the schema
	"encoding/json"
	"fmt"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/stream"
)

// Schema is the JSON schema of an event as it is stored.
//
//go:embed schema.json
var Schema []byte

// The kinds of events.
const (
	Added     = "added"
	Updated   = "updated"
	Removed   = "removed"
	Refreshed = "refreshed" // nothing changed, and it was not sent for long
)

const typePrefix = "offer."

// An Event is the change of an offer of an event feed.
type Event struct {
	ID      string    `json:"id"`
	Source  string    `json:"source"` // /feedmill/<feed>
	Type    string    `json:"type"`   // offer.<kind>
	Subject string    `json:"subject"`
	Time    time.Time `json:"time"` // of the run that found it
	Data    Data      `json:"data"`
}

// Data is what an event says.
type Data struct {
	Feed         string            `json:"feed"`
	Destinations []string          `json:"destinations"`
	Catalog      string            `json:"catalog,omitempty"`
	Version      int64             `json:"version"`
	Changed      map[string]Change `json:"changed,omitempty"` // of updated: the fields that differ
	Fields       json.RawMessage   `json:"fields"`            // all, by name; of removed the last
}

// A Change is the values of a field before and after.
type Change struct {
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// New returns the event of a kind, whose id follows from feed, offer and version.
func New(kind string, data Data, offer string, at time.Time) *Event {
	digest := xxh3.HashString128(fmt.Sprintf("%q %q %d", data.Feed, offer, data.Version)).Bytes()
	return &Event{
		ID: fmt.Sprintf("%x", digest), Source: "/feedmill/" + data.Feed, Type: typePrefix + kind,
		Subject: offer, Time: at.UTC(), Data: data,
	}
}

// Kind returns the kind.
func (e *Event) Kind() string { return e.Type[len(typePrefix):] }

// Records returns the event as it is sent.
func (e *Event) Records(compact bool) []stream.Record {
	r := stream.Record{Key: []byte(e.Subject), Value: e.Data.append(nil), Time: e.Time, Headers: e.headers()}
	if !compact {
		return []stream.Record{r}
	}
	r.Key = []byte(e.Data.Feed + "/" + e.Subject)
	if e.Kind() != Removed {
		return []stream.Record{r}
	}
	return []stream.Record{r, {Key: r.Key, Time: r.Time, Headers: r.Headers}}
}

func (e *Event) headers() []stream.Header {
	var out []stream.Header
	for _, h := range [][2]string{
		{"ce_specversion", "1.0"}, {"ce_id", e.ID}, {"ce_source", e.Source}, {"ce_type", e.Type},
		{"ce_subject", e.Subject}, {"ce_time", e.Time.Format(time.RFC3339Nano)}, {"content-type", "application/json"},
	} {
		out = append(out, stream.Header{Key: h[0], Value: []byte(h[1])})
	}
	return out
}
