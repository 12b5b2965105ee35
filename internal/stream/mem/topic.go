// Package mem keeps a topic in memory, for tests and for what lives as long as
// the process. It fails on demand.
//
// Its promise: it divides, orders and repeats as a broker does, so that nothing
// works here alone.
package mem

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/stream"
)

// A Topic keeps records in memory, in partitions.
type Topic struct {
	mu         sync.Mutex
	partitions [][]stream.Record
	groups     map[string][]int64 // by group: the next offset of each partition
	grown      chan struct{}      // closed when there is more to read
	faults     []fault
}

// A fault lets so many records through and then fails a Send.
type fault struct {
	after int
	err   error
}

// New returns an empty topic of so many partitions.
func New(partitions int) *Topic {
	return &Topic{partitions: make([][]stream.Record, partitions), groups: map[string][]int64{}, grown: make(chan struct{})}
}

// FailAfter makes a later Send fail with err once n more records are stored, as
// a broker that dies in mid-send: those before are stored, those after are not.
// Several faults are used up one after the other, each counting from the last.
func (t *Topic) FailAfter(n int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, fault{n, err})
}

// Records returns what is stored, partition by partition.
func (t *Topic) Records() []stream.Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Concat(t.partitions...)
}

// store appends records until a fault.
func (t *Topic) store(records []stream.Record) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.wake()
	for _, r := range records {
		if len(t.faults) > 0 && t.faults[0].after == 0 {
			err := t.faults[0].err
			t.faults = t.faults[1:]
			return err
		}
		if len(t.faults) > 0 {
			t.faults[0].after--
		}
		p := int(xxh3.Hash(r.Key) % uint64(len(t.partitions)))
		t.partitions[p] = append(t.partitions[p], clone(r))
	}
	return nil
}

func (t *Topic) wake() {
	close(t.grown)
	t.grown = make(chan struct{})
}

// clone copies a record, with what a broker makes of its time.
func clone(r stream.Record) stream.Record {
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	r.Time = r.Time.UTC().Truncate(time.Millisecond)
	r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	r.Headers = slices.Clone(r.Headers)
	for i, h := range r.Headers {
		r.Headers[i].Value = bytes.Clone(h.Value)
	}
	return r
}

// next returns the first message at or after the offsets, and otherwise what is
// closed when there is more.
func (t *Topic) next(at []int64) (m stream.Message, found bool, grown <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p, records := range t.partitions {
		if at[p] < int64(len(records)) {
			return stream.Message{Record: clone(records[at[p]]), Partition: p, Offset: at[p]}, true, nil
		}
	}
	return stream.Message{}, false, t.grown
}

// committed returns where a group goes on.
func (t *Topic) committed(group string) []int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.groups[group] == nil {
		t.groups[group] = make([]int64, len(t.partitions))
	}
	return slices.Clone(t.groups[group])
}

func (t *Topic) commit(group string, messages []stream.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range messages {
		t.groups[group][m.Partition] = max(t.groups[group][m.Partition], m.Offset+1)
	}
}
