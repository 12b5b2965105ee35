// Package stream is the port to a log of records: a topic that one side appends
// to and others read, each at its own pace. Drivers live below it: kafka, mem.
//
// Its promise: a Send that returned nil is stored where no single failure loses
// it, records of equal keys are read in the order in which they were sent, and
// nothing is delivered less than once.
package stream

import (
	"context"
	"time"
)

// A Record is one entry of a topic.
type Record struct {
	Key     []byte
	Value   []byte // nil: a tombstone; an empty one may be read as nil
	Headers []Header
	Time    time.Time // kept to the millisecond; the zero time: when it is sent
}

// A Header is a named value beside a record; names may repeat.
type Header struct {
	Key   string
	Value []byte
}

// A Producer appends to one topic. It is safe for concurrent use, where the
// order of equal keys is that within each Send.
type Producer interface {
	// Send returns nil once all records are acknowledged by all replicas that
	// are in sync. After an error any of them may be stored, some more than
	// once; sending all of them again is right, since what is read by then ends
	// with the records of a key in their order.
	Send(ctx context.Context, records []Record) error
	Close() error
}

// A Message is a record at its place in a topic.
type Message struct {
	Record
	Partition int
	Offset    int64 // grows within a partition
}

// A Consumer reads a topic as a member of a group, among which the partitions
// are divided. It is for one goroutine.
type Consumer interface {
	// Fetch waits for the next message, at most until ctx ends. A message may
	// come again, to this or another member, until it is committed, and when
	// partitions change hands even then.
	Fetch(ctx context.Context) (Message, error)
	// Commit notes that the group is done with these messages and all before
	// them in their partitions.
	Commit(ctx context.Context, messages ...Message) error
	Close() error
}
