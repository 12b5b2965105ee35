// Package streamtest is the suite that every driver of stream passes.
//
// Its promise: what holds here holds for every driver, so that a stage tested
// over one works over all.
package streamtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/stream"
)

// A Topic gives the ends of an empty topic of its own. The suite closes what it
// opens.
type Topic struct {
	Producer func(t *testing.T) stream.Producer
	Consumer func(t *testing.T, group string) stream.Consumer
}

// Run checks a driver; make makes a new topic for each case.
func Run(t *testing.T, make func(t *testing.T) Topic) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, topic Topic)
	}{
		{"records come as they were sent", kept},
		{"equal keys keep their order", ordered},
		{"a group goes on where it committed", committed},
		{"groups are independent", groups},
		{"what is sent later is fetched", later},
		{"nothing is sent by nothing", nothing},
		{"buffers are the caller's again", buffers},
		{"a context that ended stops both ends", ended},
		{"closed ends refuse", closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, make(t))
		})
	}
}

// patience bounds what waits for a broker; it is not what is measured.
const patience = time.Minute

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (topic Topic) send(t *testing.T, records ...stream.Record) {
	t.Helper()
	p := topic.Producer(t)
	if err := p.Send(within(t), records); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// fetch reads n messages.
func fetch(t *testing.T, c stream.Consumer, n int) []stream.Message {
	t.Helper()
	ctx := within(t)
	messages := make([]stream.Message, n)
	for i := range messages {
		m, err := c.Fetch(ctx)
		if err != nil {
			t.Fatalf("message %d of %d: %v", i, n, err)
		}
		messages[i] = m
	}
	return messages
}

func done(t *testing.T, end interface{ Close() error }) {
	t.Helper()
	if err := end.Close(); err != nil {
		t.Error(err)
	}
}

func kept(t *testing.T, topic Topic) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_000_000, time.UTC)
	want := map[string]stream.Record{
		"plain":     {Value: []byte("x"), Time: at},
		"tombstone": {Time: at},
		"headers":   {Value: []byte("y"), Time: at, Headers: []stream.Header{{Key: "b", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "b", Value: []byte{0, 255}}}},
		"bytes":     {Value: []byte{0, 1, 254, 255, '\n'}, Time: at},
		"größe 🍰":   {Value: []byte("ü"), Time: at},
	}
	var sent []stream.Record
	for key, r := range want {
		r.Key = []byte(key)
		want[key] = r
		sent = append(sent, r)
	}
	topic.send(t, sent...)
	c := topic.Consumer(t, "g")
	defer done(t, c)
	got := map[string]stream.Record{}
	for _, m := range fetch(t, c, len(sent)) {
		m.Time = m.Time.UTC()
		got[string(m.Key)] = m.Record
	}
	if diff := cmp.Diff(want, got); diff != "" { // cmp tells nil from empty
		t.Error(diff)
	}
}

func ordered(t *testing.T, topic Topic) {
	const keys, each = 17, 100
	p := topic.Producer(t)
	defer done(t, p)
	for i := range each {
		var records []stream.Record
		for k := range keys {
			records = append(records, numbered(k, 2*i), numbered(k, 2*i+1))
		}
		if err := p.Send(within(t), records); err != nil {
			t.Fatal(err)
		}
	}
	c := topic.Consumer(t, "g")
	defer done(t, c)
	next := map[string]int{}
	for _, m := range fetch(t, c, keys*each*2) {
		if want := fmt.Sprint(next[string(m.Key)]); string(m.Value) != want {
			t.Fatalf("key %s: value %s, want %s", m.Key, m.Value, want)
		}
		next[string(m.Key)]++
	}
}

func numbered(key, value int) stream.Record {
	return stream.Record{Key: fmt.Append(nil, "key-", key), Value: fmt.Append(nil, value)}
}

func committed(t *testing.T, topic Topic) {
	var sent []stream.Record
	for i := range 20 {
		sent = append(sent, numbered(0, i)) // one key: one partition
	}
	topic.send(t, sent...)
	first := topic.Consumer(t, "g")
	read := fetch(t, first, 12)
	if err := first.Commit(within(t), read[3], read[7]); err != nil {
		t.Fatal(err)
	}
	done(t, first)
	second := topic.Consumer(t, "g")
	defer done(t, second)
	got := fetch(t, second, 12)
	if string(got[0].Value) != "8" || string(got[11].Value) != "19" {
		t.Errorf("after a commit of 7: %s to %s, want 8 to 19", got[0].Value, got[11].Value)
	}
	if err := second.Commit(within(t)); err != nil {
		t.Errorf("commit of nothing: %v", err)
	}
}

func groups(t *testing.T, topic Topic) {
	topic.send(t, numbered(0, 0), numbered(0, 1))
	for _, group := range []string{"a", "b"} {
		c := topic.Consumer(t, group)
		got := fetch(t, c, 2)
		if err := c.Commit(within(t), got...); err != nil {
			t.Fatal(err)
		}
		done(t, c)
	}
}

func later(t *testing.T, topic Topic) {
	c := topic.Consumer(t, "g")
	defer done(t, c)
	p := topic.Producer(t)
	sent := make(chan error, 1)
	go func() {
		err := p.Send(t.Context(), []stream.Record{numbered(0, 0)})
		sent <- errors.Join(err, p.Close())
	}()
	if got := fetch(t, c, 1); string(got[0].Value) != "0" {
		t.Errorf("fetched %s", got[0].Value)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func nothing(t *testing.T, topic Topic) {
	p := topic.Producer(t)
	defer done(t, p)
	if err := p.Send(within(t), nil); err != nil {
		t.Error(err)
	}
}

func buffers(t *testing.T, topic Topic) {
	r := stream.Record{Key: []byte("key"), Value: []byte("value"), Headers: []stream.Header{{Key: "h", Value: []byte("header")}}}
	p := topic.Producer(t)
	defer done(t, p)
	if err := p.Send(within(t), []stream.Record{r}); err != nil {
		t.Fatal(err)
	}
	clear(r.Key)
	clear(r.Value)
	clear(r.Headers[0].Value)
	c := topic.Consumer(t, "g")
	defer done(t, c)
	m := fetch(t, c, 1)[0]
	if string(m.Key) != "key" || string(m.Value) != "value" || string(m.Headers[0].Value) != "header" {
		t.Errorf("fetched %q %q %q", m.Key, m.Value, m.Headers)
	}
}

func ended(t *testing.T, topic Topic) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, c := topic.Producer(t), topic.Consumer(t, "g")
	defer done(t, p)
	defer done(t, c)
	if err := p.Send(ctx, []stream.Record{numbered(0, 0)}); !errors.Is(err, context.Canceled) {
		t.Errorf("send: %v", err)
	}
	if _, err := c.Fetch(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("fetch: %v", err)
	}
}

func closed(t *testing.T, topic Topic) {
	p, c := topic.Producer(t), topic.Consumer(t, "g")
	for range 2 {
		done(t, p)
		done(t, c)
	}
	if err := p.Send(within(t), []stream.Record{numbered(0, 0)}); err == nil {
		t.Error("a closed producer sends")
	}
	if _, err := c.Fetch(within(t)); err == nil {
		t.Error("a closed consumer fetches")
	}
}
