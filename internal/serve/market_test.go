package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// A market publishes feeds into a warehouse, and knows their bytes.
type market struct {
	t      testing.TB
	store  storage.Store
	clock  *clock
	n      int
	detail part.Detail
}

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

func newMarket(t testing.TB) *market {
	return &market{
		t: t, store: mem.New(), clock: &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		detail: part.Detail{Feeds: map[string]part.Entry{}, Holds: map[string]part.Hold{}},
	}
}

func (m *market) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *market) run() string {
	return fmt.Sprintf("202601%02dT030405.%03dZ-abcdef", 2+m.n/1000, m.n%1000)
}

// items are n items whose texts depend on a seed.
func items(n, seed int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("<item><id>%d</id>%s</item>\n", i, strings.Repeat(fmt.Sprint("text ", i*seed, " "), 1+(i*seed)%7))
	}
	return out
}

// feed makes the bytes of a feed, to be published with the next run. A numbered
// one has a file for each list of items.
func (m *market) feed(name string, numbered bool, files ...[]string) (documents []string) {
	m.t.Helper()
	ctx, run := context.Background(), m.run()
	f := &part.Feed{Name: name, Run: run, Updated: m.clock.Now()}
	var digest part.Digest
	for i, texts := range files {
		p := m.part(part.Name(run, name, i), i, len(files), name, texts)
		file := &part.File{Name: name, Header: []byte("<feed>\n"), Footer: []byte("</feed>\n")}
		if numbered {
			file.Name = fmt.Sprintf("%s-%d", name, i+1)
		}
		for _, s := range p.Segments {
			file.Pieces = append(file.Pieces, part.Piece{Object: i, Segment: s})
			file.Items += s.Items
			digest.Join(s.Digest)
		}
		f.Objects, f.Files = append(f.Objects, part.Object{Name: p.Name, Size: p.Size}), append(f.Files, file)
		documents = append(documents, "<feed>\n"+strings.Join(texts, "")+"</feed>\n")
	}
	f.Content = part.ContentDigest(digest, f.Items())
	_, err := part.WriteIndex(ctx, m.store, f)
	m.must(err)
	m.detail.Feeds[name] = part.Entry{
		Run: run, Index: part.IndexName(run, name), Content: f.Content.String(), Updated: f.Updated, Since: f.Updated,
		Items: f.Items(), Bytes: f.Bytes(), Files: len(f.Files), Numbered: numbered,
	}
	return documents
}

func (m *market) part(name string, i, n int, feed string, texts []string) *part.Part {
	m.t.Helper()
	ctx := context.Background()
	layout := part.DefaultLayout
	layout.Segment = 4 << 10
	w, err := part.Create(ctx, m.store, name, part.Head{Rendering: feed, Partition: i, Partitions: n, Feeds: []string{feed}}, layout, part.NewWorkshop(1).Workbench())
	m.must(err)
	for _, text := range texts {
		m.must(w.Add(part.Membership{0}, []byte(text)))
	}
	_, err = w.Commit()
	m.must(err)
	p, err := part.Open(ctx, m.store, name)
	m.must(err)
	return p
}

// publish commits a run with all feeds and makes it current.
func (m *market) publish() {
	m.t.Helper()
	ctx := context.Background()
	detail, err := json.Marshal(m.detail)
	m.must(err)
	base, err := manifest.Current(ctx, m.store, part.Kind)
	m.must(err)
	now := m.clock.Now()
	m.must(manifest.Commit(ctx, m.store, part.Kind, &manifest.Manifest{
		Run: m.run(), Stage: "generate", Status: manifest.Done, Started: now, Finished: now, Base: base.N, Detail: detail,
	}))
	_, err = manifest.Advance(ctx, m.store, part.Kind, base, m.run())
	m.must(err)
	m.n++
	m.clock.add(refreshEvery)
}

// A client asks a server that listens.
type client struct {
	t      testing.TB
	url    string
	server *Server
	log    *logged
}

type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (m *market) serve(change ...func(*Options)) *client {
	m.t.Helper()
	log := &logged{}
	o := Options{Store: m.store, Log: slog.New(slog.NewTextHandler(log, nil)), Now: m.clock.Now}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	m.must(err)
	listening := httptest.NewUnstartedServer(s)
	listening.Listener = patient{listening.Listener, s.o.Stall}
	listening.Start()
	m.t.Cleanup(listening.Close)
	return &client{m.t, listening.URL, s, log}
}

// An answer is a response whose body was read to its end, or as far as it went;
// there is none where the connection ended before.
type answer struct {
	*http.Response
	body string
	err  error
}

// ask sends a request; headers are "Name: value", and "user:password" without a
// blank are credentials.
func (c *client) ask(method, path string, headers ...string) answer {
	c.t.Helper()
	r, err := http.NewRequest(method, c.url+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	for _, h := range headers {
		if name, value, found := strings.Cut(h, ": "); found {
			r.Header.Add(name, value)
		} else {
			user, password, _ := strings.Cut(h, ":")
			r.SetBasicAuth(user, password)
		}
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return answer{&http.Response{}, "", err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response, string(body), err}
}

func (c *client) get(path string, headers ...string) answer {
	c.t.Helper()
	return c.ask("GET", path, headers...)
}
