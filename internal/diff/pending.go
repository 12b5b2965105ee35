package diff

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/storage"
)

// The events of a pending that are meant, where not all are.
const (
	removals    = "removals"
	notRemovals = "not removals"
)

// A pending is a change set that is sent, then applied to the state.
type pending struct {
	Run        string `json:"run"` // that has the change set
	Partitions int    `json:"partitions"`
	Filled     []int  `json:"filled"`         // the partitions that have events; earlier programs wrote removals beside the others
	Gone       []int  `json:"gone,omitempty"` // those that have removals, in objects of their own
	Held       bool   `json:"held,omitempty"` // the objects are where held ones are
	Only       string `json:"only,omitempty"` // removals, not removals; "": all
	Events     int64  `json:"events"`         // so many are meant
	Fields     string `json:"fields"`         // digest of their definition
	feed.Audience
}

// only returns what some of the events make, nil where there are none.
func (p pending) only(which string, report *FeedReport) *pending {
	p.Only, p.Events = which, report.events(which)
	switch which {
	case removals:
		p.Filled = nil
	case notRemovals:
		p.Gone = nil
	}
	if p.Events == 0 {
		return nil
	}
	return &p
}

// held is the same where it is held.
func (p *pending) held() *pending {
	if p == nil {
		return nil
	}
	h := *p
	h.Held = true
	return &h
}

// partitions are those that have events.
func (p *pending) partitions() []int {
	all := slices.Concat(p.Filled, p.Gone)
	slices.Sort(all)
	return slices.Compact(all)
}

// names are the objects of a partition.
func (p *pending) names(feed string, partition int) []string {
	var out []string
	if slices.Contains(p.Filled, partition) {
		out = append(out, event.Name(p.Run, feed, partition))
	}
	if slices.Contains(p.Gone, partition) {
		out = append(out, event.RemovedName(p.Run, feed, partition))
	}
	for i := range out {
		if p.Held {
			out[i] = event.HeldName(out[i])
		}
	}
	return out
}

// means reports whether an event is one of those that are pending.
func (p *pending) means(e *event.Event) bool {
	switch p.Only {
	case removals:
		return e.Kind() == event.Removed
	case notRemovals:
		return e.Kind() != event.Removed
	default:
		return true
	}
}

// A meant yields the events of a partition that are meant, in the order of (hash, id).
type meant struct {
	pending
	objects []*ahead
}

// An ahead is an object of a change set, and the next event of it.
type ahead struct {
	*event.Reader
	event *event.Event // nil at the end
	hash  uint64
}

// open opens a partition of the change set.
func (p pending) open(ctx context.Context, store storage.Store, feed string, partition int) (*meant, error) {
	m := &meant{pending: p}
	for _, name := range p.names(feed, partition) {
		r, err := event.Open(ctx, store, name)
		if err != nil {
			return nil, errors.Join(err, m.close())
		}
		m.objects = append(m.objects, &ahead{Reader: r})
		if err := m.read(m.objects[len(m.objects)-1]); err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	return m, nil
}

// read reads the next event of an object that is meant.
func (m *meant) read(a *ahead) error {
	for {
		e, err := a.Next()
		if errors.Is(err, io.EOF) {
			a.event = nil
			return nil
		}
		if err != nil {
			return err
		}
		if m.means(e) {
			a.event, a.hash = e, offer.Hash(e.Subject)
			return nil
		}
	}
}

// next returns the next event, or io.EOF.
func (m *meant) next() (*event.Event, error) {
	var first *ahead
	for _, a := range m.objects {
		if a.event != nil && (first == nil || a.before(first)) {
			first = a
		}
	}
	if first == nil {
		return nil, io.EOF
	}
	e := first.event
	return e, m.read(first)
}

func (a *ahead) before(other *ahead) bool {
	return cmp.Or(cmp.Compare(a.hash, other.hash), cmp.Compare(a.event.Subject, other.event.Subject)) < 0
}

func (m *meant) close() error {
	var errs []error
	for _, a := range m.objects {
		errs = append(errs, a.Close())
	}
	m.objects = nil
	return errors.Join(errs...)
}
