// Package kafka drives a topic of Kafka over github.com/segmentio/kafka-go.
//
// Its promise: what a Send acknowledged is on every replica that is in sync, a
// key's records are never stored before earlier ones of the same Send, and who
// cannot reach the brokers, or is refused, is told so within a bounded time.
//
// Of kafka-go it uses the client, not the Writer: when a Writer gives a batch up
// it goes on with the next one of the partition, and so stores later records of
// a key without the earlier ones. There is no idempotent producer in kafka-go: a
// lost acknowledgement stores records twice, and readers drop the repeats by
// their ids and versions.
package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Config says where a topic is and how a client gets in.
type Config struct {
	Brokers []string // host:port, any of the cluster
	Topic   string
	TLS     *TLS  // nil: plain
	SASL    *SASL // nil: none

	// Patience is how long brokers may be away, or not accept anything, before
	// a call gives up; default DefaultPatience.
	Patience time.Duration
}

// DefaultPatience bridges the restart of a broker.
const DefaultPatience = time.Minute

// SASL is how a client shows who it is.
type SASL struct {
	Mechanism      string // plain, scram-sha-256 or scram-sha-512
	User, Password string
}

func (s *SASL) mechanism() (sasl.Mechanism, error) {
	if s == nil {
		return nil, nil
	}
	switch s.Mechanism {
	case "plain":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.User, s.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, s.User, s.Password)
	}
	return nil, fmt.Errorf("sasl mechanism %q is not known", s.Mechanism)
}

// A link is a way to the brokers of a topic, with what is known of them.
type link struct {
	Config
	where     string // the topic and its brokers, for errors
	transport *kafka.Transport
	client    *kafka.Client
}

// dialTimeout bounds the way to one broker, TLS and SASL included.
const dialTimeout = 5 * time.Second

// requestTimeout bounds one question to a broker; it is asked again.
const requestTimeout = 10 * time.Second

// connect checks that the brokers are there, let us in and know the topic.
func connect(ctx context.Context, c Config) (*link, error) {
	c.Patience = cmp.Or(c.Patience, DefaultPatience)
	l := &link{Config: c, where: fmt.Sprintf("topic %s of %s", c.Topic, strings.Join(c.Brokers, ", "))}
	tls, err := c.TLS.config()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", l.where, err)
	}
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", l.where, err)
	}
	l.transport = &kafka.Transport{
		ClientID: clientID, DialTimeout: dialTimeout, TLS: tls, SASL: mechanism,
		MetadataTTL: 3 * time.Second, MetadataTopics: []string{c.Topic},
	}
	l.client = &kafka.Client{Addr: kafka.TCP(c.Brokers...), Transport: l.transport, Timeout: requestTimeout}
	if _, err := l.partitions(ctx); err != nil {
		l.close()
		return nil, fmt.Errorf("open %s: %w", l.where, err)
	}
	return l, nil
}

const clientID = "feedmill"

func (l *link) close() { l.transport.CloseIdleConnections() }

// partitions counts the partitions of the topic.
func (l *link) partitions(ctx context.Context) (int, error) {
	var n int
	err := l.patiently(ctx, func(ctx context.Context) error {
		answer, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{l.Topic}})
		if err != nil {
			return bare(err)
		}
		for _, t := range answer.Topics {
			if t.Error != nil {
				return missing(t.Error)
			}
			n = len(t.Partitions)
		}
		return nil
	})
	return n, err
}

// errMissing is a topic that the brokers do not have: nobody waits for it.
var errMissing = errors.New("the brokers have no such topic, and feedmill does not make it")

func missing(err error) error {
	if errors.Is(err, kafka.UnknownTopicOrPartition) {
		return errMissing
	}
	return err
}
