package history

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/aggregate"
	"github.com/feedmill/feedmill/internal/generate"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/workspace"
)

const settings = `
warehouse: ./warehouse
partitions: 2
guard: {floor: 0, drop: 40%, growth: 100000%, held_feeds: 60%, empty: pass}
retention: {snapshots: 3d, feeds: 2d, grace: 12h}
sources:
  changes: {path: "data/changes_{version}.jsonl", format: jsonl, keep: log, key: row.id, order: row.at, deleted: row.gone, optional: [row.gone], guard: {drop: 100%}, columns: {shop: string, price: int}}
  shops: {path: "data/shops_{version}.jsonl", format: jsonl, key: row.id, columns: {name: string}}
offer:
  from: changes
  join: {at: {source: shops, on: offer.shop}}
  columns: {seller: {type: string, value: offer.at.name}}
`

const feeds = `
for: {shop: [a, b, c]}
feed: "shop-{{shop}}"
template: list
where: offer.shop == "{{shop}}"
---
feed: all
template: list
where: "true"
---
feed: best
template: list
where: offer.price > 0
choose: {per: offer.shop, by: [offer.price desc], take: 2}
---
events: partner
refresh: 0s
destinations: [p]
catalog: c
where: "true"
fields: {shop: offer.shop, price: offer.price}
guard: {added: 1000%, removed: 100%, updated: 100%}
`

const list = `{{define "header"}}<feed items="{{.feed.items}}">
{{end}}{{define "item"}}<item>{{.offer.id}} {{.offer.shop}} {{.offer.price}} {{.offer.seller}}</item>
{{end}}{{define "footer"}}</feed>{{end}}`

// A clock tells the same time to runs and to the store.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A dated store knows of each object when by a clock it was committed.
type dated struct {
	storage.Store
	clock *clock
	mu    sync.Mutex
	times map[string]time.Time
}

func newDated(c *clock) *dated {
	return &dated{Store: mem.New(), clock: c, times: map[string]time.Time{}}
}

func (d *dated) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	w, err := d.Store.Create(ctx, name, mode)
	return &datedWriter{w, d, name}, err
}

type datedWriter struct {
	storage.Writer
	store *dated
	name  string
}

func (w *datedWriter) Commit() error {
	err := w.Writer.Commit()
	if err == nil {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		w.store.times[w.name] = w.store.clock.Now()
	}
	return err
}

func (d *dated) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for info, err := range d.Store.List(ctx, prefix) {
			d.mu.Lock()
			info.ModTime = d.times[info.Name]
			d.mu.Unlock()
			if !yield(info, err) {
				return
			}
		}
	}
}

// copied is another store with the same objects.
func (d *dated) copied(t testing.TB) *dated {
	t.Helper()
	out := newDated(d.clock)
	for info, err := range d.List(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := storage.ReadAll(context.Background(), d, info.Name)
		if err == nil {
			err = storage.WriteAll(context.Background(), out, info.Name, storage.Replace, data)
		}
		if err != nil {
			t.Fatal(err)
		}
		out.times[info.Name] = info.ModTime
	}
	return out
}

// A shop is a workspace with its sources and its warehouse.
type shop struct {
	t       testing.TB
	ws      *workspace.Workspace
	clock   *clock
	store   *dated
	sources storage.Store
	random  *rand.ChaCha8
	version int
}

func newShop(t testing.TB, seed uint64) *shop {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"feedmill.yaml": settings, "feeds/feeds.yaml": feeds, "templates/list.xml": list} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ws, err := workspace.Load(filepath.Join(dir, "feedmill.yaml"), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	s := &shop{t: t, ws: ws, clock: c, store: newDated(c), sources: mem.New(), random: rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})}
	s.put("shops_1.jsonl", `{"id": "a", "name": "A"}`+"\n"+`{"id": "b", "name": "B"}`)
	return s
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) put(name, text string) {
	s.t.Helper()
	s.must(storage.WriteAll(context.Background(), s.sources, name, storage.Replace, []byte(text)))
}

// change delivers a change of each of some offers; a shop of "" removes them.
func (s *shop) change(changes map[string]string) {
	s.version++
	var b strings.Builder
	for id, shop := range changes {
		fmt.Fprintf(&b, `{"id": %q, "at": %d, "shop": %q, "price": %d, "gone": %v}`+"\n", id, s.version, shop, s.version, shop == "")
	}
	s.put(fmt.Sprintf("changes_%03d.jsonl", s.version), b.String())
}

func (s *shop) aggregate() *aggregate.Report {
	s.t.Helper()
	s.clock.add(time.Minute)
	report, err := aggregate.Run(context.Background(), aggregate.Options{
		Workspace: s.ws, Store: s.store, Workers: 2, Now: s.clock.Now, Random: s.random,
		Open: func(url string) (storage.Store, string, error) { return s.sources, filepath.Base(url), nil },
	})
	s.must(err)
	return report
}

func (s *shop) generate() *generate.Report {
	s.t.Helper()
	s.clock.add(time.Minute)
	report, err := generate.Run(context.Background(), generate.Options{
		Workspace: s.ws, Store: s.store, Workers: 2, Now: s.clock.Now, Random: s.random,
	})
	s.must(err)
	return report
}

func (s *shop) gc(store storage.Store) (*Report, error) {
	return GC(context.Background(), GCOptions{Store: store, Retention: s.ws.Retention, Now: s.clock.Now})
}

func (s *shop) publish(stage, run string) (*Publication, error) {
	return Publish(context.Background(), PublishOptions{Store: s.store, Stage: stage, Run: run, Now: s.clock.Now})
}

// published exports all published feeds, in full.
func published(t testing.TB, store storage.Store) map[string]string {
	t.Helper()
	ctx := context.Background()
	catalog, err := part.Published(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name := range catalog.Feeds {
		f, err := catalog.Open(ctx, store, name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := f.Files[0].WritePlain(ctx, store, &b); err != nil {
			t.Fatal(err)
		}
		out[name] = b.String()
	}
	return out
}

func names(t testing.TB, store storage.Store, prefix string) []string {
	t.Helper()
	out := []string{}
	for info, err := range store.List(context.Background(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, info.Name)
	}
	return out
}

// lines are those of a text, sorted.
func lines(text string) []string { return slices.Sorted(strings.Lines(text)) }
