package diff

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/stream"
	topics "github.com/feedmill/feedmill/internal/stream/mem"
	"github.com/feedmill/feedmill/internal/workspace"
)

const settings = `
warehouse: ./warehouse
partitions: 4
guard: {floor: 0, empty: pass, added: 1000000%, updated: 100%, removed: 100%}
sources:
  offers: {path: offers.jsonl, format: jsonl, key: row.id, columns: {title: string, price: "decimal(12,2)", stock: int}}
offer: {from: offers}
`

const partner = `
events: partner
destinations: [p]
catalog: c
where: offer.stock > 0
fields: {title: offer.title, price: offer.price, stock: 'offer.stock > 5 ? "many" : "few"'}
guard: {first_run: pass}
`

// A row is an offer; a stock of 0 is not in the feed.
type row struct {
	Title string
	Price int // cents
	Stock int
}

// fields are what the destinations get of a row.
func (r row) fields() string {
	few := "many"
	if r.Stock <= 5 {
		few = "few"
	}
	return fmt.Sprintf(`{"price":%d.%02d,"stock":%q,"title":"%s"}`, r.Price/100, r.Price%100, few, r.Title)
}

// A shop is a workspace with its warehouse and the topic of its partner.
type shop struct {
	t     testing.TB
	ws    *workspace.Workspace
	store storage.Store
	topic *topics.Topic
	clock time.Time
	seed  uint64
}

func newShop(t testing.TB, feeds string) *shop {
	t.Helper()
	s := &shop{t: t, store: mem.New(), topic: topics.New(3), clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	s.define(settings, feeds)
	return s
}

// define replaces the definitions.
func (s *shop) define(settings, feeds string) {
	s.t.Helper()
	dir := s.t.TempDir()
	for name, text := range map[string]string{"feedmill.yaml": settings, "feeds/feeds.yaml": feeds} {
		path := filepath.Join(dir, name)
		s.must(os.MkdirAll(filepath.Dir(path), 0o755))
		s.must(os.WriteFile(path, []byte(text), 0o644))
	}
	var err error
	s.ws, err = workspace.Load(filepath.Join(dir, "feedmill.yaml"), func(string) (string, bool) { return "", false })
	s.must(err)
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) random() *rand.ChaCha8 {
	s.seed++
	return rand.NewChaCha8([32]byte{byte(s.seed), byte(s.seed >> 8)})
}

// snapshot writes one of the rows and makes it current.
func (s *shop) snapshot(rows map[string]row) string {
	s.t.Helper()
	ctx := context.Background()
	s.clock = s.clock.Add(time.Minute)
	run := manifest.NewRun(s.clock, s.random())
	table := snapshot.Offers(run, s.ws.Partitions, s.ws.Schema)
	var objects []manifest.Object
	for i := range s.ws.Partitions {
		w, err := snapshot.Create(ctx, s.store, table, i, memory.DefaultAllocator)
		s.must(err)
		if text := slice(rows, i, s.ws.Partitions); text != "[]" {
			batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, s.ws.Schema.Arrow(), strings.NewReader(text))
			s.must(err)
			s.must(w.Write(batch))
		}
		object, err := w.Commit()
		s.must(err)
		objects = append(objects, object)
	}
	base, err := manifest.Current(ctx, s.store, snapshot.Prefix)
	s.must(err)
	s.must(manifest.Commit(ctx, s.store, snapshot.Prefix, &manifest.Manifest{Run: run, Stage: "aggregate", Status: manifest.Done, Started: s.clock, Finished: s.clock, Objects: objects}))
	_, err = manifest.Advance(ctx, s.store, snapshot.Prefix, base, run)
	s.must(err)
	return run
}

// slice is a partition of the rows as JSON.
func slice(rows map[string]row, i, n int) string {
	var ids []string
	for id := range rows {
		if offer.Partition(offer.Hash(id), n) == i {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(offer.Hash(a), offer.Hash(b)), cmp.Compare(a, b)) })
	out := []map[string]any{}
	for _, id := range ids {
		r := rows[id]
		out = append(out, map[string]any{"id": id, "title": r.Title, "price": fmt.Sprintf("%d.%02d", r.Price/100, r.Price%100), "stock": r.Stock})
	}
	text, _ := json.Marshal(out)
	return string(text)
}

func (s *shop) options() Options {
	s.clock = s.clock.Add(time.Minute)
	now := s.clock
	return Options{
		Workspace: s.ws, Store: s.store, Workers: 2, Now: func() time.Time { return now }, Random: s.random(),
		Producer: func(context.Context) (stream.Producer, error) { return s.topic.Producer(), nil },
	}
}

// diff runs the stage and requires a status.
func (s *shop) diff(status string, change ...func(*Options)) *Report {
	s.t.Helper()
	o := s.options()
	for _, c := range change {
		c(&o)
	}
	report, err := Run(context.Background(), o)
	s.must(err)
	if report.Status != status {
		s.t.Fatalf("status %s, want %s: %+v", report.Status, status, report)
	}
	return report
}

// delivered is how many events of a run are sent, and how many are not.
func (s *shop) delivered(run string) (sent, left int64) {
	s.t.Helper()
	m, err := manifest.Read(context.Background(), s.store, event.Kind, run)
	s.must(err)
	report, err := Delivered(context.Background(), s.store, m)
	s.must(err)
	return report.Sent, report.Unsent
}

// known is what the destinations of a feed have by a topic: of each offer the
// fields of its greatest version. Repeats, which have an id that came before, say
// the same; a version never falls behind what came before it.
func known(t testing.TB, topic *topics.Topic, feed string) map[string]string {
	t.Helper()
	out, versions, ids := map[string]string{}, map[string]int64{}, map[string]string{}
	for _, r := range topic.Records() {
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		var data event.Data
		if err := json.Unmarshal(r.Value, &data); err != nil {
			t.Fatal(err)
		}
		if data.Feed != feed {
			continue
		}
		id, offer := headers["ce_id"], string(r.Key)
		if before, repeated := ids[id]; repeated && before != string(r.Value) {
			t.Fatalf("event %s is sent as %s and as %s", id, before, r.Value)
		} else if !repeated && data.Version <= versions[offer] {
			t.Fatalf("offer %s: version %d comes after %d", offer, data.Version, versions[offer])
		}
		ids[id] = string(r.Value)
		if data.Version < versions[offer] {
			continue
		}
		versions[offer] = data.Version
		if headers["ce_type"] == "offer.removed" {
			delete(out, offer)
		} else {
			out[offer] = string(data.Fields)
		}
	}
	return out
}

// taken is what the feed takes of rows.
func taken(rows map[string]row) map[string]string {
	out := map[string]string{}
	for id, r := range rows {
		if r.Stock > 0 {
			out[id] = r.fields()
		}
	}
	return out
}

// events are those of the change sets that a run made or handed over, as its manifest
// lists them.
func (s *shop) events(run string) []*event.Event {
	s.t.Helper()
	m, err := manifest.Read(context.Background(), s.store, event.Kind, run)
	s.must(err)
	var out []*event.Event
	for _, o := range m.Objects {
		out = append(out, s.object(o.Name)...)
	}
	return out
}

// object reads an object of a change set.
func (s *shop) object(name string) (out []*event.Event) {
	s.t.Helper()
	r, err := event.Open(context.Background(), s.store, name)
	s.must(err)
	defer func() { s.must(r.Close()) }()
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		s.must(err)
		out = append(out, e)
	}
}

// state is what the state of a feed holds, by offer.
func (s *shop) state(feed string) map[string]string {
	s.t.Helper()
	r := newRun(s.options())
	s.must(r.readBase(context.Background()))
	out := map[string]string{}
	e := r.baseline.Feeds[feed]
	if e.State == "" {
		return out
	}
	table, err := snapshot.OpenTable(context.Background(), s.store, stateKind(e.State), feed, nil)
	s.must(err)
	for i := range table.Partitions() {
		c, err := newCursor(context.Background(), table, i, table.Partitions())
		s.must(err)
		for c.valid() {
			out[strings.Clone(c.id())] = strings.Clone(c.fields())
			s.must(c.next())
		}
		s.must(c.close())
	}
	return out
}

func copied(t testing.TB, from storage.Store) storage.Store {
	t.Helper()
	ctx := context.Background()
	to := mem.New()
	for info, err := range from.List(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := storage.ReadAll(ctx, from, info.Name)
		if err == nil {
			err = storage.WriteAll(ctx, to, info.Name, storage.Replace, bytes.Clone(data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}
