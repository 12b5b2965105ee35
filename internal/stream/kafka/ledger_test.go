package kafka_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/feedmill/feedmill/internal/stream"
	"github.com/feedmill/feedmill/internal/stream/kafka"
)

// A ledger knows what was sent and checks what is read: of every key all
// records, in their order, and beside them nothing but repeats of them.
type ledger struct {
	keys    int
	written []int // by key: records made
	read    []int // by key: records found, in order
	last    []int // by key: the last found
	repeats int
}

func newLedger(keys int) *ledger {
	l := &ledger{keys: keys, written: make([]int, keys), read: make([]int, keys), last: make([]int, keys)}
	return l
}

// records makes the next n records, of keys in turn. A value begins with its
// number and tells its key.
func (l *ledger) records(n int) []stream.Record {
	out := make([]stream.Record, n)
	for i := range out {
		key := i % l.keys
		out[i] = stream.Record{Key: fmt.Append(nil, "offer-", key), Value: content(key, l.written[key])}
		l.written[key]++
	}
	return out
}

// content is the value of a record: about 300 bytes of which half are like those
// of others.
func content(key, number int) []byte {
	dice := rand.New(rand.NewPCG(uint64(key), uint64(number)))
	out := fmt.Appendf(nil, `%d {"source":"/feedmill/meta-hk","type":"offer.updated","subject":"offer-%d","data":{"catalog":"hk","changed":["price"],"fields":{"price":%d,"title":"`, number, key, dice.IntN(100000))
	for range 8 {
		out = strconv.AppendUint(append(out, ' '), dice.Uint64(), 36)
	}
	return append(out, `","availability":"in stock"}}}`...)
}

// see checks one record that was read.
func (l *ledger) see(t *testing.T, key, value []byte) {
	t.Helper()
	k, err1 := strconv.Atoi(string(bytes.TrimPrefix(key, []byte("offer-"))))
	text, _, _ := bytes.Cut(value, []byte(" "))
	n, err2 := strconv.Atoi(string(text))
	if err1 != nil || err2 != nil || k >= l.keys || !bytes.Equal(value, content(k, n)) {
		t.Fatalf("a record that nobody sent: %q %q", key, value)
	}
	switch {
	case n == l.read[k]:
		l.read[k]++
	case n < l.read[k]:
		l.repeats++
	default:
		t.Fatalf("key %d: record %d comes before record %d", k, n, l.read[k])
	}
	l.last[k] = n
}

// settle checks that nothing is missing, and that the last record read of a key
// is the last that was sent.
func (l *ledger) settle(t *testing.T) {
	t.Helper()
	for k := range l.keys {
		if l.read[k] != l.written[k] || l.last[k] != l.written[k]-1 {
			t.Fatalf("key %d: %d of %d records read, the last is %d", k, l.read[k], l.written[k], l.last[k])
		}
	}
}

// total is how many records were made.
func (l *ledger) total() (n int) {
	for _, w := range l.written {
		n += w
	}
	return n
}

// readBack reads a topic from its beginning to its end with a reader that is not
// ours.
func (l *ledger) readBack(t *testing.T, address, topic string, partitions int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for p := range partitions {
		end := endOf(t, ctx, address, topic, p)
		r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: []string{address}, Topic: topic, Partition: p, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: 100 * time.Millisecond})
		for at := int64(0); at < end; {
			m, err := r.ReadMessage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			l.see(t, m.Key, m.Value)
			at = m.Offset + 1
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	l.settle(t)
}

func endOf(t *testing.T, ctx context.Context, address, topic string, partition int) int64 {
	t.Helper()
	client := &kafkago.Client{Addr: kafkago.TCP(address), Transport: &kafkago.Transport{}}
	answer, err := client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: {kafkago.LastOffsetOf(partition)}}})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Topics[topic][0].LastOffset
}

// persist sends the same records until all are acknowledged.
func persist(t *testing.T, p *kafka.Producer, records []stream.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for {
		err := p.Send(ctx, records)
		if err == nil {
			return
		}
		t.Log(err)
		if ctx.Err() != nil {
			t.Fatal("the records were never taken")
		}
	}
}
