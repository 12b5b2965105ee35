package services

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// A Proxy stands between a client and a service and does what networks do. What
// it is told holds for the connections that are open, too, until Heal.
type Proxy struct {
	Address string // host:port, which clients use
	proxy   *toxiproxy.Proxy
}

// NewProxy starts a proxy of the service at an address. The test stops it.
func NewProxy(t testing.TB, upstream string) *Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		t.Fatalf("start a proxy of %s: %v", upstream, err)
	}
	t.Cleanup(p.Stop)
	return &Proxy{Address: p.Listen, proxy: p}
}

// Delay holds back every answer.
func (p *Proxy) Delay(by time.Duration) {
	p.add("downstream", "latency", map[string]any{"latency": by.Milliseconds()})
}

// CutAnswers ends every connection after so many bytes of answers.
func (p *Proxy) CutAnswers(after int64) {
	p.add("downstream", "limit_data", map[string]any{"bytes": after})
}

// CutRequests ends every connection after so many bytes of requests.
func (p *Proxy) CutRequests(after int64) {
	p.add("upstream", "limit_data", map[string]any{"bytes": after})
}

// Swallow takes whatever is sent, in both directions, and delivers nothing.
func (p *Proxy) Swallow() {
	p.add("upstream", "timeout", map[string]any{"timeout": 0})
	p.add("downstream", "timeout", map[string]any{"timeout": 0})
}

// Heal ends all faults. Connections that a fault has hurt stay cut.
func (p *Proxy) Heal() { p.proxy.Toxics.ResetToxics(context.Background()) }

// add panics on a toxic that the library refuses: it is written in this file.
func (p *Proxy) add(stream, kind string, attributes map[string]any) {
	toxic, err := json.Marshal(map[string]any{"name": stream + "-" + kind, "type": kind, "stream": stream, "attributes": attributes})
	if err == nil {
		_, err = p.proxy.Toxics.AddToxicJson(bytes.NewReader(toxic))
	}
	if err != nil {
		panic(fmt.Sprintf("toxic %s: %v", toxic, err))
	}
}
