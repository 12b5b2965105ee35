package hdfs_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/hdfs"
)

// A network is a store that reaches the NameNode of a cluster through a proxy, and
// one that reaches it directly. The DataNodes are reached directly by both.
type network struct {
	proxy   *services.Proxy
	through *hdfs.Store
	direct  *hdfs.Store
}

func newNetwork(t *testing.T, cluster *services.HDFS, stall time.Duration) *network {
	t.Helper()
	n := &network{proxy: services.NewProxy(t, cluster.Address)}
	n.through = reach(t, n.proxy.Address, t.Name(), stall)
	n.direct = reach(t, cluster.Address, t.Name(), 0)
	return n
}

// reach returns the store at a folder of the cluster whose NameNode answers at an
// address.
func reach(t *testing.T, address, folder string, stall time.Duration) *hdfs.Store {
	t.Helper()
	client, err := hdfs.Dial(address, hdfs.Settings{Stall: stall})
	if err != nil {
		t.Fatal(err)
	}
	store, err := client.Store("hdfs://" + address + "/" + folder)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// The sizes are one block and several.
var sizes = map[string]int{"small": 100 << 10, "large": large}

// What networks do between us and the NameNode, on one cluster.
func TestNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("a cluster behind a bad network: not with -short")
	}
	cluster := services.Run(t, services.StartHDFS)
	for name, test := range map[string]func(*testing.T, *services.HDFS){
		"slow": slowNetwork, "cut": cutWrite, "left": leftBlackHole, "ends": endedBlackHole, "lost": lostAnswers, "removed": removedBeforeRename, "two": twoNameNodes,
	} {
		t.Run(name, func(t *testing.T) { test(t, cluster) })
	}
}

func slowNetwork(t *testing.T, cluster *services.HDFS) {
	n := newNetwork(t, cluster, 0)
	n.proxy.Delay(50 * time.Millisecond)
	for name, size := range sizes {
		for seed, mode := range []storage.Mode{storage.Exclusive, storage.Replace} {
			put(t, n.through, name, mode, noise(byte(seed), size))
			checkWhole(t, n.through, name, noise(byte(seed), size))
		}
	}
	var listed []string
	for info, err := range n.through.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, info.Name)
	}
	if diff := cmp.Diff([]string{"large", "small"}, listed); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	checkNothingLeft(t, n.direct)
}

func checkNothingLeft(t *testing.T, store storage.Store) {
	t.Helper()
	for left, err := range storage.Leftovers(t.Context(), store, "") {
		t.Errorf("left: %s (%v)", left.Name, err)
	}
}

// Connections are cut in the middle of a write for a while: readers see the old
// object until the new one is complete.
func cutWrite(t *testing.T, cluster *services.HDFS) {
	n := newNetwork(t, cluster, 0)
	for name, size := range sizes {
		put(t, n.direct, name, storage.Replace, noise(1, size))
		n.proxy.CutRequests(700) // a handshake and some of the calls of a write
		heal := time.AfterFunc(700*time.Millisecond, n.proxy.Heal)
		begin := time.Now()
		put(t, n.through, name, storage.Replace, noise(2, size))
		if took := time.Since(begin); took < 700*time.Millisecond {
			t.Errorf("%s was written in %s: nothing was cut", name, took)
		}
		heal.Stop()
		checkWhole(t, n.direct, name, noise(2, size))
	}
	checkNothingLeft(t, n.direct)
}

// Nothing arrives and nothing comes back: a caller that gives up is obeyed soon,
// and what it began can be done again.
func leftBlackHole(t *testing.T, cluster *services.HDFS) {
	for what, do := range map[string]func(context.Context, storage.Store) error{
		"open": func(ctx context.Context, s storage.Store) error { _, err := storage.ReadAll(ctx, s, "x"); return err },
		"list": func(ctx context.Context, s storage.Store) error { return last(s.List(ctx, "")) },
		"leftovers": func(ctx context.Context, s storage.Store) error {
			return last(storage.Leftovers(ctx, s, ""))
		},
		"replace": func(ctx context.Context, s storage.Store) error {
			return storage.WriteAll(ctx, s, "x", storage.Replace, noise(2, 1<<20))
		},
		"claim": func(ctx context.Context, s storage.Store) error {
			return storage.WriteAll(ctx, s, "y", storage.Exclusive, noise(2, 1<<20))
		},
		"remove": func(ctx context.Context, s storage.Store) error { return s.Remove(ctx, "x") },
	} {
		t.Run(what, func(t *testing.T) {
			n := newNetwork(t, cluster, 0)
			put(t, n.through, "x", storage.Replace, noise(1, 2<<20)) // it has a connection now
			n.proxy.Swallow()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(200*time.Millisecond, cancel)
			begin := time.Now()
			err := do(ctx, n.through)
			if took := time.Since(begin); !errors.Is(err, context.Canceled) || took > 2*time.Second {
				t.Errorf("%v after %v", err, took)
			}
			n.proxy.Heal()
			checkWhole(t, n.direct, "x", noise(1, 2<<20))
			if err := do(t.Context(), n.through); err != nil {
				t.Errorf("again: %v", err)
			}
			checkNothingLeft(t, n.direct)
		})
	}
}

// last returns the error at which a listing ends.
func last[T any](seq func(func(T, error) bool)) (err error) {
	for _, err = range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

// A connection that says nothing is given up after the stall time, and dialled
// anew.
func endedBlackHole(t *testing.T, cluster *services.HDFS) {
	n := newNetwork(t, cluster, 300*time.Millisecond)
	put(t, n.through, "x", storage.Replace, noise(1, 1<<20))
	n.proxy.Swallow()
	time.AfterFunc(500*time.Millisecond, n.proxy.Heal)
	begin := time.Now()
	put(t, n.through, "x", storage.Replace, noise(2, 1<<20))
	if took := time.Since(begin); took < 500*time.Millisecond || took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	checkWhole(t, n.through, "x", noise(2, 1<<20))
	checkNothingLeft(t, n.direct)
}

// renaming is the call by which an object gets its name.
const renaming = "rename2"

// The answer of the renaming is lost after it was carried out: the writer learns
// that it has won. One that has lost learns that.
func lostAnswers(t *testing.T, cluster *services.HDFS) {
	link := newLink(t, cluster.Address)
	through, direct := reach(t, link.address, "lost", 0), reach(t, cluster.Address, "lost", 0)
	for name, c := range map[string]struct {
		mode      storage.Mode
		meanwhile storage.Mode // how another writer takes the name; -1: none does
		want      error
		holds     byte
	}{
		"free":                    {storage.Exclusive, -1, nil, 2},
		"taken":                   {storage.Exclusive, storage.Exclusive, fs.ErrExist, 1},
		"taken by a replacement":  {storage.Exclusive, storage.Replace, fs.ErrExist, 1},
		"replaced":                {storage.Replace, storage.Replace, nil, 2},
		"replaced within a claim": {storage.Replace, storage.Exclusive, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := through.Create(t.Context(), name, c.mode)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(noise(2, 1000)); err != nil {
				t.Fatal(err)
			}
			if c.meanwhile >= 0 {
				put(t, direct, name, c.meanwhile, noise(1, 1000))
			}
			link.loseAnswer(renaming)
			if err := w.Commit(); !errors.Is(err, c.want) {
				t.Errorf("Commit: %v, want %v", err, c.want)
			}
			if link.armed() {
				t.Error("no answer was lost")
			}
			checkWhole(t, direct, name, noise(c.holds, 1000))
		})
	}
	checkNothingLeft(t, direct)
}

// What was put together is gone before it is renamed, by a removal that came late:
// no writer takes what is there for its own.
func removedBeforeRename(t *testing.T, cluster *services.HDFS) {
	link := newLink(t, cluster.Address)
	through, direct := reach(t, link.address, "removed", 0), reach(t, cluster.Address, "removed", 0)
	remove := func() {
		for left, err := range direct.Leftovers(context.Background(), "") {
			if err := errors.Join(err, left.Discard(context.Background())); err != nil {
				t.Error(err)
			}
		}
	}
	put(t, direct, "x", storage.Replace, noise(1, 1000))
	link.before(renaming, remove)
	put(t, through, "x", storage.Replace, noise(2, 1000))
	checkWhole(t, direct, "x", noise(2, 1000))
	link.before(renaming, remove)
	if err := storage.WriteAll(t.Context(), through, "y", storage.Exclusive, noise(2, 1000)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a claim whose object is gone: %v", err)
	}
	link.before(renaming, func() { remove(); put(t, direct, "z", storage.Exclusive, noise(1, 1000)) })
	if err := storage.WriteAll(t.Context(), through, "z", storage.Exclusive, noise(2, 1000)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a claim whose object is gone, of a name that is taken: %v", err)
	}
	checkWhole(t, direct, "z", noise(1, 1000))
	var listed []string
	for info, err := range direct.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, info.Name)
	}
	if !slices.Equal(listed, []string{"x", "z"}) || link.armed() {
		t.Errorf("listed: %v; still armed: %v", listed, link.armed())
	}
}

// Of two NameNodes the first is not there: the other is asked, whether both stand in
// the URL or in the configuration of Hadoop.
func twoNameNodes(t *testing.T, cluster *services.HDFS) {
	port, err := services.Port()
	if err != nil {
		t.Fatal(err)
	}
	gone, conf := services.Loopback(port), t.TempDir()
	site := fmt.Sprintf(`<configuration>
<property><name>dfs.nameservices</name><value>shop</value></property>
<property><name>dfs.ha.namenodes.shop</name><value>a,b</value></property>
<property><name>dfs.namenode.rpc-address.shop.a</name><value>%s</value></property>
<property><name>dfs.namenode.rpc-address.shop.b</name><value>%s</value></property>
</configuration>`, gone, cluster.Address)
	if err := os.WriteFile(filepath.Join(conf, "hdfs-site.xml"), []byte(site), 0o666); err != nil {
		t.Fatal(err)
	}
	for authority, settings := range map[string]hdfs.Settings{gone + "," + cluster.Address: {}, "shop": {Conf: conf}} {
		client, err := hdfs.Dial(authority, settings)
		if err != nil {
			t.Fatal(err)
		}
		store, err := client.Store("hdfs://" + authority + "/two")
		if err != nil {
			t.Fatal(err)
		}
		if err := storage.WriteAll(t.Context(), store, "x", storage.Replace, []byte("x")); err != nil {
			t.Errorf("%s: %v", authority, err)
		}
		if got, err := storage.ReadAll(t.Context(), store, "x"); err != nil || string(got) != "x" {
			t.Errorf("%s: %q, %v", authority, got, err)
		}
	}
}
