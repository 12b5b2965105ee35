package part

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// publish commits a run with these feeds and makes it current.
func publish(t *testing.T, store storage.Store, run string, feeds map[string]Entry) {
	t.Helper()
	ctx := context.Background()
	detail, err := json.Marshal(Detail{Feeds: feeds})
	if err != nil {
		t.Fatal(err)
	}
	base, err := manifest.Current(ctx, store, Kind)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m := &manifest.Manifest{Run: run, Stage: "generate", Status: manifest.Done, Started: now, Finished: now, Base: base.N, Detail: detail}
	if err := manifest.Commit(ctx, store, Kind, m); err != nil {
		t.Fatal(err)
	}
	if _, err := manifest.Advance(ctx, store, Kind, base, run); err != nil {
		t.Fatal(err)
	}
}

func TestPublished(t *testing.T) {
	ctx := context.Background()
	store := mem.New()
	none, err := Published(ctx, store)
	if err != nil || len(none.Feeds) > 0 || none.Run != "" {
		t.Fatalf("before any run: %+v, %v", none, err)
	}
	c := randomCatalogue(rand.New(rand.NewPCG(5, 6)), 4, 100)
	f := index(2, c.write(t, store, "a.part", small))
	f.Name, f.Run = "google-hk", sampleRun
	f = reopen(t, store, f)
	entry := Entry{Run: f.Run, Index: IndexName(f.Run, f.Name), Content: f.Content.String(), Updated: f.Updated, Items: f.Items(), Bytes: f.Bytes(), Files: 1}
	publish(t, store, sampleRun, map[string]Entry{"google-hk": entry})

	// The run after it did not make the feed anew.
	publish(t, store, "20260103T030405.000Z-abcdef", map[string]Entry{"google-hk": entry})
	catalog, err := Published(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	got, err := catalog.Open(ctx, store, "google-hk")
	if err != nil {
		t.Fatal(err)
	}
	if catalog.Run != "20260103T030405.000Z-abcdef" || catalog.N != 2 || got.Run != sampleRun || !got.Updated.Equal(f.Updated) {
		t.Errorf("current is %d %s, the feed is of %s, updated %s", catalog.N, catalog.Run, got.Run, got.Updated)
	}
	if want := len(c.of(2)); got.Items() != int64(want) {
		t.Errorf("%d items, want %d", got.Items(), want)
	}

	_, err = catalog.Open(ctx, store, "gogle-hk")
	var missing *MissingError
	if !errors.As(err, &missing) || missing.Near != "google-hk" {
		t.Errorf("an unknown feed: %v, %+v", err, missing)
	}

	entry.Items++
	publish(t, store, "20260104T030405.000Z-abcdef", map[string]Entry{"google-hk": entry, "gone": {Run: "x", Index: "feeds/x/gone.index"}})
	catalog, err = Published(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := catalog.Open(ctx, store, "google-hk"); err == nil || !strings.Contains(err.Error(), entry.Index) {
		t.Errorf("an index that is not what was published: %v", err)
	}
	if _, err := catalog.Open(ctx, store, "gone"); err == nil || !strings.Contains(err.Error(), "feeds/x/gone.index") {
		t.Errorf("an index that is not there: %v", err)
	}
}
