// Package history works on the runs of a warehouse: it makes an earlier one
// current again, and removes those that nobody needs.
//
// Its promise: what readers may use stays whole. A run becomes current only when
// all that it refers to is there, and nothing is removed that current, an open
// hold, a run that may still be published, or a reader within the grace time
// refers to.
//
// What refers to what: a snapshot's manifest names the states of sources that it
// was made from, and a state may need earlier ones of its source. The manifest of
// a run of generate names, for each feed, the run whose bytes are served, and for
// each open hold the run whose bytes are held. A manifest of any kind names the
// earlier runs of which it took objects over. All these are kept whole. The last
// run of diff names the states of event feeds and the change sets that are to be
// sent; earlier runs of diff keep their change sets for as long as retention says.
package history

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
)

// stages are the stages whose runs can be published, with the kind under which
// they are stored.
var stages = map[string]string{"aggregate": snapshot.Prefix, "generate": part.Kind}

// kinds are those of all stages, also of diff, whose runs cannot be published
// again: what was sent was sent.
var kinds = map[string]string{"aggregate": snapshot.Prefix, "generate": part.Kind, "diff": event.Kind}

const (
	sourcesFolder = "sources/"
	statesFolder  = event.Kind + "/state/" // of event feeds, by run and feed
)

// lease is the stage whose lease keeps gc and publish from each other.
const lease = "gc"

// A ref names a run of a kind.
type ref struct{ kind, run string }

// A record is what this package needs to know of a committed run.
type record struct {
	*manifest.Manifest
	publishable error // nil, or why the run cannot become current
	needs       []ref // what has to be there for it to be published
	partOf      []ref // earlier runs of the kind whose objects are its own, too
	uses        []ref // what it is good to have beside it
}

// read reads the manifest of a run of any kind.
func read(ctx context.Context, store storage.Store, r ref) (*record, error) {
	m, err := manifest.Read(ctx, store, r.kind, r.run)
	if err != nil {
		return nil, err
	}
	out := &record{Manifest: m}
	for _, run := range m.Requires {
		out.partOf = append(out.partOf, ref{r.kind, run})
	}
	switch r.kind {
	case snapshot.Prefix:
		err = out.snapshot()
	case part.Kind:
		err = out.feeds()
	case event.Kind:
		err = out.events()
	}
	if err != nil {
		return nil, err
	}
	out.Report, out.Detail = nil, nil
	return out, nil
}

func (r *record) snapshot() error {
	var report struct {
		Snapshot string `json:"snapshot"`
	}
	var detail struct {
		Sources map[string]string `json:"sources"`
	}
	if err := decode(r, &report, &detail); err != nil {
		return err
	}
	switch {
	case r.Status == manifest.Failed:
		r.publishable = fmt.Errorf("it failed")
	case report.Snapshot != r.Run:
		r.publishable = fmt.Errorf("it made no snapshot")
	}
	for _, name := range slices.Sorted(maps.Keys(detail.Sources)) {
		r.needs = append(r.needs, ref{sourcesFolder + name, detail.Sources[name]})
	}
	return nil
}

func (r *record) feeds() error {
	var detail struct {
		part.Detail
		Decision string `json:"decision"`
		Made     map[string]struct {
			Snapshot string `json:"snapshot"`
		} `json:"made"`
	}
	if err := decode(r, &struct{}{}, &detail); err != nil {
		return err
	}
	switch {
	case r.Status == manifest.Failed:
		r.publishable = fmt.Errorf("it failed")
	case detail.Withheld:
		r.publishable = fmt.Errorf("it was held as a whole")
	case r.Status != manifest.Done && len(r.Objects) == 0 && detail.Decision == "":
		r.publishable = fmt.Errorf("it had nothing to do and made nothing")
	}
	for _, name := range slices.Sorted(maps.Keys(detail.Feeds)) {
		r.needs = append(r.needs, ref{part.Kind, detail.Feeds[name].Run})
	}
	for _, name := range slices.Sorted(maps.Keys(detail.Holds)) {
		if hold := detail.Holds[name]; hold.Run != "" {
			r.needs = append(r.needs, ref{part.Kind, hold.Run})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(detail.Made)) {
		r.uses = append(r.uses, ref{snapshot.Prefix, detail.Made[name].Snapshot})
	}
	return nil
}

// events notes what the last run of diff goes on from: the states of event feeds,
// that which it made itself among them, and the change sets that are to be sent, or
// held.
func (r *record) events() error {
	type changes struct {
		Run string `json:"run"`
	}
	var detail struct {
		Feeds map[string]struct {
			State   string   `json:"state"`
			Pending *changes `json:"pending"`
		} `json:"feeds"`
		Holds map[string]changes `json:"holds"`
	}
	if err := decode(r, &struct{}{}, &detail); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(detail.Feeds)) {
		f := detail.Feeds[name]
		r.uses = append(r.uses, ref{statesFolder + f.State, name}, ref{statesFolder + r.Run, name})
		if f.Pending != nil {
			r.uses = append(r.uses, ref{event.Kind, f.Pending.Run})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(detail.Holds)) {
		r.uses = append(r.uses, ref{event.Kind, detail.Holds[name].Run})
	}
	return nil
}

func decode(r *record, report, detail any) error {
	if err := json.Unmarshal(r.Report, report); err != nil {
		return fmt.Errorf("decode the report of run %s: %w", r.Run, err)
	}
	if err := json.Unmarshal(r.Detail, detail); err != nil {
		return fmt.Errorf("decode the manifest of run %s: %w", r.Run, err)
	}
	return nil
}
