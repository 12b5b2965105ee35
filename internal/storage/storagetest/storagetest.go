// Package storagetest is the suite that every store passes.
//
// Its promise: what it tests is what the port says, nothing of one driver, so a
// stage that works on one store that passes works on all.
package storagetest

import (
	"context"
	"testing"

	"github.com/feedmill/feedmill/internal/storage"
)

// Run tests the stores that open returns, each of them empty.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	for _, group := range [][]test{reading, writing, listing, racing, cancelling, large} {
		for _, one := range group {
			t.Run(one.name, func(t *testing.T) { one.run(t, suite{open(t)}) })
		}
	}
}

type test struct {
	name string
	run  func(t *testing.T, s suite)
}

// A suite is the store under test, with operations that must succeed.
type suite struct{ storage.Store }

func (s suite) put(t *testing.T, name, text string) {
	t.Helper()
	if err := storage.WriteAll(t.Context(), s, name, storage.Replace, []byte(text)); err != nil {
		t.Fatalf("write %s: %v", name, err)
	}
}

func (s suite) create(t *testing.T, ctx context.Context, name string, mode storage.Mode, text string) storage.Writer {
	t.Helper()
	w, err := s.Create(ctx, name, mode)
	if err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatalf("write %s: %v", name, err)
	}
	return w
}

func (s suite) get(t *testing.T, name string) string {
	t.Helper()
	data, err := storage.ReadAll(t.Context(), s, name)
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return string(data)
}

func (s suite) names(t *testing.T, prefix string) []string {
	t.Helper()
	names := []string{}
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		names = append(names, info.Name)
	}
	return names
}
