package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/serve"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/cached"
	"github.com/feedmill/feedmill/internal/workspace"
)

const serveText = `
Serve is the file server from which partners fetch the published feeds.

  /feeds/NAME.xml      the feed, also compressed for clients that accept gzip
  /feeds/NAME.xml.gz   the feed as a gzip file
  /feeds/NAME.json     its files with sizes, ETags, and when it changed
  /                    a page for people: what is published, what is held and why
  /metrics             for Prometheus
  /healthz             ok, or 503 when the warehouse cannot be read

It goes on to what is published by itself, within a second; a download that began
before is finished on what it began with. Users and open feeds are those of
"serve" in feedmill.yaml; with users the page is for one who may fetch all feeds.
The first interrupt lets downloads finish, the second ends them.`

type serveOptions struct {
	listen    string
	downloads int
	stall     time.Duration
	grace     time.Duration
}

func (o *serveOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.listen, "listen", "", "`host:port`, instead of the workspace's; port 0 is any")
	flags.IntVar(&o.downloads, "downloads", serve.DefaultDownloads, "downloads at once")
	flags.DurationVar(&o.stall, "stall", serve.DefaultStall, "leave a client that takes nothing for so long")
	flags.DurationVar(&o.grace, "grace", serve.DefaultGrace, "what downloads have to finish at the end")
}

func newServeCommand(a *app) *cobra.Command {
	var opts serveOptions
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Let partners fetch the published feeds",
		Long:    exits(serveText, exitDone, exitError, exitUsage, exitInvalid),
		Example: "  feedmill serve --listen 127.0.0.1:8080",
		Args:    arguments(),
		RunE:    runner(a, &opts, runServe),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

func runServe(ctx context.Context, a *app, opts *serveOptions, _ []string) error {
	if opts.downloads < 1 || opts.stall <= 0 || opts.grace <= 0 {
		return usagef("feedmill serve --downloads 256 --stall 1m --grace 30s", "--downloads, --stall and --grace are more than nothing")
	}
	w, store, err := a.openSettled(workspace.ServeSection)
	if err != nil {
		return err
	}
	store, reads, err := nearby(w, store)
	if err != nil {
		return err
	}
	server, err := serve.New(serve.Options{
		Store: store, Serve: w.Serve, Log: a.log, Now: a.now, Memory: w.Memory / 2, Downloads: opts.downloads, Stall: opts.stall, Grace: opts.grace, Reads: reads,
	})
	if err != nil {
		return err
	}
	address := cmp.Or(opts.listen, w.Serve.Listen)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	a.meter.Close()
	scheme := "http"
	if w.Serve.TLS != nil {
		scheme = "https"
	}
	a.log.Info("serving", "url", scheme+"://"+listener.Addr().String()+"/")
	return server.Run(ctx, listener)
}

// nearby keeps what is read of the parts of a distant store in memory, so that a
// popular feed does not cost requests each time, and counts what is read.
func nearby(w *workspace.Workspace, store storage.Store) (near storage.Store, reads func() (reads, bytes int64), err error) {
	place := cmp.Or(w.Stores["feeds"], w.Warehouse)
	if scheme, _, distant := strings.Cut(place, "://"); !distant || scheme == "file" {
		return store, nil, nil
	}
	cache, err := cached.New(store, w.Memory/4, func(name string) bool { return path.Ext(name) == ".part" })
	if err != nil {
		return nil, nil, err
	}
	return cache, cache.Reads, nil
}
