package hdfs_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/hdfs"
	"github.com/feedmill/feedmill/internal/storage/storagetest"
)

// dial returns the store at a folder of a cluster.
func dial(t *testing.T, cluster *services.HDFS, folder string) *hdfs.Store {
	t.Helper()
	client, err := hdfs.Dial(cluster.Address, hdfs.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := client.Store("hdfs://" + cluster.Address + "/" + folder)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStore(t *testing.T) {
	cluster := services.Run(t, services.StartHDFS)
	client, err := hdfs.Dial(cluster.Address, hdfs.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var number atomic.Int64
	storagetest.Run(t, func(t *testing.T) storage.Store {
		store, err := client.Store(fmt.Sprintf("hdfs://%s/suite/%d", cluster.Address, number.Add(1)))
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}
