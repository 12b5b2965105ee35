// Package serve is the file server from which partners fetch feeds.
//
// Its promise: a body is the whole document of one run, or visibly cut off; what
// did not change keeps its bytes, ETag and Last-Modified from run to run.
//
// A request is answered from the catalog that was current when it came, and is
// finished on it however often current moves meanwhile: gc leaves the objects
// alone for as long as its grace time. Segments are checked as they are sent. One
// that is damaged ends the connection before the announced length, so that no
// robot takes the part for the whole.
//
// Ranges, conditions and HEAD are net/http's (http.ServeContent), over a document
// that can be read from any place; of Range it sees what counts. A broken download is
// gone on with by ETag alone: a feed may have other bytes of the same time.
package serve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// Options are what the server needs.
type Options struct {
	Store     storage.Store // the warehouse
	Serve     workspace.Serve
	Log       *slog.Logger     // of accesses and errors
	Now       func() time.Time // nil: time.Now
	Downloads int              // at once; more are told to come again. 0: DefaultDownloads
	Memory    int64            // for reading ahead and for what is remembered of feeds; 0: DefaultMemory
	Stall     time.Duration    // a client that takes nothing for so long is left; 0: DefaultStall
	Grace     time.Duration    // what downloads have to finish when the server stops; 0: DefaultGrace

	// Reads counts what was asked of a distant store, and its bytes, for the metrics;
	// nil: the store is not distant.
	Reads func() (reads, bytes int64)
}

// Defaults of Options.
const (
	DefaultDownloads = 256
	DefaultMemory    = 512 << 20
	DefaultStall     = time.Minute
	DefaultGrace     = 30 * time.Second
)

// A Server answers requests for feeds.
type Server struct {
	o            Options
	access       access
	shelf        *shelf
	metrics      *metrics
	limiter      chan struct{}     // holds a token for each download
	certificates []tls.Certificate // none: plain HTTP
	handlers     http.Handler
}

// New returns the server of a warehouse.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Downloads = cmp.Or(o.Downloads, DefaultDownloads)
	o.Memory = cmp.Or(o.Memory, DefaultMemory)
	o.Stall, o.Grace = cmp.Or(o.Stall, DefaultStall), cmp.Or(o.Grace, DefaultGrace)
	shelf, err := newShelf(o.Store, o.Memory/4, o.Now, o.Log)
	if err != nil {
		return nil, err
	}
	var certificates []tls.Certificate
	if t := o.Serve.TLS; t != nil {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("serve.tls: %w", err)
		}
		certificates = []tls.Certificate{pair}
	}
	s := &Server{o: o, certificates: certificates, access: newAccess(o.Serve), shelf: shelf, metrics: newMetrics(shelf, o.Reads), limiter: make(chan struct{}, o.Downloads)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /feeds/{file}", s.feed)
	mux.HandleFunc("GET /{$}", s.status)
	mux.HandleFunc("GET /healthz", s.health)
	mux.Handle("GET /metrics", s.metrics.handler())
	s.handlers = s.observed(mux)
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handlers.ServeHTTP(w, r) }

// Run answers on a listener until the context ends, and then lets downloads
// finish within the grace time.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelWarn), Protocols: protocols(),
	}
	ended := make(chan error, 1)
	go func() { ended <- s.listen(server, patient{listener, s.o.Stall}) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	return s.stop(server)
}

// protocols are HTTP/1 alone. With HTTP/2 a client may take nothing of a download and
// go on with the connection, where a conn does not see it.
func protocols() *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(true)
	return &p
}

func (s *Server) listen(server *http.Server, listener net.Listener) error {
	var err error
	if len(s.certificates) > 0 {
		server.TLSConfig = &tls.Config{Certificates: s.certificates}
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
}

func (s *Server) stop(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.o.Grace)
	defer cancel()
	err := server.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if n := len(s.limiter); n > 0 { // or connections on which nothing was asked
		s.o.Log.Warn("downloads were cut off", "after", s.o.Grace.String(), "downloads", n)
	}
	return server.Close()
}

// health says whether the published feeds can be read.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if err := s.shelf.health(r.Context()); err != nil {
		s.o.Log.Error("the published feeds cannot be read", "error", err)
		http.Error(w, "the published feeds cannot be read", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}
