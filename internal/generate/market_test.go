package generate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/workspace"
)

const settings = `
warehouse: ./warehouse
partitions: 4
guard: {floor: 3, held_feeds: 50%}
sources:
  offers:
    path: offers.jsonl
    format: jsonl
    key: row.id
    columns:
      code: string
      seller: string
      title: string
      title_de: string
      price: "decimal(12,2)"
      stock: int
      rating: double
      seen: timestamp
      tags: list(string)
offer: {from: offers}
`

const xmlTemplate = `{{/* rules: {id: {required: true, max: 12}, title: {max: 20}} */ -}}
{{define "header"}}<?xml version="1.0" encoding="UTF-8"?>
<feed name="{{.feed.name}}" items="{{.feed.items}}"{{with .feed.updated}} updated="{{.}}"{{end}}>
<title>{{.params.title}}</title>
{{end}}
{{define "item"}}<item><id>{{.offer.id}}</id><title>{{required "title" .fields.title}}</title><price>{{money .fields.price "HKD"}}</price>{{with .params.utm}}<utm>{{.}}</utm>{{end}}</item>{{end}}
{{define "footer"}}</feed>{{end}}
`

// A market is a workspace, a warehouse and the offers of its snapshot.
type market struct {
	t        testing.TB
	settings string // feedmill.yaml
	ws       *workspace.Workspace
	store    storage.Store
	clock    time.Time
	seed     uint64
	rows     []map[string]any
}

// newMarket loads a workspace with the given feeds.
func newMarket(t testing.TB, feeds string) *market {
	t.Helper()
	return newMarketOf(t, settings, feeds)
}

func newMarketOf(t testing.TB, settings, feeds string) *market {
	t.Helper()
	m := &market{t: t, settings: settings, store: mem.New(), clock: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)}
	m.define(feeds)
	return m
}

// define replaces the feeds.
func (m *market) define(feeds string) {
	m.t.Helper()
	dir := m.t.TempDir()
	for name, text := range map[string]string{"feedmill.yaml": m.settings, "feeds/feeds.yaml": feeds, "templates/shop.xml": xmlTemplate} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			m.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			m.t.Fatal(err)
		}
	}
	ws, err := workspace.Load(filepath.Join(dir, "feedmill.yaml"), func(string) (string, bool) { return "", false })
	if err != nil {
		m.t.Fatal(err)
	}
	m.ws = ws
}

// randomRows makes offers with nulls, false values and texts that need escaping.
func randomRows(random *rand.Rand, n int) []map[string]any {
	rows := make([]map[string]any, n)
	for i := range rows {
		rows[i] = map[string]any{
			"id": fmt.Sprintf("o%05d", i), "code": fmt.Sprintf("p%d", random.IntN(n/3+1)), "seller": []string{"WELLCOME", "PARKNSHOP", "Ä & Söhne"}[random.IntN(3)],
			"title": fmt.Sprintf("Cake <%d>", random.IntN(100)), "title_de": fmt.Sprintf("Kuchen & Torte %d", random.IntN(100)),
			"price": fmt.Sprintf("%d.%02d", random.IntN(100), random.IntN(100)), "stock": random.IntN(3), "rating": float64(random.IntN(50)) / 10,
			"seen": fmt.Sprintf("2026-01-0%dT00:00:00Z", 1+random.IntN(3)), "tags": []string{"new", "hot"}[:random.IntN(3)],
		}
		for _, name := range slices.Sorted(keys(rows[i])) {
			if name != "id" && random.IntN(10) == 0 {
				delete(rows[i], name)
			}
		}
	}
	return rows
}

// aggregate writes a snapshot of the rows and makes it current.
func (m *market) aggregate(rows []map[string]any) string {
	m.t.Helper()
	m.rows = rows
	ctx := context.Background()
	run := m.newRun()
	table := snapshot.Offers(run, m.ws.Partitions, m.ws.Schema)
	var objects []manifest.Object
	for i := range m.ws.Partitions {
		w, err := snapshot.Create(ctx, m.store, table, i, memory.DefaultAllocator)
		m.must(err)
		m.must(m.writeRows(w, slice(rows, i, m.ws.Partitions)))
		object, err := w.Commit()
		m.must(err)
		objects = append(objects, object)
	}
	base, err := manifest.Current(ctx, m.store, snapshot.Prefix)
	m.must(err)
	m.must(manifest.Commit(ctx, m.store, snapshot.Prefix, &manifest.Manifest{Run: run, Stage: "aggregate", Status: manifest.Done, Started: m.clock, Finished: m.clock, Objects: objects}))
	_, err = manifest.Advance(ctx, m.store, snapshot.Prefix, base, run)
	m.must(err)
	return run
}

func (m *market) writeRows(w *snapshot.Writer, rows []map[string]any) error {
	for chunk := range slices.Chunk(rows, 37) {
		text, err := json.Marshal(chunk)
		m.must(err)
		batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, m.ws.Schema.Arrow(), bytes.NewReader(text))
		m.must(err)
		if err := w.Write(batch); err != nil {
			return err
		}
	}
	return nil
}

func slice(rows []map[string]any, i, n int) []map[string]any {
	var out []map[string]any
	for _, r := range rows {
		if offer.Partition(offer.Hash(r["id"].(string)), n) == i {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b map[string]any) int {
		x, y := a["id"].(string), b["id"].(string)
		return cmp.Or(cmp.Compare(offer.Hash(x), offer.Hash(y)), cmp.Compare(x, y))
	})
	return out
}

func (m *market) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *market) newRun() string {
	m.tick()
	return manifest.NewRun(m.clock, m.random())
}

// tick moves the clock by a minute.
func (m *market) tick() { m.clock = m.clock.Add(time.Minute) }

// random is a source of random bytes that is the same in every test run.
func (m *market) random() *rand.ChaCha8 {
	m.seed++
	return rand.NewChaCha8([32]byte{byte(m.seed), byte(m.seed >> 8)})
}

func (m *market) options() Options {
	m.tick()
	now := m.clock
	return Options{Workspace: m.ws, Store: m.store, Workers: 2, Now: func() time.Time { return now }, Random: m.random()}
}

// generate runs the stage and requires a status.
func (m *market) generate(status string, change ...func(*Options)) *Report {
	m.t.Helper()
	o := m.options()
	for _, c := range change {
		c(&o)
	}
	report, err := Run(context.Background(), o)
	m.must(err)
	if report.Status != status {
		m.t.Fatalf("status %s, want %s: %+v", report.Status, status, report)
	}
	return report
}

// export returns the bytes of the files of a published feed.
func (m *market) export(feed string) []string {
	m.t.Helper()
	out, err := export(m.store, feed)
	m.must(err)
	return out
}

func export(store storage.Store, feed string) ([]string, error) {
	ctx := context.Background()
	catalog, err := part.Published(ctx, store)
	if err != nil {
		return nil, err
	}
	f, err := catalog.Open(ctx, store, feed)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, file := range f.Files {
		var b bytes.Buffer
		if err := file.WritePlain(ctx, store, &b); err != nil {
			return nil, err
		}
		out = append(out, b.String())
	}
	return out, nil
}

// items returns the items of a document, sorted.
func items(doc string) []string {
	var out []string
	for line := range strings.Lines(doc) {
		if strings.HasPrefix(line, "<item>") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	slices.Sort(out)
	return out
}

// ids returns the ids of the items of a document, sorted.
func ids(doc string) []string {
	var out []string
	for _, item := range items(doc) {
		_, rest, _ := strings.Cut(item, "<id>")
		id, _, _ := strings.Cut(rest, "</id>")
		out = append(out, id)
	}
	return out
}

func readAll(store storage.Store, name string) (string, error) {
	data, err := storage.ReadAll(context.Background(), store, name)
	return string(data), err
}

// catalog is what partners see.
func (m *market) catalog() *part.Catalog {
	m.t.Helper()
	catalog, err := part.Published(context.Background(), m.store)
	m.must(err)
	return catalog
}

// updatedInside is when a feed changed last, as it says itself.
func (m *market) updatedInside(name string) time.Time {
	m.t.Helper()
	_, rest, _ := strings.Cut(m.export(name)[0], ` updated="`)
	text, _, _ := strings.Cut(rest, `"`)
	at, err := time.Parse(time.RFC3339, text)
	m.must(err)
	return at
}
