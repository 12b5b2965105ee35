package serve

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/local"
)

func gunzip(t *testing.T, data string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What a robot asks for, and what it gets.
func TestFetch(t *testing.T) {
	m := newMarket(t)
	doc := m.feed("shop", false, items(300, 3))[0]
	many := m.feed("many", true, items(50, 5), items(60, 7))
	m.publish()
	c := m.serve()
	plain, packed := c.get("/feeds/shop.xml"), c.get("/feeds/shop.xml.gz")
	if plain.body != doc || gunzip(t, packed.body) != doc {
		t.Fatal("the bodies are not the feed")
	}
	tag, packedTag, modified := plain.Header.Get("Etag"), packed.Header.Get("Etag"), "Fri, 02 Jan 2026 03:04:05 GMT"
	if tag == packedTag || len(tag) != 34 {
		t.Errorf("ETags %s and %s", tag, packedTag)
	}
	size, packedSize := strconv.Itoa(len(doc)), strconv.Itoa(len(packed.body))
	type want struct {
		status  int
		body    string
		headers map[string]string
	}
	whole := want{200, doc, map[string]string{
		"Content-Length": size, "Content-Type": "application/xml; charset=utf-8", "Etag": tag, "Last-Modified": modified,
		"Accept-Ranges": "bytes", "Vary": "Accept-Encoding", "Cache-Control": "no-cache", "Content-Encoding": "",
	}}
	compressed := want{200, packed.body, map[string]string{
		"Content-Length": packedSize, "Content-Type": "application/xml; charset=utf-8", "Etag": packedTag, "Last-Modified": modified,
		"Content-Encoding": "gzip", "Vary": "Accept-Encoding",
	}}
	unchanged := want{304, "", map[string]string{"Etag": tag, "Content-Length": ""}}
	missing := want{404, "404 page not found\n", nil}
	for _, r := range []struct {
		method, path string
		headers      []string
		want         want
	}{
		{"GET", "/feeds/shop.xml", nil, whole},
		{"GET", "/feeds/shop.xml?utm=1", nil, whole},
		{"HEAD", "/feeds/shop.xml", nil, want{200, "", whole.headers}},
		{"GET", "/feeds/shop.xml.gz", nil, want{200, packed.body, map[string]string{"Content-Length": packedSize, "Content-Type": "application/gzip", "Content-Encoding": "", "Vary": ""}}},
		{"GET", "/feeds/shop.xml", []string{"Accept-Encoding: gzip, br"}, compressed},
		{"HEAD", "/feeds/shop.xml", []string{"Accept-Encoding: gzip"}, want{200, "", compressed.headers}},
		{"GET", "/feeds/shop.xml", []string{"If-None-Match: " + tag}, unchanged},
		{"GET", "/feeds/shop.xml", []string{"If-None-Match: W/" + tag}, unchanged},
		{"GET", "/feeds/shop.xml", []string{"If-None-Match: \"x\", " + tag}, unchanged},
		{"GET", "/feeds/shop.xml", []string{"If-None-Match: \"x\"", "If-None-Match: " + tag}, unchanged},
		{"GET", "/feeds/shop.xml", []string{"If-None-Match: " + packedTag}, whole},
		{"GET", "/feeds/shop.xml", []string{"If-None-Match: " + packedTag, "Accept-Encoding: gzip"}, want{304, "", map[string]string{"Etag": packedTag}}},
		{"GET", "/feeds/shop.xml", []string{"If-Modified-Since: " + modified}, unchanged},
		{"GET", "/feeds/shop.xml", []string{"If-Modified-Since: Fri, 02 Jan 2026 03:04:04 GMT"}, whole},
		{"GET", "/feeds/shop.xml", []string{"If-Modified-Since: Fri, 02 Jan 2026 03:04:06 GMT"}, whole},
		{"GET", "/feeds/shop.xml", []string{"If-Modified-Since: Fri, 02 Jan 2026 03:04:07 GMT"}, unchanged},
		{"GET", "/feeds/shop.xml", []string{"If-Match: \"x\""}, want{412, "", map[string]string{"Content-Length": "0"}}},
		{"GET", "/feeds/shop.xml", []string{"If-Match: \"x\"", "Accept-Encoding: gzip"}, want{412, "", map[string]string{"Content-Length": "0", "Content-Encoding": ""}}},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=5-9"}, want{206, doc[5:10], map[string]string{"Content-Range": "bytes 5-9/" + size, "Content-Length": "5", "Etag": tag}}},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=-9"}, want{206, doc[len(doc)-9:], map[string]string{"Content-Length": "9"}}},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=5000-"}, want{206, doc[5000:], nil}},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=2000-", "Accept-Encoding: gzip"}, want{206, packed.body[2000:], map[string]string{"Content-Encoding": "gzip", "Etag": packedTag}}},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=" + size + "-"}, want{416, "invalid range: failed to overlap\n", map[string]string{"Content-Range": "bytes */" + size}}},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=5-9", "If-Range: " + tag}, want{206, doc[5:10], nil}},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=5-9", "If-Range: " + packedTag}, whole},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=5-9", "If-Range: " + modified}, whole},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=0-0" + strings.Repeat(",2-2", maxRanges)}, whole},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=-0"}, want{416, "invalid range: failed to overlap\n", map[string]string{"Content-Range": "bytes */" + size}}},
		{"GET", "/feeds/shop.xml", []string{"Range: bytes=-0,5-9"}, want{206, doc[5:10], map[string]string{"Content-Range": "bytes 5-9/" + size}}},
		{"GET", "/feeds/shop.xml", []string{"Range: items=0-5"}, whole},
		{"HEAD", "/feeds/shop.xml", []string{"Range: bytes=5-9"}, want{200, "", whole.headers}},
		{"HEAD", "/feeds/shop.xml", []string{"Range: bytes=" + size + "-"}, want{200, "", whole.headers}},
		{"GET", "/feeds/many-1.xml", nil, want{200, many[0], nil}},
		{"GET", "/feeds/many-2.xml", nil, want{200, many[1], nil}},
		{"GET", "/feeds/many.xml", nil, want{404, "the files of this feed are many-1.xml to many-2.xml\n", nil}},
		{"GET", "/feeds/many-3.xml", nil, want{404, "the files of this feed are many-1.xml to many-2.xml\n", nil}},
		{"GET", "/feeds/many-01.xml", nil, missing},
		{"GET", "/feeds/shop-1.xml", nil, want{404, "the only file of this feed is shop.xml\n", nil}},
		{"GET", "/feeds/nothing.xml", nil, missing},
		{"GET", "/feeds/shop", nil, missing},
		{"GET", "/feeds/shop.xml/", nil, missing},
		{"GET", "/feeds/", nil, missing},
		{"GET", "/feeds/..%2f..%2fetc%2fpasswd", nil, missing},
		{"GET", "/feeds/%2e%2e", nil, missing},
		{"GET", "/feeds/shop.xml%00", nil, missing},
		{"GET", "/feedmill.yaml", nil, missing},
		{"POST", "/feeds/shop.xml", nil, want{405, "Method Not Allowed\n", map[string]string{"Allow": "GET, HEAD"}}},
	} {
		got := c.ask(r.method, r.path, r.headers...)
		name := fmt.Sprint(r.method, " ", r.path, " ", r.headers)
		if got.StatusCode != r.want.status || got.err != nil {
			t.Errorf("%s: %d, %v, want %d", name, got.StatusCode, got.err, r.want.status)
		}
		if got.body != r.want.body {
			t.Errorf("%s: %d bytes %.60q, want %d %.60q", name, len(got.body), got.body, len(r.want.body), r.want.body)
		}
		for h, v := range r.want.headers {
			if got.Header.Get(h) != v {
				t.Errorf("%s: %s: %q, want %q", name, h, got.Header.Get(h), v)
			}
		}
	}
}

func TestSeveralRanges(t *testing.T) {
	m := newMarket(t)
	doc := m.feed("shop", false, items(3000, 3))[0]
	m.publish()
	got := m.serve().get("/feeds/shop.xml", fmt.Sprintf("Range: bytes=3-20, 100-40000,-7, %d-", len(doc)-1))
	_, parameters, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	m.must(err)
	r := multipart.NewReader(strings.NewReader(got.body), parameters["boundary"])
	for _, want := range []string{doc[3:21], doc[100:40001], doc[len(doc)-7:], doc[len(doc)-1:]} {
		p, err := r.NextPart()
		m.must(err)
		text, err := io.ReadAll(p)
		if err != nil || string(text) != want {
			t.Errorf("%s: %d bytes, %v, want %d", p.Header.Get("Content-Range"), len(text), err, len(want))
		}
	}
	if _, err := r.NextPart(); err != io.EOF {
		t.Errorf("a part more: %v", err)
	}
}

// What http.ServeContent has left behind reads on until it is told that the answer is
// over, and not a byte after that. The race detector watches.
func TestSeveralEnds(t *testing.T) {
	m := newMarket(t)
	m.feed("shop", false, items(30_000, 3))
	m.publish()
	c := m.serve()
	catalog, err := part.Published(t.Context(), m.store)
	m.must(err)
	o, err := c.server.shelf.open(t.Context(), catalog, "shop")
	m.must(err)
	for range 20 {
		body := o.document(o.file("shop"), false).Open(t.Context(), m.store, 1)
		s, begun, left := &several{body: body}, make(chan struct{}), make(chan error)
		go func() {
			once := sync.OnceFunc(func() { close(begun) })
			for {
				if _, err := s.Read(make([]byte, 100)); err == io.EOF {
					_, err = s.Seek(0, io.SeekStart)
					m.must(err)
				} else if err != nil {
					left <- err
					return
				}
				once()
			}
		}()
		<-begun
		s.end()
		m.must(body.Err())
		m.must(body.Close())
		if err := <-left; !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	}
}

// A feed that did not change keeps its bytes, ETag and Last-Modified; when it
// changes all of them do.
func TestRuns(t *testing.T) {
	m := newMarket(t)
	m.feed("shop", false, items(30, 3))
	m.publish()
	c := m.serve()
	first := c.get("/feeds/shop.xml")
	m.clock.add(time.Hour)
	m.feed("other", false, items(3, 3))
	m.publish()
	if got := c.get("/feeds/shop.xml", "If-None-Match: "+first.Header.Get("Etag")); got.StatusCode != 304 {
		t.Errorf("unchanged: %d", got.StatusCode)
	}
	if diff := cmp.Diff(withoutDate(first.Header), withoutDate(c.get("/feeds/shop.xml").Header)); diff != "" {
		t.Errorf("unchanged: %s", diff)
	}
	if got := c.get("/feeds/other.xml"); got.StatusCode != 200 {
		t.Errorf("a new feed: %d", got.StatusCode)
	}
	doc := m.feed("shop", false, items(31, 3))[0]
	m.publish()
	got := c.get("/feeds/shop.xml", "If-None-Match: "+first.Header.Get("Etag"), "If-Modified-Since: "+first.Header.Get("Last-Modified"))
	if got.StatusCode != 200 || got.body != doc || got.Header.Get("Last-Modified") == first.Header.Get("Last-Modified") {
		t.Errorf("changed: %d, %v", got.StatusCode, got.Header)
	}
	delete(m.detail.Feeds, "other")
	m.publish()
	if got := c.get("/feeds/other.xml"); got.StatusCode != 404 {
		t.Errorf("a feed that is gone: %d", got.StatusCode)
	}
}

// A robot that asks whether a feed changed is told so, too, when somebody goes back to
// an earlier run.
func TestGoingBack(t *testing.T) {
	m := newMarket(t)
	good := m.feed("shop", false, items(30, 3))[0]
	m.publish()
	first, err := manifest.Current(t.Context(), m.store, part.Kind)
	m.must(err)
	c := m.serve()
	m.clock.add(time.Hour)
	m.feed("shop", false, items(31, 3))
	m.publish()
	bad := c.get("/feeds/shop.xml")
	m.clock.add(time.Minute)
	current, err := manifest.Current(t.Context(), m.store, part.Kind)
	m.must(err)
	published, err := part.Published(t.Context(), m.store)
	m.must(err)
	earlier, err := manifest.Read(t.Context(), m.store, part.Kind, first.Run)
	m.must(err)
	detail, err := part.DetailOf(earlier)
	m.must(err)
	_, err = manifest.AdvanceTo(t.Context(), m.store, part.Kind, current, first.Run, published.Changed(detail.Feeds, m.clock.Now()))
	m.must(err)
	m.clock.add(time.Minute)
	got := c.get("/feeds/shop.xml", "If-Modified-Since: "+bad.Header.Get("Last-Modified"))
	if got.StatusCode != 200 || got.body != good || got.Header.Get("Last-Modified") == bad.Header.Get("Last-Modified") {
		t.Errorf("%d, %v", got.StatusCode, got.Header)
	}
}

func withoutDate(h http.Header) http.Header {
	h.Del("Date")
	return h
}

// begin begins to fetch a feed of 30 MB, more than what lies on the way between two
// processes.
func begin(t *testing.T, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.ContentLength < 30e6 {
		t.Fatalf("it has %d bytes", response.ContentLength)
	}
	return response
}

// A download that began before a publish is finished on its own run.
func TestPublishDuringADownload(t *testing.T) {
	m := newMarket(t)
	doc := m.feed("shop", false, items(450_000, 3))[0]
	m.publish()
	c := m.serve()
	response := begin(t, c.url+"/feeds/shop.xml")
	defer response.Body.Close()
	first := make([]byte, 1000)
	_, err := io.ReadFull(response.Body, first)
	m.must(err)
	changed := m.feed("shop", false, items(450_000, 4))[0]
	m.publish()
	if got := c.get("/feeds/shop.xml"); got.body != changed {
		t.Error("the new run is not served")
	}
	rest, err := io.ReadAll(response.Body)
	m.must(err)
	if string(first)+string(rest) != doc {
		t.Error("the download is not of its run")
	}
}

// Two hundred robots fetch while one run after the other is published: each gets
// one whole run's feed.
func TestManyDownloads(t *testing.T) {
	m := newMarket(t)
	var known sync.Map
	known.Store(m.feed("shop", false, items(2000, 1))[0], true)
	m.publish()
	c := m.serve()
	var robots sync.WaitGroup
	for i := range 200 {
		robots.Go(func() {
			for range 3 {
				path := []string{"/feeds/shop.xml", "/feeds/shop.xml.gz"}[i%2]
				got := c.get(path)
				body := got.body
				if i%2 == 1 {
					body = gunzip(t, body)
				}
				if _, found := known.Load(body); !found || got.err != nil || got.StatusCode != 200 {
					t.Errorf("%d, %v: %d bytes that are no run's", got.StatusCode, got.err, len(body))
				}
			}
		})
	}
	fetched := make(chan struct{})
	go func() { robots.Wait(); close(fetched) }()
	for seed := 2; ; seed++ {
		known.Store(m.feed("shop", false, items(2000+seed, seed))[0], true)
		m.publish()
		select {
		case <-fetched:
			if seed < 4 {
				t.Errorf("only %d runs were published meanwhile", seed)
			}
			return
		default:
		}
	}
}

// A damaged segment ends the connection before the announced length, or, where nothing
// was sent yet, is answered as what cannot be read; the log says which
// object it is, the client does not learn of it.
func TestDamage(t *testing.T) {
	m := newMarket(t)
	doc := m.feed("shop", false, items(60_000, 3))[0]
	m.publish()
	name := "feeds/" + m.detail.Feeds["shop"].Run + "/shop/00000.part"
	data, err := storage.ReadAll(t.Context(), m.store, name)
	m.must(err)
	data[len(data)/2] ^= 1
	m.must(storage.WriteAll(t.Context(), m.store, name, storage.Replace, data))
	c := m.serve()
	for _, path := range []string{"/feeds/shop.xml", "/feeds/shop.xml.gz"} {
		got := c.get(path)
		if got.err == nil || got.StatusCode != 200 || len(got.body) == 0 || strings.HasSuffix(path, ".xml") && !strings.HasPrefix(doc, got.body) {
			t.Errorf("%s: %d, %d bytes, %v", path, got.StatusCode, len(got.body), got.err)
		}
	}
	if got := c.get("/feeds/shop.xml", "Range: bytes=-100"); got.err != nil || got.body != doc[len(doc)-100:] {
		t.Errorf("the end is whole: %v", got.err)
	}
	data[100] ^= 1
	m.must(storage.WriteAll(t.Context(), m.store, name, storage.Replace, data))
	for _, asked := range []string{"X-Nothing: asked", "Range: bytes=0-999"} {
		for _, path := range []string{"/feeds/shop.xml", "/feeds/shop.xml.gz"} {
			if got := c.get(path, asked); got.err != nil || got.StatusCode != 503 || got.body != "the feed cannot be read\n" {
				t.Errorf("%s, %s: %d, %q, %v", path, asked, got.StatusCode, got.body, got.err)
			}
		}
	}
	if !strings.Contains(c.log.String(), name) {
		t.Errorf("the log does not name the object:\n%s", c.log)
	}
}

// More downloads than there may be are told to come again; what sends no bytes of a
// feed is none.
func TestTooManyDownloads(t *testing.T) {
	m := newMarket(t)
	m.feed("shop", false, items(450_000, 3))
	m.publish()
	c := m.serve(func(o *Options) { o.Downloads = 1 })
	response := begin(t, c.url+"/feeds/shop.xml")
	tag := response.Header.Get("Etag")
	for _, r := range []struct {
		method, path string
		header       string
		want         int
	}{
		{"GET", "/feeds/shop.xml", "X-Nothing: asked", 503},
		{"GET", "/feeds/shop.xml.gz", "X-Nothing: asked", 503},
		{"GET", "/feeds/shop.xml", "Range: bytes=0-9", 503},
		{"GET", "/feeds/shop.xml", "Range: bytes=0-9,100-109", 503},
		{"GET", "/feeds/shop.xml", "If-None-Match: " + tag, 304},
		{"GET", "/feeds/shop.xml", "If-Modified-Since: " + response.Header.Get("Last-Modified"), 304},
		{"GET", "/feeds/shop.xml", `If-Match: "x"`, 412},
		{"GET", "/feeds/shop.xml", "Range: bytes=99999999-", 416},
		{"GET", "/feeds/shop.json", "X-Nothing: asked", 200},
		{"HEAD", "/feeds/shop.xml", "X-Nothing: asked", 200},
		{"GET", "/healthz", "X-Nothing: asked", 200},
	} {
		got := c.ask(r.method, r.path, r.header)
		if got.StatusCode != r.want {
			t.Errorf("%s %s, %s: %d, want %d", r.method, r.path, r.header, got.StatusCode, r.want)
		}
		if r.want == 503 && (got.Header.Get("Retry-After") == "" || got.Header.Get("Etag") != "" || got.body != "too many downloads at once\n") {
			t.Errorf("%s %s, %s: %v %q", r.method, r.path, r.header, got.Header, got.body)
		}
	}
	m.must(response.Body.Close())
	c.server.limiter <- struct{}{} // waits for the first to be over
	<-c.server.limiter
	if got := c.get("/feeds/shop.xml"); got.StatusCode != 200 {
		t.Errorf("afterwards: %d", got.StatusCode)
	}
	if n := len(c.server.limiter); n > 0 {
		t.Errorf("%d tokens are kept", n)
	}
}

// A client that takes nothing is left.
func TestStall(t *testing.T) {
	m := newMarket(t)
	m.feed("shop", false, items(450_000, 3))
	m.publish()
	c := m.serve(func(o *Options) { o.Stall, o.Downloads = 10*time.Millisecond, 1 })
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	m.must(err)
	defer conn.Close()
	_, err = fmt.Fprint(conn, "GET /feeds/shop.xml HTTP/1.1\r\nHost: x\r\n\r\n")
	m.must(err)
	_, err = io.ReadFull(conn, make([]byte, 100))
	m.must(err)
	c.server.limiter <- struct{}{} // waits for the server to give up
	rest, err := io.Copy(io.Discard, conn)
	if size := m.detail.Feeds["shop"].Bytes; rest >= size {
		t.Errorf("%d bytes came, %v", rest, err)
	}
}

// When the server stops, downloads have time to finish, and no more than that.
func TestStop(t *testing.T) {
	m := newMarket(t)
	doc := m.feed("shop", false, items(450_000, 3))[0]
	m.publish()
	for _, c := range []struct {
		name    string
		grace   time.Duration
		patient bool
	}{{"finishes", time.Hour, true}, {"is cut off", time.Millisecond, false}} {
		t.Run(c.name, func(t *testing.T) {
			client := m.serve(func(o *Options) { o.Grace = c.grace })
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			m.must(err)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- client.server.Run(ctx, listener) }()
			response := begin(t, "http://"+listener.Addr().String()+"/feeds/shop.xml")
			defer response.Body.Close()
			stop()
			if !c.patient {
				m.must(<-ended)
			}
			body, err := io.ReadAll(response.Body)
			if complete := err == nil && string(body) == doc; complete != c.patient {
				t.Errorf("%d of %d bytes, %v", len(body), len(doc), err)
			}
			if c.patient {
				m.must(<-ended)
			}
			if _, err := http.Get("http://" + listener.Addr().String() + "/healthz"); err == nil {
				t.Error("it goes on")
			}
		})
	}
}

// Where current cannot be read, what was published before is served on; the server
// calls itself ill when that goes on, and before anything could be read at once.
func TestUnreadableCatalog(t *testing.T) {
	m := newMarket(t)
	doc := m.feed("shop", false, items(30, 3))[0]
	m.publish()
	sick := &sickStore{Store: m.store}
	c := m.serve(func(o *Options) { o.Store = sick })
	sick.set(true)
	for _, path := range []string{"/feeds/shop.xml", "/healthz", "/"} {
		got := c.get(path)
		if got.StatusCode != 503 || strings.Contains(got.body, "current") {
			t.Errorf("%s: %d %q", path, got.StatusCode, got.body)
		}
	}
	if !strings.Contains(c.log.String(), "feeds/current") {
		t.Errorf("the log does not say what is wrong:\n%s", c.log)
	}
	sick.set(false)
	m.clock.add(time.Minute)
	if got := c.get("/feeds/shop.xml"); got.body != doc {
		t.Errorf("well again: %d", got.StatusCode)
	}
	sick.set(true)
	for _, step := range []struct {
		after  time.Duration
		health int
	}{{2 * time.Second, 200}, {staleAfter, 503}} {
		m.clock.add(step.after)
		if got := c.get("/healthz"); got.StatusCode != step.health {
			t.Errorf("health after %s: %d", step.after, got.StatusCode)
		}
		if got := c.get("/feeds/shop.xml"); got.body != doc {
			t.Errorf("feed after %s: %d", step.after, got.StatusCode)
		}
	}
	if got := c.get("/"); !strings.Contains(got.body, "cannot be read") {
		t.Error("the page does not tell")
	}
}

// A warehouse that is not there any more is one that cannot be read, and not one
// where nothing is published.
func TestWarehouseGone(t *testing.T) {
	m := newMarket(t)
	dir := filepath.Join(t.TempDir(), "warehouse")
	m.store = local.New(dir)
	doc := m.feed("shop", false, items(30, 3))[0]
	m.feed("other", false, items(30, 3)) // is not asked for before
	m.publish()
	c := m.serve()
	for _, step := range []struct {
		name         string
		do           func()
		after        time.Duration
		asked        string
		feed, health int
	}{
		{"there", func() {}, 0, "shop", 200, 200},
		{"gone", func() { m.must(os.Rename(dir, dir+"-away")) }, 2 * time.Second, "other", 503, 200},
		{"gone for long", func() {}, staleAfter, "other", 503, 503},
		{"back", func() { m.must(os.Rename(dir+"-away", dir)) }, 2 * time.Second, "shop", 200, 200},
	} {
		step.do()
		m.clock.add(step.after)
		if got := c.get("/feeds/" + step.asked + ".xml"); got.StatusCode != step.feed || step.feed == 200 && got.body != doc {
			t.Errorf("%s: the feed: %d", step.name, got.StatusCode)
		}
		if got := c.get("/healthz"); got.StatusCode != step.health {
			t.Errorf("%s: health: %d", step.name, got.StatusCode)
		}
		if got := c.get("/feeds/nothing.xml"); got.StatusCode != 404 {
			t.Errorf("%s: what there never was: %d", step.name, got.StatusCode)
		}
	}
	for line, want := range map[string]int{
		`level=ERROR msg="the published feeds cannot be read anew" error="nothing is published where run 20260102T030405.000Z-abcdef was`: 1,
		`level=INFO msg="the published feeds can be read again"`:                                                                          1,
	} {
		if n := strings.Count(c.log.String(), line); n != want {
			t.Errorf("%d times %s:\n%s", n, line, c.log)
		}
	}
}

// A sickStore fails all listings while it is sick.
type sickStore struct {
	storage.Store
	mu   sync.Mutex
	sick bool
}

func (s *sickStore) set(sick bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sick = sick
}

func (s *sickStore) now() storage.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sick {
		return fault.New(s.Store, fault.Plan{Forever: true})
	}
	return s.Store
}

func (s *sickStore) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return s.now().List(ctx, prefix)
}

// Whichever storage operation fails while a feed is fetched: the whole feed, or a
// visible failure.
func TestAnyOperationMayFail(t *testing.T) {
	m := newMarket(t)
	doc := m.feed("shop", false, items(3000, 3))[0]
	m.publish()
	n := 0
	for ; ; n++ {
		broken := fault.New(m.store, fault.Plan{At: n})
		got := m.serve(func(o *Options) { o.Store = broken }).get("/feeds/shop.xml")
		whole := got.err == nil && got.StatusCode == 200
		if whole && got.body != doc || !whole && !broken.Fired() {
			t.Fatalf("operation %d: %d bytes, %v", n, len(got.body), got.err)
		}
		if whole && broken.Fired() && !strings.Contains(broken.Failure().Name, "/withheld/") { // who is held is for the page alone
			t.Fatalf("operation %d: %v was not noticed", n, broken.Failure())
		}
		if !broken.Fired() {
			break
		}
	}
	if n < 5 {
		t.Errorf("only %d operations", n)
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZip": true, "x-gzip": true, "deflate, gzip;q=1.0, *;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0": false,
		"*": true, "*;q=0": false, "br": false, "identity": false, "identity, gzip;q=0.5": false, "identity;q=0.5, gzip": true, "gzip;q=nonsense": false,
		"gzip;q=2": false, ",,gzip": true, "gzip;level=9": true, "*;q=0.5, gzip;q=0": false,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestDescription(t *testing.T) {
	m := newMarket(t)
	m.feed("many", true, items(5, 5), items(6, 7))
	m.publish()
	c := m.serve()
	got := c.get("/feeds/many.json")
	first, packed := c.ask("HEAD", "/feeds/many-1.xml"), c.ask("HEAD", "/feeds/many-2.xml.gz")
	for _, want := range []string{
		`"feed": "many"`, `"run": "20260102T030405.000Z-abcdef"`, `"updated": "2026-01-02T03:04:05Z"`, `"items": 11`,
		`"path": "/feeds/many-1.xml"`, `"path": "/feeds/many-2.xml.gz"`, `"bytes": ` + first.Header.Get("Content-Length"),
		`"bytes": ` + packed.Header.Get("Content-Length"), strconv.Quote(first.Header.Get("Etag")), strconv.Quote(packed.Header.Get("Etag")),
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("it lacks %s:\n%s", want, got.body)
		}
	}
	if again := c.get("/feeds/many.json", "If-None-Match: "+got.Header.Get("Etag")); again.StatusCode != 304 {
		t.Errorf("again: %d", again.StatusCode)
	}
	if got := c.get("/feeds/many-1.json"); got.StatusCode != 404 {
		t.Errorf("of a file: %d", got.StatusCode)
	}
}

func TestMetrics(t *testing.T) {
	m := newMarket(t)
	doc := m.feed("shop", false, items(30, 3))[0]
	m.publish()
	c := m.serve()
	c.get("/feeds/shop.xml")
	c.get("/feeds/shop.xml", "Range: bytes=0-9")
	c.get("/feeds/nothing.xml")
	c.ask("BREW", "/feeds/shop.xml")
	got := c.get("/metrics").body
	for _, want := range []string{
		`feedmill_requests_total{code="200",kind="xml",method="get"} 1`, `feedmill_requests_total{code="206",kind="xml",method="get"} 1`,
		`feedmill_requests_total{code="404",kind="xml",method="get"} 1`, `feedmill_requests_total{code="405",kind="xml",method="other"} 1`,
		"feedmill_published_feeds 1", "feedmill_published_items 30", "feedmill_held_feeds 0", "feedmill_published_timestamp_seconds 1.767323045e+09",
		"feedmill_requests_under_way 1", "feedmill_broken_total 0", "go_goroutines",
	} {
		if !strings.Contains(got, want+"\n") && !strings.Contains(got, want+" ") {
			t.Errorf("it lacks %s", want)
		}
	}
	sent := fmt.Sprintf(`feedmill_sent_bytes_total{kind="xml"} %d`, len(doc)+10+len("404 page not found\n")+len("Method Not Allowed\n"))
	if !strings.Contains(got, sent) {
		t.Errorf("it lacks %s", sent)
	}
	if strings.Contains(got, "shop") {
		t.Error("it names a feed")
	}
}

// The log says who fetched what and how it ended, without secrets.
func TestAccessLog(t *testing.T) {
	m := newMarket(t)
	m.feed("shop", false, items(30, 3))
	m.publish()
	c := m.serve(withUsers)
	c.get("/feeds/shop.xml?token=abc", "shopper:right", "Range: bytes=0-9", "User-Agent: robot/1")
	var fields []string
	for _, f := range strings.Fields(c.log.String()) {
		name, _, _ := strings.Cut(f, "=")
		if name != "time" && name != "seconds" && name != "remote" {
			fields = append(fields, f)
		}
	}
	want := []string{"level=INFO", "msg=request", "method=GET", "path=/feeds/shop.xml", "status=206", "bytes=10", "agent=robot/1", "user=shopper", "run=20260102T030405.000Z-abcdef", `range="bytes=0-9"`}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
}

// A server whose listener fails says so.
func TestListenerFails(t *testing.T) {
	m := newMarket(t)
	c := m.serve()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	m.must(err)
	m.must(listener.Close())
	if err := c.server.Run(t.Context(), listener); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run: %v", err)
	}
}

func TestNothingPublished(t *testing.T) {
	c := newMarket(t).serve()
	for path, want := range map[string]int{"/feeds/shop.xml": 503, "/healthz": 200, "/": 200, "/metrics": 200} {
		if got := c.get(path); got.StatusCode != want {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if got := c.get("/"); !bytes.Contains([]byte(got.body), []byte("Nothing is published yet")) {
		t.Error("the page does not tell")
	}
}
