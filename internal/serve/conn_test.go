package serve

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/workspace"
)

// A client that takes little at a time is not left, however often the stall time
// goes by, until it takes nothing more. Over TLS it is the same.
func TestSlowClient(t *testing.T) {
	const stall = 400 * time.Millisecond
	m := newMarket(t)
	doc := m.feed("shop", false, items(450_000, 3))[0]
	m.publish()
	for _, c := range []struct {
		name string
		tls  *workspace.TLS
	}{{"plain", nil}, {"encrypted", certificate(t)}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := m.serve(func(o *Options) { o.Stall, o.Serve.TLS, o.Downloads = stall, c.tls, 1 })
			conn := client.dial(c.tls != nil)
			_, err := fmt.Fprint(conn, "GET /feeds/shop.xml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			m.must(err)
			var got strings.Builder
			ticks := time.NewTicker(stall / 40)
			defer ticks.Stop()
			for range 5 * 40 {
				<-ticks.C
				if _, err := io.CopyN(&got, conn, 2<<10); err != nil {
					t.Fatalf("after %d bytes: %v", got.Len(), err)
				}
			}
			if _, body, _ := strings.Cut(got.String(), "\r\n\r\n"); !strings.HasPrefix(doc, body) {
				t.Errorf("%d bytes that are not of the feed", len(body))
			}
			if len(client.server.limiter) != 1 {
				t.Error("it was left while it took something")
			}
			client.server.limiter <- struct{}{} // waits for the server to give up
		})
	}
}

// dial connects to the server, which is run for it, with little room for what is not
// read yet.
func (c *client) dial(encrypted bool) net.Conn {
	c.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.server.Run(ctx, listener) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close(); stop(); <-ended })
	if err := conn.(*net.TCPConn).SetReadBuffer(16 << 10); err != nil {
		c.t.Fatal(err)
	}
	if !encrypted {
		return conn
	}
	over := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err := over.Handshake(); err != nil || over.ConnectionState().NegotiatedProtocol != "http/1.1" {
		c.t.Fatalf("%q, %v", over.ConnectionState().NegotiatedProtocol, err)
	}
	return over
}

// certificate writes the files of a certificate.
func certificate(t *testing.T) *workspace.TLS {
	t.Helper()
	unstarted := httptest.NewTLSServer(nil)
	unstarted.Close()
	pair := unstarted.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := &workspace.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	for name, block := range map[string]*pem.Block{
		files.Cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		files.Key:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// A deadline from outside holds, and when it is taken back the stall time holds.
func TestConnDeadline(t *testing.T) {
	for _, c := range []struct {
		name  string
		stall time.Duration
		limit time.Time
	}{
		{"outside", time.Hour, time.Now().Add(50 * time.Millisecond)},
		{"outside, over", time.Hour, time.Unix(1, 0)},
		{"none", 50 * time.Millisecond, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			listening, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listening.Close()
			client, err := net.Dial("tcp", listening.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			served, err := patient{listening, c.stall}.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer served.Close()
			if err := served.SetDeadline(c.limit); err != nil {
				t.Fatal(err)
			}
			n, err := served.(io.ReaderFrom).ReadFrom(endless{})
			if !os.IsTimeout(err) {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
