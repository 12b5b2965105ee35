package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/hdfs"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/storage/s3"
)

// A remote is a service that warehouses are kept on.
type remote struct {
	base     string   // URL below which they are
	settings string   // lines of a workspace
	env      []string // of feedmill
	open     func(t *testing.T, url string) storage.Store
	lengths  map[string]time.Duration // of stages that nothing befell
	shops    int                      // so many were made
	kills    int                      // so often a stage is killed
	begun    int                      // so many objects does a writer leave that has not ended
	servers  map[string]*services.Process
	recover  func(t *testing.T)                // waits until all servers are at work again
	fill     func(t *testing.T, shops []*shop) // makes writes of theirs fail
	empty    func(t *testing.T, shops []*shop) // ends that
}

// What befalls runs whose warehouse is on a store, on one service each.
var storeTests = map[string]func(*testing.T, *remote, *victim){
	"feedmill killed": killRuns, "server killed": killServers, "full": fillStore, "price watch": watchPrices,
}

func TestStoreS3(t *testing.T) {
	if testing.Short() {
		t.Skip("kills of runs and servers: not with -short")
	}
	runOn(t, remoteS3(t, services.Run(t, services.StartS3)))
}

func TestStoreHDFS(t *testing.T) {
	if testing.Short() {
		t.Skip("kills of runs and servers: not with -short")
	}
	runOn(t, remoteHDFS(t, services.Run(t, services.StartHDFS)))
}

func runOn(t *testing.T, r *remote) {
	t.Helper()
	v := newVictim(t, 1500)
	for name, test := range storeTests {
		t.Run(name, func(t *testing.T) { test(t, r, v) })
	}
}

func remoteS3(t *testing.T, server *services.S3) *remote {
	client, err := s3.Dial(t.Context(), s3.Settings{
		Region: server.Region, Endpoint: server.Endpoint(), PathStyle: true, AccessKey: server.AccessKey, SecretKey: server.SecretKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	limit := func(bytes int64) func(*testing.T, []*shop) {
		return func(t *testing.T, _ []*shop) {
			if err := server.LimitFiles(bytes); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &remote{
		lengths: map[string]time.Duration{},
		base:    "s3://" + server.Bucket, env: []string{"SHOP_SECRET=" + server.SecretKey},
		settings: "\ns3: {region: us-east-1, path_style: true, endpoint: \"" + server.Endpoint() +
			"\", access_key: " + server.AccessKey + ", secret_key: \"${SHOP_SECRET}\"}\n",
		open: func(t *testing.T, url string) storage.Store {
			store, err := client.Store(url)
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
		servers: map[string]*services.Process{"gateway": server.Process}, recover: func(*testing.T) {},
		fill: limit(40_000), empty: limit(0), begun: 1, kills: 3,
	}
}

func remoteHDFS(t *testing.T, cluster *services.HDFS) *remote {
	// Of what is published: the run fails in its middle.
	admin := func(args ...string) func(*testing.T, []*shop) {
		return func(t *testing.T, shops []*shop) {
			for _, s := range shops {
				_, folder, err := hdfs.Authority(s.url)
				if err != nil {
					t.Fatal(err)
				}
				args = append(args, folder+"/snapshots", folder+"/feeds")
			}
			if err := cluster.Tool(t.Context(), services.DFSAdmin, args...); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &remote{
		lengths: map[string]time.Duration{},
		base:    "hdfs://" + cluster.Address + "/shops", open: openCluster,
		servers: map[string]*services.Process{"NameNode": cluster.NameNode, "DataNode": cluster.DataNodes[0]},
		recover: func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := cluster.WaitReady(ctx, len(cluster.DataNodes)); err != nil {
				t.Fatal(err)
			}
		},
		fill: admin("-setSpaceQuota", "1m"), empty: admin("-clrSpaceQuota"), kills: 2,
	}
}

// shop returns the sample workspace with a copy of one of the victim's warehouses,
// in a folder of its own.
func (r *remote) shop(t *testing.T, v *victim, begin string) *shop {
	t.Helper()
	r.shops++
	url := r.base + "/shop" + strconv.Itoa(r.shops)
	s := newShop(t, url, filepath.Join(v.dir, "data"), r.settings, r.env...)
	s.warehouse = r.open(t, url)
	copyObjects(t, local.New(filepath.Join(v.dir, begin)), s.warehouse)
	return s
}

func copyObjects(t *testing.T, from, to storage.Store) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(8)
	for info, err := range from.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() error {
			data, err := storage.ReadAll(ctx, from, info.Name)
			if err != nil {
				return err
			}
			return storage.WriteAll(ctx, to, info.Name, storage.Replace, data)
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// command is a feedmill whose words go to a buffer.
func (s *shop) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	var said bytes.Buffer
	cmd := exec.Command(s.binary, append([]string{"-c", s.config, "--log-format", "json"}, args...)...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = &said, &said
	return cmd, &said
}

// shown is what the shop's warehouse shows.
func (s *shop) shown() published {
	s.t.Helper()
	current, err := manifest.Current(s.t.Context(), s.warehouse, "snapshots")
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := manifest.Read(s.t.Context(), s.warehouse, "snapshots", current.Run)
	if err != nil {
		s.t.Fatal(err)
	}
	out := published{}
	for _, o := range m.Objects {
		data, err := storage.ReadAll(s.t.Context(), s.warehouse, o.Name)
		if err != nil {
			s.t.Fatal(err)
		}
		out["snapshot/"+path.Base(o.Name)] = string(data)
	}
	for _, feed := range killFeeds {
		s.export(feed, out)
	}
	return out
}

// export adds the files of a feed.
func (s *shop) export(feed string, out published) {
	s.t.Helper()
	dir := s.t.TempDir()
	s.must("export", feed, "-o", filepath.Join(dir, "feed.xml"))
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		s.t.Fatalf("feed %s has %d files: %v", feed, len(files), err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		out["feed/"+feed+"/"+f.Name()] = string(data)
	}
}

// check fails unless the shop shows, in each kind, the whole of one of the states.
func (s *shop) check(when string, states ...published) {
	s.t.Helper()
	got := s.shown()
	for _, kind := range []string{"snapshot/", "feed/"} {
		if !slices.ContainsFunc(states, func(want published) bool { return got.equal(want, kind) }) {
			s.t.Errorf("%s, what is published under %s is none of the %d states it may be", when, kind, len(states))
		}
	}
}

// finish runs the stages as if nothing had happened, and gc two days later: what is
// published is that of day 1, and nothing is left of what failed.
func (s *shop) finish(v *victim, when string) {
	s.t.Helper()
	s.must("aggregate")
	s.must("generate")
	var out, errs bytes.Buffer
	a := newApp(strings.NewReader(""), &out, &errs, s.lookup)
	a.now = func() time.Time { return time.Now().Add(48 * time.Hour) }
	if code := run(s.t.Context(), a, []string{"-c", s.config, "gc"}); code != exitDone {
		s.t.Errorf("gc: exit %d: %s", code, &errs)
	}
	for left, err := range storage.Leftovers(s.t.Context(), s.warehouse, "") {
		s.t.Errorf("gc after %s: %s is left unfinished (%v)", when, left.Name, err)
	}
	for info, err := range s.warehouse.List(s.t.Context(), storage.Scratch) {
		s.t.Errorf("gc after %s: %s is left (%v)", when, info.Name, err)
	}
	s.check("after the run and gc after "+when, v.after)
}

func (s *shop) lookup(name string) (string, bool) {
	for _, variable := range s.env {
		if key, value, _ := strings.Cut(variable, "="); key == name {
			return value, true
		}
	}
	return os.LookupEnv(name)
}

// failed reports whether a command ended otherwise than well. Nothing but its exit
// code may say so.
func failed(t *testing.T, err error) bool {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return err != nil
}
