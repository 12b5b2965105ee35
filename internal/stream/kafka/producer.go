package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/stream"
)

// A Producer appends to a topic. The partition of a key is the one that Kafka's
// own clients choose.
type Producer struct {
	link   *link
	closed atomic.Bool
}

var _ stream.Producer = (*Producer)(nil)

// NewProducer returns a producer once the brokers know the topic and let it in.
func NewProducer(ctx context.Context, c Config) (*Producer, error) {
	l, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	return &Producer{link: l}, nil
}

// Close frees the connections; it may be called again.
func (p *Producer) Close() error {
	p.closed.Store(true)
	p.link.close()
	return nil
}

// A SendError is a Send of which not everything was acknowledged.
type SendError struct {
	Acknowledged, Total int
	Where               string
	Err                 error
}

func (e *SendError) Error() string {
	return fmt.Sprintf("send to %s: %d of %d records acknowledged: %v", e.Where, e.Acknowledged, e.Total, e.Err)
}

func (e *SendError) Unwrap() error { return e.Err }

var errClosed = errors.New("closed")

// lanes bounds how many partitions are written to at once.
const lanes = 16

// Send stores the records, partition by partition in their order. A partition
// ends with its first batch that is not acknowledged.
func (p *Producer) Send(ctx context.Context, records []stream.Record) error {
	var acknowledged atomic.Int64
	err := p.send(ctx, records, &acknowledged)
	if err != nil {
		return &SendError{Acknowledged: int(acknowledged.Load()), Total: len(records), Where: p.link.where, Err: err}
	}
	return nil
}

func (p *Producer) send(ctx context.Context, records []stream.Record, acknowledged *atomic.Int64) error {
	if p.closed.Load() {
		return errClosed
	}
	if err := ctx.Err(); err != nil || len(records) == 0 {
		return err
	}
	n, err := p.link.partitions(ctx)
	if err != nil {
		return err
	}
	var failed atomic.Bool
	var work errgroup.Group
	work.SetLimit(lanes)
	for partition, batches := range divide(records, n) {
		work.Go(func() error {
			err := p.lane(ctx, partition, batches, &failed, acknowledged)
			if err != nil {
				failed.Store(true)
			}
			return err
		})
	}
	return work.Wait()
}

// lane writes the batches of one partition one after the other, and begins none
// after another lane failed.
func (p *Producer) lane(ctx context.Context, partition int, batches [][]stream.Record, failed *atomic.Bool, acknowledged *atomic.Int64) error {
	for _, batch := range batches {
		if failed.Load() {
			return nil
		}
		if err := p.link.store(ctx, partition, batch); err != nil {
			return fmt.Errorf("partition %d: %w", partition, err)
		}
		acknowledged.Add(int64(len(batch)))
	}
	return nil
}

// store writes a batch, in halves where the topic takes less than most do.
func (l *link) store(ctx context.Context, partition int, batch []stream.Record) error {
	err := l.patiently(ctx, func(ctx context.Context) error { return l.produce(ctx, partition, batch) })
	if !errors.Is(err, kafka.MessageSizeTooLarge) {
		return err
	}
	half := len(batch) / 2
	if half == 0 {
		return fmt.Errorf("the record of key %q has %d bytes, more than the topic takes (max.message.bytes): %w", batch[0].Key, size(&batch[0]), err)
	}
	if err := l.store(ctx, partition, batch[:half]); err != nil {
		return err
	}
	return l.store(ctx, partition, batch[half:])
}

// produce writes one batch and waits for its acknowledgement.
func (l *link) produce(ctx context.Context, partition int, batch []stream.Record) error {
	answer, err := l.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: l.Topic, Partition: partition, RequiredAcks: kafka.RequireAll, Compression: kafka.Zstd,
		Records: &reader{batch: batch, now: time.Now()},
	})
	if err != nil {
		return bare(err)
	}
	return answer.Error
}
