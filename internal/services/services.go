// Package services runs the real services that tests need, as ordinary
// processes on loopback in temporary folders: S3, and what stands beside it. It
// is for tests and for `make services`.
//
// Its promise: a process started here does not outlive the one that started it,
// however that one ends, and answers when its start has returned.
//
// A service is a type with a function Start<Name>(ctx, dir) that writes what it
// keeps below dir, and with the methods of Service. A test has one by
//
//	gateway := services.Run(t, services.StartS3)
//
// What they are made of is fetched once, to the user's cache folder and Maven's
// repository: versitygw by `go install`, Java services by mvn.
package services

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// ErrMissing is in the error of a service that this machine cannot run, because
// Java, Maven or what they would fetch is not to be had.
var ErrMissing = errors.New("the machine lacks what the service needs")

// A Service is what runs: one process or several.
type Service interface {
	Stop() error // ends it and waits; a second Stop does nothing
	Log() string // the last of what its processes said
}

// startTimeout bounds a start, with fetching.
const startTimeout = 8 * time.Minute

// Run starts a service in a temporary folder and stops it when the test is over,
// showing its log if the test failed. Where the machine cannot run the service,
// the test is skipped with the reason; under CI=true it fails.
func Run[S Service](t testing.TB, start func(ctx context.Context, dir string) (S, error)) S {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	service, err := start(ctx, t.TempDir())
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the service said:\n%s", service.Log())
		}
	})
	return service
}

// cacheFolder returns a folder for what is fetched or found out once.
func cacheFolder(name string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "feedmill-services", name)
	return dir, os.MkdirAll(dir, 0o777)
}
