package main

import (
	"path/filepath"
	"testing"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/hdfs"
	"github.com/feedmill/feedmill/internal/storage/local"
)

// The sample workspace on HDFS, sources and warehouse, makes the bytes that it makes
// on local disks, and serves them; so does one whose aggregates are on HDFS and whose
// feeds are on local disks.
func TestWorkspaceOnHDFS(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole workspace, three times: not with -short")
	}
	cluster := services.Run(t, services.StartHDFS)
	dir, base := t.TempDir(), "hdfs://"+cluster.Address
	here := newShop(t, filepath.Join(dir, "warehouse"), filepath.Join(dir, "data"), "")
	here.warehouse = local.New(filepath.Join(dir, "warehouse"))
	there := newShop(t, base+"/shop/warehouse", base+"/shop/data", "")
	there.warehouse = openCluster(t, base+"/shop/warehouse")
	mixed := newShop(t, base+"/mixed/warehouse", base+"/mixed/data", "stores: {feeds: "+filepath.Join(dir, "feeds")+"}\n")
	mixed.warehouse = storage.Routed(openCluster(t, base+"/mixed/warehouse"), map[string]storage.Store{"feeds": local.New(filepath.Join(dir, "feeds"))})
	for _, day := range []string{"1", "2"} {
		here.day(day)
		want, feeds := here.artefacts(), here.feeds()
		for _, s := range []*shop{there, mixed} {
			s.day(day)
			compareBytes(t, "day "+day, want, s.artefacts())
			compareBytes(t, "day "+day, feeds, s.feeds())
		}
	}
	there.must("gc")
	there.checkServes()
}

func openCluster(t *testing.T, url string) storage.Store {
	t.Helper()
	authority, _, err := hdfs.Authority(url)
	if err != nil {
		t.Fatal(err)
	}
	client, err := hdfs.Dial(authority, hdfs.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := client.Store(url)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
