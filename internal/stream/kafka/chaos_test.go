package kafka_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/stream"
	"github.com/feedmill/feedmill/internal/stream/kafka"
)

// 200,000 records are read back by a reader of kafka-go.
func TestReadBack(t *testing.T) {
	broker := theBroker(t)
	c := topic(t, broker, 6)
	p := producer(t, c)
	sent := newLedger(5_000)
	for range 10 {
		if err := p.Send(t.Context(), sent.records(20_000)); err != nil {
			t.Fatal(err)
		}
	}
	sent.readBack(t, broker.Address, c.Topic, 6)
	if sent.repeats > 0 {
		t.Errorf("%d records are stored twice though nothing failed", sent.repeats)
	}
}

// The broker is killed in mid-send at random moments. In some rounds it comes
// back while the Send waits for it, in the others after the Send gave up.
func TestKilledBroker(t *testing.T) {
	_ = theBroker(t) // the rule of skipping
	broker := services.Run(t, services.StartKafka)
	c := topic(t, broker, 4)
	impatient := c
	impatient.Patience = 500 * time.Millisecond
	hasty, calm := producer(t, impatient), producer(t, c)
	sent := newLedger(2_000)
	const portion = 60_000
	usual := time.Hour
	for range 3 {
		records, began := sent.records(portion), time.Now()
		persist(t, calm, records)
		usual = min(usual, time.Since(began))
	}

	least, most := 4, 20
	if testing.Short() {
		least, most = 2, 20
	}
	partial := 0
	for kills := 0; kills < least || partial == 0; kills++ {
		if kills == most {
			t.Fatalf("none of %d kills hit a send that was partly done", kills)
		}
		p := hasty
		if kills%4 == 1 {
			p = calm
		}
		records := sent.records(portion)
		result := make(chan error, 1)
		go func() { result <- p.Send(t.Context(), records) }()
		time.Sleep(rand.N(usual)) // the random moment
		if err := broker.Kill(); err != nil {
			t.Fatal(err)
		}
		var err error
		if p == hasty {
			err = <-result // the broker is away for as long as this takes
		}
		if err := broker.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p == calm {
			err = <-result
			if err != nil {
				t.Errorf("a send did not survive a restart: %v", err)
			}
		}
		var failed *kafka.SendError
		if errors.As(err, &failed) && failed.Acknowledged > 0 && failed.Acknowledged < failed.Total {
			partial++
		}
		t.Logf("kill %d: %v", kills, err)
		if err != nil {
			persist(t, calm, records)
		}
	}
	sent.readBack(t, broker.Address, c.Topic, 4)
	t.Logf("%d records, %d repeats, %d partial sends", sent.total(), sent.repeats, partial)
}

// A fault is what a network does to connections, in toxiproxy's words.
type fault struct{ stream, kind, attributes string }

// The network between us and the broker is slow, cuts answers and requests, and
// is away for a while.
func TestFaultyNetwork(t *testing.T) {
	broker := theBroker(t)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, t.Name(), broker.Proxy, broker.Fault)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	c := topic(t, broker, 4)
	c.Brokers = []string{broker.Proxy}
	p := producer(t, c)
	sent := newLedger(1_000)
	for _, f := range []fault{
		{},
		{"downstream", "latency", `{"latency": 40, "jitter": 30}`},
		{"downstream", "limit_data", `{"bytes": 700}`},    // answers: acknowledgements are lost
		{"upstream", "limit_data", `{"bytes": 300000}`},   // requests: batches are cut
		{"upstream", "slicer", `{"average_size": 20000}`}, // requests come in pieces
		{"upstream", "bandwidth", `{"rate": 4000}`},       // 4 MB/s
	} {
		t.Run(f.stream+" "+f.kind, func(t *testing.T) {
			if f.kind != "" {
				toxic := `{"name": "f", "type": "` + f.kind + `", "stream": "` + f.stream + `", "attributes": ` + f.attributes + `}`
				if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
					t.Fatal(err)
				}
			}
			for range 20 {
				persist(t, p, sent.records(2_500))
			}
			proxy.Toxics.ResetToxics(t.Context())
		})
	}
	t.Run("away", func(t *testing.T) {
		proxy.Stop()
		back := make(chan error, 1)
		time.AfterFunc(time.Second, func() { back <- proxy.Start() })
		persist(t, p, sent.records(5_000))
		if err := <-back; err != nil {
			t.Error(err)
		}
	})
	sent.readBack(t, broker.Address, c.Topic, 4)
	if sent.repeats == 0 {
		t.Error("no acknowledgement was lost: the proxy was not in the way")
	}
	t.Logf("%d records, %d repeats", sent.total(), sent.repeats)
}

// A consumer outlives the broker's restart.
func TestConsumerAndRestart(t *testing.T) {
	_ = theBroker(t)
	broker := services.Run(t, services.StartKafka)
	c := topic(t, broker, 1)
	p, in := producer(t, c), consumer(t, c, "g")
	for round := range 2 {
		if round > 0 {
			if err := errors.Join(broker.Kill(), broker.Restart(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		want := string(rune('a' + round))
		if err := p.Send(t.Context(), []stream.Record{{Key: []byte("k"), Value: []byte(want)}}); err != nil {
			t.Fatal(err)
		}
		for { // repeats of earlier rounds may come first
			m, err := in.Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := in.Commit(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if string(m.Value) == want {
				break
			}
		}
	}
}

func BenchmarkSend(b *testing.B) {
	broker := theBroker(b)
	c := topic(b, broker, 8)
	p := producer(b, c)
	const n = 100_000
	records := newLedger(n).records(n)
	var bytes int64
	for _, r := range records {
		bytes += int64(len(r.Key) + len(r.Value))
	}
	b.SetBytes(bytes)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Send(context.Background(), records); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
