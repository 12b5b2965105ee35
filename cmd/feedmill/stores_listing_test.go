package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
)

// eventLog is a log in a folder for each hour. Its name is fixed up to the month.
const eventLog = `
warehouse: ${FEEDMILL_WAREHOUSE}
partitions: 2
sources:
  prices:
    path: ${FEEDMILL_DATA}/dt=2026-01-{version:*/*}/*.json
    format: json
    keep: log
    key: row.id
    order: row.n
    columns: {price: {type: int, value: row.price}}
offer: {from: prices}
`

// A run lists what its source's pattern can match, and not the rest of the bucket.
func TestEventLogListsItsPrefix(t *testing.T) {
	server := services.Run(t, services.StartS3)
	r := remoteS3(t, server)
	counter := newListings(t, server)
	r.settings = strings.ReplaceAll(r.settings, server.Endpoint(), counter.url)
	s := newShopOf(t, writeFile(t, eventLog), r.base+"/log/warehouse", r.base+"/log/events", r.settings, r.env...)
	events := r.open(t, s.data)
	write := func(name string) {
		t.Helper()
		data := fmt.Sprintf(`[{"id": %q, "n": 1, "price": 2}]`, name)
		if err := storage.WriteAll(t.Context(), events, name, storage.Exclusive, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 40 {
		write(fmt.Sprintf("dt=2025-12-%02d/hour=00/x.json", n+1)) // not of the pattern
	}
	for hour := range 5 {
		write(fmt.Sprintf("dt=2026-01-01/hour=%02d/x.json", hour))
	}
	for _, deliveries := range []int{5, 6} {
		if deliveries == 6 {
			write("dt=2026-01-02/hour=00/x.json")
		}
		counter.take()
		if said := s.must("aggregate"); !strings.Contains(said, fmt.Sprintf(": %d offers", deliveries)) {
			t.Errorf("%d deliveries: %s", deliveries, said)
		}
		got := slices.DeleteFunc(counter.take(), func(l listing) bool { return strings.HasPrefix(l.Prefix, "log/warehouse/") })
		if diff := cmp.Diff([]listing{{"log/events/dt=2026-01-", deliveries}}, got); diff != "" {
			t.Errorf("listed outside the warehouse (-want +got):\n%s", diff)
		}
	}
}

// A listing is a request that lists, and how many objects it was answered with.
type listing struct {
	Prefix  string
	Objects int
}

// listings is a server before another one that notes what is listed.
type listings struct {
	url  string
	mu   sync.Mutex
	seen []listing
}

func newListings(t *testing.T, server *services.S3) *listings {
	t.Helper()
	target, err := url.Parse(server.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	l := &listings{}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // which is signed
		},
		ModifyResponse: l.note,
	})
	t.Cleanup(proxy.Close)
	l.url = proxy.URL
	return l
}

func (l *listings) note(r *http.Response) error {
	query := r.Request.URL.Query()
	if r.Request.Method != http.MethodGet || query.Get("list-type") == "" {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, listing{query.Get("prefix"), bytes.Count(body, []byte("<Key>"))})
	return nil
}

// take returns what was listed since it was last asked.
func (l *listings) take() []listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.seen
	l.seen = nil
	return seen
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "feedmill.yaml")
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}
