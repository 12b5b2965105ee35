package history

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// A fullStore has no room for anything.
type fullStore struct {
	storage.Store
	removing func() // is called before the first object goes
}

func (f *fullStore) Create(context.Context, string, storage.Mode) (storage.Writer, error) {
	return nil, syscall.ENOSPC
}

func (f *fullStore) Remove(ctx context.Context, name string) error {
	if f.removing != nil {
		f.removing()
		f.removing = nil
	}
	return f.Store.Remove(ctx, name)
}

// On a full disk gc makes room.
func TestFull(t *testing.T) {
	s := newWeek(t)
	clean := s.store.copied(t)
	want, err := s.gc(clean)
	s.must(err)
	got, err := s.gc(&fullStore{Store: s.store})
	s.must(err)
	if diff := cmp.Diff(want.Removed, got.Removed); diff != "" || got.Objects != want.Objects || got.Bytes != want.Bytes || got.Bytes == 0 {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "no space left on device") || len(want.Warnings) > 0 {
		t.Errorf("warnings: %q and %q", got.Warnings, want.Warnings)
	}
	if diff := cmp.Diff(without(names(t, clean, ""), "leases/gc/"), without(names(t, s.store, ""), "leases/gc/")); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// It does not while another has the lease, nor goes on when there was room and
// another took it.
func TestFullAndBusy(t *testing.T) {
	s := newWeek(t)
	take := func() {
		_, err := manifest.Acquire(context.Background(), s.store, lease, manifest.LeaseOptions{Owner: "other:1", Now: s.clock.Now})
		s.must(err)
	}
	var busy *manifest.BusyError
	report, err := s.gc(&fullStore{Store: s.store, removing: take})
	if !errors.As(err, &busy) || report.Objects != 1 {
		t.Errorf("gc: %v, %+v", err, report)
	}
	report, err = s.gc(&fullStore{Store: s.store})
	if !errors.As(err, &busy) || report.Objects != 0 {
		t.Errorf("gc: %v, %+v", err, report)
	}
}
