package hdfs_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/hdfs"
)

// A cluster that wants Kerberos takes a keytab and a credentials cache, and nobody
// without them.
func TestKerberos(t *testing.T) {
	if testing.Short() {
		t.Skip("a cluster with Kerberos: not with -short")
	}
	cluster := services.Run(t, services.StartSecureHDFS)
	kdc := cluster.KDC
	text := bytes.Repeat([]byte("offer "), large/6)
	check := func(t *testing.T, who hdfs.Kerberos) {
		t.Helper()
		store := secured(t, cluster, &who)
		if err := storage.WriteAll(t.Context(), store, "shop/"+t.Name(), storage.Exclusive, text); err != nil {
			t.Fatal(err)
		}
		got, err := storage.ReadAll(t.Context(), store, "shop/"+t.Name())
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes of %d: %v", len(got), len(text), err)
		}
	}
	t.Run("keytab", func(t *testing.T) {
		check(t, hdfs.Kerberos{Principal: kdc.Principal, Keytab: kdc.Keytab, Realm: kdc.Realm, Conf: kdc.Conf, Service: "nn/localhost"})
	})
	t.Run("cache", func(t *testing.T) {
		cache := filepath.Join(t.TempDir(), "cache")
		err := kdc.Credentials(t.Context(), cache)
		if errors.Is(err, services.ErrMissing) && os.Getenv("CI") != "true" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("KRB5CCNAME", "FILE:"+cache)
		check(t, hdfs.Kerberos{Conf: kdc.Conf, Service: "nn/localhost"})
	})
	if _, err := storage.ReadAll(t.Context(), secured(t, cluster, nil), "shop/"+t.Name()+"/keytab"); err == nil || !strings.Contains(err.Error(), "wants Kerberos") {
		t.Errorf("without credentials: %v", err)
	}
}

func secured(t *testing.T, cluster *services.HDFS, who *hdfs.Kerberos) *hdfs.Store {
	t.Helper()
	client, err := hdfs.Dial(cluster.Address, hdfs.Settings{Kerberos: who})
	if err != nil {
		t.Fatal(err)
	}
	store, err := client.Store("hdfs://" + cluster.Address + "/tmp")
	if err != nil {
		t.Fatal(err)
	}
	return store
}
