package fault_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/storage/storagetest"
)

func TestStoreWithoutFaults(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Store { return fault.New(mem.New(), fault.Plan{At: -1}) })
}

// session does each operation once, goes on after failures, and tells what it
// saw of them.
func session(ctx context.Context, store storage.Store) (seen []string) {
	note := func(operation string, err error) {
		if failure := (*fault.Error)(nil); errors.As(err, &failure) {
			seen = append(seen, operation)
		}
	}
	if w, err := store.Create(ctx, "new", storage.Replace); err == nil {
		_, err := w.Write([]byte("text"))
		note("Write", err)
		note("Commit", w.Commit())
		_ = w.Abort()
	} else {
		note("Create", err)
	}
	if object, err := store.Open(ctx, "old"); err == nil {
		_, err := object.ReadAt(make([]byte, 2), 0)
		note("ReadAt", err)
		_ = object.Close()
	} else {
		note("Open", err)
	}
	for _, err := range store.List(ctx, "") {
		note("List", err)
	}
	note("Remove", store.Remove(ctx, "old"))
	return seen
}

func names(t *testing.T, store storage.Store) []string {
	var names []string
	for info, err := range store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	return names
}

func TestEveryOperationFailsOnce(t *testing.T) {
	type result struct{ Failed, Left []string }
	both, onlyNew := []string{"new", "old"}, []string{"new"}
	for name, c := range map[string]struct {
		plan fault.Plan
		want []result
	}{
		"before": {fault.Plan{}, []result{
			{[]string{"Create"}, nil},
			{[]string{"Write"}, onlyNew},
			{[]string{"Commit"}, nil},
			{[]string{"Open"}, onlyNew},
			{[]string{"ReadAt"}, onlyNew},
			{[]string{"List"}, onlyNew},
			{[]string{"Remove"}, both},
			{nil, onlyNew},
		}},
		"after": {fault.Plan{After: true}, []result{
			{[]string{"Create"}, nil},
			{[]string{"Write"}, onlyNew},
			{[]string{"Commit"}, onlyNew},
			{[]string{"Open"}, onlyNew},
			{[]string{"ReadAt"}, onlyNew},
			{[]string{"List"}, onlyNew},
			{[]string{"Remove"}, onlyNew},
			{nil, onlyNew},
		}},
		"after, forever": {fault.Plan{After: true, Forever: true}, []result{
			{[]string{"Create", "Open", "List", "Remove"}, []string{"old"}},
			{[]string{"Write", "Commit", "Open", "List", "Remove"}, []string{"old"}},
			{[]string{"Commit", "Open", "List", "Remove"}, both},
			{[]string{"Open", "List", "Remove"}, both},
			{[]string{"ReadAt", "List", "Remove"}, both},
			{[]string{"List", "Remove"}, both},
			{[]string{"Remove"}, onlyNew},
			{nil, onlyNew},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []result
			for n := 0; ; n++ {
				inner := mem.New()
				if err := storage.WriteAll(t.Context(), inner, "old", storage.Replace, []byte("old")); err != nil {
					t.Fatal(err)
				}
				c.plan.At = n
				store := fault.New(inner, c.plan)
				failed := session(t.Context(), store)
				got = append(got, result{failed, names(t, inner)})
				if !store.Fired() {
					break
				}
				if f := store.Failure(); f.N != n || f.Operation != failed[0] {
					t.Errorf("fault %d: %+v, want %s", n, f, failed[0])
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("what failed, what is left (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailuresAfterReadsTellPart(t *testing.T) {
	inner := mem.New()
	if err := storage.WriteAll(t.Context(), inner, "x", storage.Replace, []byte("0123")); err != nil {
		t.Fatal(err)
	}
	object, err := fault.New(inner, fault.Plan{At: 1, After: true}).Open(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4)
	n, err := object.ReadAt(p, 0)
	if string(p[:n]) != "01" || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("ReadAt = %q, %v", p[:n], err)
	}
	listed := 0
	var last error
	for _, err := range fault.New(inner, fault.Plan{After: true}).List(t.Context(), "") {
		listed, last = listed+1, err
	}
	if listed != 2 || last == nil {
		t.Errorf("List yielded %d times, at last %v", listed, last)
	}
}
