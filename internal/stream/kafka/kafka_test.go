package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/stream"
	"github.com/feedmill/feedmill/internal/stream/kafka"
	"github.com/feedmill/feedmill/internal/stream/streamtest"
)

// shared is the broker of the tests that let it live.
var shared struct {
	sync.Mutex
	broker *services.Kafka
	dir    string
	err    error
}

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxiproxy's
	code := m.Run()
	if shared.broker != nil {
		_ = shared.broker.Kill()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// theBroker returns the shared broker, which the first that asks starts.
func theBroker(t testing.TB) *services.Kafka {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.dir == "" {
		shared.dir, shared.err = os.MkdirTemp("", "feedmill-kafka-")
		if shared.err == nil {
			shared.broker, shared.err = services.StartKafka(context.Background(), shared.dir)
		}
	}
	if errors.Is(shared.err, services.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.broker
}

var topics atomic.Int64

// topic makes a topic of its own for a test.
func topic(t testing.TB, broker *services.Kafka, partitions int, settings ...string) kafka.Config {
	t.Helper()
	name := fmt.Sprintf("topic-%d", topics.Add(1))
	if err := broker.MakeTopic(t.Context(), name, partitions, settings...); err != nil {
		t.Fatal(err)
	}
	return kafka.Config{Brokers: []string{broker.Address}, Topic: name}
}

func producer(t testing.TB, c kafka.Config) *kafka.Producer {
	t.Helper()
	p, err := kafka.NewProducer(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func consumer(t testing.TB, c kafka.Config, group string) *kafka.Consumer {
	t.Helper()
	out, err := kafka.NewConsumer(t.Context(), c, group)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	})
	return out
}

func TestSuite(t *testing.T) {
	broker := theBroker(t)
	streamtest.Run(t, func(t *testing.T) streamtest.Topic {
		c := topic(t, broker, 3)
		return streamtest.Topic{
			Producer: func(t *testing.T) stream.Producer { return producer(t, c) },
			Consumer: func(t *testing.T, group string) stream.Consumer { return consumer(t, c, c.Topic+"-"+group) },
		}
	})
}

// The ways in: what the broker wants is what lets a client in, and everything
// else is an error that says why, and no password.
func TestWaysIn(t *testing.T) {
	broker := theBroker(t)
	plain := topic(t, broker, 1)
	other := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(other, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	authority := &kafka.TLS{CA: broker.CA}
	user := func(mechanism string) *kafka.SASL {
		return &kafka.SASL{Mechanism: mechanism, User: broker.User, Password: broker.Password}
	}
	wrong := func(mechanism string) *kafka.SASL {
		return &kafka.SASL{Mechanism: mechanism, User: broker.User, Password: "wr0ng-secret"}
	}
	free, err := services.Port()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		address string
		tls     *kafka.TLS
		sasl    *kafka.SASL
		want    string // in the error; "" is let in
	}{
		{"plain", broker.Address, nil, nil, ""},
		{"sasl plain", broker.SASL, nil, user("plain"), ""},
		{"sasl scram 256", broker.SASL, nil, user("scram-sha-256"), ""},
		{"sasl scram 512", broker.SASL, nil, user("scram-sha-512"), ""},
		{"tls", broker.TLS, authority, user("scram-sha-512"), ""},
		{"tls, by name", broker.TLS, &kafka.TLS{CA: broker.CA, ServerName: "127.0.0.1"}, user("plain"), ""},

		{"wrong password, plain", broker.SASL, nil, wrong("plain"), "refuse the user or the password"},
		{"wrong password, scram", broker.SASL, nil, wrong("scram-sha-512"), "refuse the user or the password"},
		{"wrong password, tls", broker.TLS, authority, wrong("scram-sha-256"), "refuse the user or the password"},
		{"no user", broker.SASL, nil, nil, "wants tls or sasl"},
		{"user of a plain broker", broker.Address, nil, user("plain"), "want no sasl"},
		{"unknown mechanism", broker.SASL, nil, user("oauth"), `"oauth" is not known`},
		{"unknown authority", broker.TLS, &kafka.TLS{}, user("plain"), "unknown authority"},
		{"another name", broker.TLS, &kafka.TLS{CA: broker.CA, ServerName: "kafka.example.org"}, user("plain"), "kafka.example.org"},
		{"tls to a plain broker", broker.Address, authority, nil, "wants tls or sasl"},
		{"plain to a tls broker", broker.TLS, nil, user("plain"), "wants tls or sasl"},
		{"no such authority", broker.TLS, &kafka.TLS{CA: "/nowhere.pem"}, nil, "/nowhere.pem"},
		{"an authority that is none", broker.TLS, &kafka.TLS{CA: other}, nil, "no certificate in PEM"},
		{"a certificate that is none", broker.TLS, &kafka.TLS{Cert: other, Key: other}, nil, "other.pem"},
		{"nobody there", services.Loopback(free), nil, nil, "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := kafka.Config{Brokers: []string{c.address}, Topic: plain.Topic, TLS: c.tls, SASL: c.sasl, Patience: 3 * time.Second}
			p, err := kafka.NewProducer(t.Context(), config)
			if err == nil {
				defer p.Close()
				err = p.Send(t.Context(), []stream.Record{{Key: []byte("k"), Value: []byte(c.name)}})
			}
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if m, err := consumer(t, config, c.name).Fetch(t.Context()); err != nil || string(m.Key) != "k" {
					t.Errorf("fetched %q: %v", m.Key, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.address) {
				t.Fatalf("error %v, want %q and the broker in it", err, c.want)
			}
			t.Log(err)
			for _, secret := range []string{broker.Password, "wr0ng-secret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the password is in the error: %v", err)
				}
			}
		})
	}
}

func TestMissingTopic(t *testing.T) {
	broker := theBroker(t)
	c := kafka.Config{Brokers: []string{broker.Address}, Topic: "nowhere", Patience: time.Hour}
	_, first := kafka.NewProducer(t.Context(), c)
	_, second := kafka.NewConsumer(t.Context(), c, "g")
	for _, err := range []error{first, second} {
		if err == nil || !strings.Contains(err.Error(), "no such topic") || !strings.Contains(err.Error(), "topic nowhere of "+broker.Address) {
			t.Errorf("error %v", err)
		}
	}
}

// One broker of several is enough to begin with.
func TestDeadBrokerBesideLiving(t *testing.T) {
	broker := theBroker(t)
	c := topic(t, broker, 1)
	free, err := services.Port()
	if err != nil {
		t.Fatal(err)
	}
	c.Brokers = []string{services.Loopback(free), broker.Address}
	if err := producer(t, c).Send(t.Context(), []stream.Record{{Key: []byte("k")}}); err != nil {
		t.Error(err)
	}
}

// A broker that accepts connections and says nothing is an error too.
func TestSilentBroker(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().String()
	_, err = kafka.NewProducer(t.Context(), kafka.Config{Brokers: []string{address}, Topic: "t", Patience: time.Second})
	if err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("error %v", err)
	}
	t.Log(err)
}

func TestLargeRecords(t *testing.T) {
	broker := theBroker(t)
	p := producer(t, topic(t, broker, 2, "max.message.bytes=100000"))
	noise := func(n int) []byte { // what cannot be compressed
		out := make([]byte, n)
		state := uint64(n)
		for i := range out {
			state = state*6364136223846793005 + 1442695040888963407
			out[i] = byte(state >> 33)
		}
		return out
	}
	fits := make([]stream.Record, 5)
	for i := range fits {
		fits[i] = stream.Record{Key: []byte("k"), Value: noise(30_000 + i)}
	}
	if err := p.Send(t.Context(), fits); err != nil {
		t.Errorf("records that fit, but not together: %v", err)
	}
	err := p.Send(t.Context(), []stream.Record{{Key: []byte("large one"), Value: noise(200_000)}})
	if err == nil || !strings.Contains(err.Error(), `"large one"`) || !strings.Contains(err.Error(), "max.message.bytes") {
		t.Errorf("a record too large: %v", err)
	}
}
