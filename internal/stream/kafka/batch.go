package kafka

import (
	"bytes"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/feedmill/feedmill/internal/stream"
)

// A batch, which is compressed as a whole, stays below these. Brokers take 1 MiB
// compressed unless they are told otherwise.
const (
	batchBytes   = 900_000
	batchRecords = 10_000
)

// overhead is more than a record of a batch takes beside its texts.
const overhead = 32

// divide gives each partition its records, in their order, in batches.
func divide(records []stream.Record, partitions int) map[int][][]stream.Record {
	numbers := make([]int, partitions)
	for i := range numbers {
		numbers[i] = i
	}
	balancer := kafka.Murmur2Balancer{Consistent: true}
	lanes := map[int][][]stream.Record{}
	room := make([]int, partitions)
	for _, r := range records {
		p := balancer.Balance(kafka.Message{Key: r.Key}, numbers...)
		batches, n := lanes[p], size(&r)
		if last := len(batches) - 1; last < 0 || n > room[p] || len(batches[last]) == batchRecords {
			batches = append(batches, nil)
			room[p] = batchBytes
		}
		last := len(batches) - 1
		batches[last] = append(batches[last], r)
		room[p] -= n
		lanes[p] = batches
	}
	return lanes
}

func size(r *stream.Record) int {
	n := overhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += overhead + len(h.Key) + len(h.Value)
	}
	return n
}

// A reader gives a batch to kafka-go, record by record. It reuses what it
// returns.
type reader struct {
	batch   []stream.Record
	now     time.Time
	record  kafka.Record
	key     text
	value   text
	headers []kafka.Header
}

// text is a key or a value.
type text struct{ bytes.Reader }

func (*text) Close() error { return nil }

var _ protocol.Bytes = (*text)(nil)

// ReadRecord returns the next record, or io.EOF.
func (r *reader) ReadRecord() (*kafka.Record, error) {
	if len(r.batch) == 0 {
		return nil, io.EOF
	}
	next := &r.batch[0]
	r.batch = r.batch[1:]
	r.record = kafka.Record{Time: next.Time, Headers: r.named(next.Headers)}
	if next.Time.IsZero() {
		r.record.Time = r.now
	}
	if next.Key != nil {
		r.key.Reset(next.Key)
		r.record.Key = &r.key
	}
	if next.Value != nil {
		r.value.Reset(next.Value)
		r.record.Value = &r.value
	}
	return &r.record, nil
}

func (r *reader) named(headers []stream.Header) []kafka.Header {
	r.headers = r.headers[:0]
	for _, h := range headers {
		r.headers = append(r.headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	return r.headers
}
