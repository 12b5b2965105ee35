package storage_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

func TestReadAllReturnsTheErrorOfEveryOperation(t *testing.T) {
	inner := mem.New()
	if err := storage.WriteAll(t.Context(), inner, "x", storage.Replace, []byte("text")); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		for _, after := range []bool{false, true} {
			store := fault.New(inner, fault.Plan{At: n, After: after})
			if data, err := storage.ReadAll(t.Context(), store, "x"); err == nil || data != nil {
				t.Errorf("%v: ReadAll = %q, %v", store.Failure(), data, err)
			}
		}
	}
}

// A store whose objects are shorter than they say.
type short struct{ storage.Store }

type shortObject struct{ storage.Object }

func (s short) Open(ctx context.Context, name string) (storage.Object, error) {
	o, err := s.Store.Open(ctx, name)
	return shortObject{o}, err
}

func (o shortObject) Size() int64 { return o.Object.Size() + 1 }

func TestReadAllOfATruncatedObject(t *testing.T) {
	inner := mem.New()
	if err := storage.WriteAll(t.Context(), inner, "x", storage.Replace, []byte("text")); err != nil {
		t.Fatal(err)
	}
	if data, err := storage.ReadAll(t.Context(), short{inner}, "x"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ReadAll = %q, %v, want io.ErrUnexpectedEOF", data, err)
	}
}

func TestWriteAllLeavesNothingWhenItFails(t *testing.T) {
	for n := range 3 {
		inner := mem.New()
		store := fault.New(inner, fault.Plan{At: n})
		if err := storage.WriteAll(t.Context(), store, "x", storage.Replace, []byte("text")); err == nil {
			t.Errorf("%v: no error", store.Failure())
		}
		if _, err := inner.Open(t.Context(), "x"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: the object is there: %v", store.Failure(), err)
		}
	}
}

func TestPrefixed(t *testing.T) {
	inner := mem.New()
	for _, prefix := range []string{"a", "a/", "/a/"} {
		store := storage.Prefixed(storage.Prefixed(inner, prefix), "b c")
		if err := storage.WriteAll(t.Context(), store, "d/e", storage.Replace, []byte("text")); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a/b cd", "ab"} {
		if err := storage.WriteAll(t.Context(), inner, name, storage.Replace, nil); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string][]string{"": {"a/b c/d/e", "a/b cd", "ab"}, "a": {"b c/d/e", "b cd"}, "a/b c": {"d/e"}} {
		var got []string
		for info, err := range storage.Prefixed(inner, prefix).List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, info.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("below %q (-want +got):\n%s", prefix, diff)
		}
	}
	if storage.Prefixed(inner, "") != storage.Store(inner) {
		t.Error("an empty prefix is not the store itself")
	}
}
