package diff

import (
	"context"
	"io"
	"slices"

	"github.com/feedmill/feedmill/internal/event"
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
	Filled     []int  `json:"filled"`         // the partitions that have events
	Only       string `json:"only,omitempty"` // removals, not removals; "": all
	Events     int64  `json:"events"`         // so many are meant
	Fields     string `json:"fields"`         // digest of their definition
	audience
}

// means reports whether an event is one of those that are pending.
func (p pending) means(e *event.Event) bool {
	switch p.Only {
	case removals:
		return e.Kind() == event.Removed
	case notRemovals:
		return e.Kind() != event.Removed
	default:
		return true
	}
}

// A meant yields the events of a partition that are meant.
type meant struct {
	pending
	events *event.Reader // nil: there are none
}

// open opens a partition of the change set.
func (p pending) open(ctx context.Context, store storage.Store, feed string, partition int) (*meant, error) {
	m := &meant{pending: p}
	if !slices.Contains(p.Filled, partition) {
		return m, nil
	}
	var err error
	m.events, err = event.Open(ctx, store, event.Name(p.Run, feed, partition))
	return m, err
}

// next returns the next event, or io.EOF.
func (m *meant) next() (*event.Event, error) {
	if m.events == nil {
		return nil, io.EOF
	}
	for {
		if e, err := m.events.Next(); err != nil || m.means(e) {
			return e, err
		}
	}
}

func (m *meant) close() error {
	if m.events == nil {
		return nil
	}
	return m.events.Close()
}
