package storagetest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
)

var cancelling = []test{
	{"a cancelled context refuses every operation", testCancelled},
	{"a context cancelled before Commit commits nothing", testCancelledCommit},
	{"a context cancelled within a listing ends it", testCancelledList},
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func testCancelled(t *testing.T, s suite) {
	s.put(t, "x", "text")
	ctx := cancelled(t)
	_, opened := s.Open(ctx, "x")
	_, created := s.Create(ctx, "y", storage.Replace)
	var listed error
	for _, err := range s.List(ctx, "") {
		listed = err
	}
	for what, err := range map[string]error{"Open": opened, "Create": created, "List": listed, "Remove": s.Remove(ctx, "x")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", what, err)
		}
	}
	if got := s.get(t, "x"); got != "text" {
		t.Errorf("the object holds %q", got)
	}
}

func testCancelledCommit(t *testing.T, s suite) {
	for _, write := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		w := s.create(t, ctx, "x", storage.Replace, "text")
		cancel()
		if write {
			if _, err := w.Write([]byte("more")); !errors.Is(err, context.Canceled) {
				t.Errorf("Write: %v, want context.Canceled", err)
			}
		}
		if err := w.Commit(); !errors.Is(err, context.Canceled) {
			t.Errorf("Commit: %v, want context.Canceled", err)
		}
		if err := w.Abort(); err != nil {
			t.Errorf("Abort: %v", err)
		}
	}
	if diff := cmp.Diff([]string{}, s.names(t, "")); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

func testCancelledList(t *testing.T, s suite) {
	for _, name := range []string{"a/1", "b/1", "c/1"} {
		s.put(t, name, "")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range s.List(ctx, "") {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the listing ended with %v, want context.Canceled", last)
	}
}
