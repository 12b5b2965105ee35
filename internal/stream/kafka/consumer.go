package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/feedmill/feedmill/internal/stream"
)

// A Consumer reads a topic as a member of a group, from the first record on when
// the group has committed nothing.
type Consumer struct {
	link   *link
	reader *kafka.Reader
	closed atomic.Bool
}

var _ stream.Consumer = (*Consumer)(nil)

// sessionTimeout is when the partitions of a member that went away go to others,
// and what a group needs after the restart of its broker.
const sessionTimeout = 10 * time.Second

// NewConsumer returns a member of a group once the brokers know the topic and
// let it in.
func NewConsumer(ctx context.Context, c Config, group string) (*Consumer, error) {
	l, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	l.close() // the reader has its own connections
	return &Consumer{link: l, reader: kafka.NewReader(kafka.ReaderConfig{
		Brokers: c.Brokers, Topic: c.Topic, GroupID: group, StartOffset: kafka.FirstOffset,
		Dialer: &kafka.Dialer{
			ClientID: clientID, Timeout: dialTimeout, DualStack: true,
			TLS: l.transport.TLS, SASLMechanism: l.transport.SASL,
		},
		MinBytes: 1, MaxBytes: 8 << 20, MaxWait: time.Second,
		SessionTimeout: sessionTimeout, JoinGroupBackoff: 200 * time.Millisecond, WatchPartitionChanges: true,
	})}, nil
}

// Fetch waits for the next message. While the brokers are away it goes on
// waiting, and after the patience of the configuration it is an error that says
// so; a later Fetch may succeed.
func (c *Consumer) Fetch(ctx context.Context) (stream.Message, error) {
	var m kafka.Message
	err := c.link.patiently(ctx, func(ctx context.Context) (err error) {
		m, err = c.reader.FetchMessage(ctx)
		return c.ending(err)
	})
	if err != nil {
		return stream.Message{}, fmt.Errorf("fetch from %s: %w", c.link.where, err)
	}
	return message(&m), nil
}

// ending tells the end of the consumer from that of a connection.
func (c *Consumer) ending(err error) error {
	if errors.Is(err, io.EOF) && c.closed.Load() {
		return errClosed
	}
	return err
}

func message(m *kafka.Message) stream.Message {
	out := stream.Message{
		Record:    stream.Record{Key: m.Key, Value: m.Value, Time: m.Time},
		Partition: m.Partition, Offset: m.Offset,
	}
	for _, h := range m.Headers {
		out.Headers = append(out.Headers, stream.Header{Key: h.Key, Value: h.Value})
	}
	return out
}

// Commit notes that the group is done with the messages.
func (c *Consumer) Commit(ctx context.Context, messages ...stream.Message) error {
	done := make([]kafka.Message, len(messages))
	for i, m := range messages {
		done[i] = kafka.Message{Topic: c.link.Topic, Partition: m.Partition, Offset: m.Offset}
	}
	err := c.link.patiently(ctx, func(ctx context.Context) error { return c.ending(c.reader.CommitMessages(ctx, done...)) })
	if err != nil {
		return fmt.Errorf("commit %d messages of %s: %w", len(messages), c.link.where, err)
	}
	return nil
}

// Close leaves the group; it may be called again.
func (c *Consumer) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	if err := c.reader.Close(); err != nil {
		return fmt.Errorf("leave %s: %w", c.link.where, err)
	}
	return nil
}
