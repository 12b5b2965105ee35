package mem

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/feedmill/feedmill/internal/stream"
)

var errClosed = errors.New("closed")

// A Producer appends to a topic.
type Producer struct {
	topic  *Topic
	closed atomic.Bool
}

var _ stream.Producer = (*Producer)(nil)

// Producer returns a new producer of the topic.
func (t *Topic) Producer() *Producer { return &Producer{topic: t} }

// Send stores the records.
func (p *Producer) Send(ctx context.Context, records []stream.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.closed.Load() {
		return errClosed
	}
	return p.topic.store(records)
}

// Close ends the producer; it may be called again.
func (p *Producer) Close() error {
	p.closed.Store(true)
	return nil
}

// A Consumer reads a topic as the only member of its group.
type Consumer struct {
	topic  *Topic
	group  string
	at     []int64
	closed chan struct{}
}

var _ stream.Consumer = (*Consumer)(nil)

// Consumer returns a consumer that begins where its group has committed. Two of
// one group at once would both read everything.
func (t *Topic) Consumer(group string) *Consumer {
	return &Consumer{topic: t, group: group, at: t.committed(group), closed: make(chan struct{})}
}

// Fetch waits for the next message.
func (c *Consumer) Fetch(ctx context.Context) (stream.Message, error) {
	for {
		if err := c.open(ctx); err != nil {
			return stream.Message{}, err
		}
		m, found, grown := c.topic.next(c.at)
		if found {
			c.at[m.Partition]++
			return m, nil
		}
		select {
		case <-ctx.Done():
		case <-c.closed:
		case <-grown:
		}
	}
}

func (c *Consumer) open(ctx context.Context) error {
	select {
	case <-c.closed:
		return errClosed
	default:
		return ctx.Err()
	}
}

// Commit moves the group on.
func (c *Consumer) Commit(ctx context.Context, messages ...stream.Message) error {
	if err := c.open(ctx); err != nil {
		return err
	}
	c.topic.commit(c.group, messages)
	return nil
}

// Close ends the consumer; it may be called again.
func (c *Consumer) Close() error {
	if c.open(context.Background()) == nil {
		close(c.closed)
	}
	return nil
}
