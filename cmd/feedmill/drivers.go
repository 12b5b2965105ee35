package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/hdfs"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/storage/s3"
	"github.com/feedmill/feedmill/internal/stream"
	"github.com/feedmill/feedmill/internal/stream/kafka"
	"github.com/feedmill/feedmill/internal/workspace"
)

// drivers is the only list of store drivers, by the scheme of their URLs. A
// path without a scheme is a local one. Stores that one opens share connections.
type drivers map[string]func(url string) (storage.Store, error)

// newDrivers makes the drivers with a workspace's settings.
func newDrivers(w *workspace.Workspace) drivers {
	return drivers{
		"":     openLocal,
		"file": openLocal,
		"s3":   openS3(w.S3),
		"hdfs": openHDFS(w.HDFS),
	}
}

// plainDrivers have no settings but those of the environment.
func plainDrivers() drivers { return newDrivers(&workspace.Workspace{}) }

// open opens the store at a path or URL.
func (d drivers) open(url string) (storage.Store, error) {
	scheme, _, _ := strings.Cut(url, "://")
	if scheme == url {
		scheme = ""
	}
	driver, found := d[scheme]
	if !found {
		return nil, fmt.Errorf("open %s: unknown scheme %q: a path, file:///, s3:// or hdfs:// is meant", url, scheme)
	}
	return driver(url)
}

// openS3 reads the settings when the first store is opened.
func openS3(settings workspace.S3) func(string) (storage.Store, error) {
	client := sync.OnceValues(func() (*s3.Client, error) {
		return s3.Dial(context.Background(), s3.Settings{
			Region: settings.Region, Endpoint: settings.Endpoint, PathStyle: settings.PathStyle, Profile: settings.Profile,
			AccessKey: settings.AccessKey, SecretKey: settings.SecretKey,
			Encryption: settings.Encryption, KMSKey: settings.KMSKey, StorageClass: settings.StorageClass,
		})
	})
	return func(url string) (storage.Store, error) {
		c, err := client()
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", url, err)
		}
		store, err := c.Store(url)
		if err != nil {
			return nil, err // not a nil *s3.Store that is a Store
		}
		return store, nil
	}
}

func openLocal(url string) (storage.Store, error) {
	path := strings.TrimPrefix(url, "file://")
	if path != url && !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("open %s: a file URL has an absolute path: file:///%s", url, path)
	}
	return local.New(filepath.FromSlash(path)), nil
}

// openHDFS has one client for each cluster, since each renews leases by itself.
func openHDFS(settings workspace.HDFS) func(string) (storage.Store, error) {
	var mu sync.Mutex
	clients := map[string]*hdfs.Client{}
	return func(url string) (storage.Store, error) {
		authority, _, err := hdfs.Authority(url)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		if clients[authority] == nil {
			s := hdfs.Settings{User: settings.User, Conf: settings.Conf, Kerberos: (*hdfs.Kerberos)(settings.Kerberos)}
			if clients[authority], err = hdfs.Dial(authority, s); err != nil {
				delete(clients, authority)
				return nil, fmt.Errorf("open %s: %w", url, err)
			}
		}
		store, err := clients[authority].Store(url)
		if err != nil {
			return nil, err // not a nil *hdfs.Store that is a Store
		}
		return store, nil
	}
}

// splitFile divides the path or URL of a file.
func splitFile(url string) (folder, name string) {
	i := strings.LastIndexByte(url, '/')
	if i < 0 {
		return ".", url
	}
	return url[:max(i, 1)], url[i+1:]
}

// splitPattern divides a path or URL that may be a pattern: the folder is the
// deepest one whose name is constant.
func splitPattern(url string) (folder, name string) {
	constant := url
	if i := strings.IndexAny(url, "*?[{"); i >= 0 {
		constant = url[:i]
	}
	i := strings.LastIndexByte(constant, '/')
	switch {
	case i < 0:
		return ".", url
	case i == 0 || strings.HasSuffix(constant[:i+1], "://") || strings.HasSuffix(constant[:i], "://"):
		return url[:i+1], url[i+1:]
	}
	return url[:i], url[i+1:]
}

// opener opens the files of a workspace's sources, whose relative paths are
// relative to feedmill.yaml.
func opener(w *workspace.Workspace) source.Opener {
	drivers := newDrivers(w)
	return func(url string) (storage.Store, string, error) {
		folder, name := splitPattern(url)
		store, err := drivers.open(w.Resolve(folder))
		return store, name, err
	}
}

// openWarehouse opens the warehouse of a workspace, with the kinds of artefacts
// that are kept elsewhere.
func openWarehouse(w *workspace.Workspace) (storage.Store, error) {
	drivers := newDrivers(w)
	base, err := drivers.open(w.Resolve(w.Warehouse))
	if err != nil {
		return nil, fmt.Errorf("warehouse: %w", err)
	}
	routes := map[string]storage.Store{}
	for kind, url := range w.Stores {
		if routes[kind], err = drivers.open(w.Resolve(url)); err != nil {
			return nil, fmt.Errorf("store of %s: %w", kind, err)
		}
	}
	return storage.Routed(base, routes), nil
}

// openProducer returns what opens the way to the topic of a workspace, or nil where
// it has none.
func openProducer(w *workspace.Workspace) func(context.Context) (stream.Producer, error) {
	if w.Kafka == nil {
		return nil
	}
	return func(ctx context.Context) (stream.Producer, error) { return kafka.NewProducer(ctx, kafkaConfig(w)) }
}

func kafkaConfig(w *workspace.Workspace) kafka.Config {
	k := w.Kafka
	c := kafka.Config{Brokers: k.Brokers, Topic: k.Topic}
	if k.TLS != nil {
		c.TLS = &kafka.TLS{CA: k.TLS.CA, Cert: k.TLS.Cert, Key: k.TLS.Key, ServerName: k.TLS.ServerName}
	}
	if k.SASL != nil {
		c.SASL = (*kafka.SASL)(k.SASL)
	}
	return c
}
