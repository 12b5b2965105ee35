package generate

import (
	"context"
	"encoding/xml"
	"fmt"
	"html"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

const threeFeeds = `
feed: wellcome
template: shop
where: offer.seller == "WELLCOME" && offer.price < 50.0
fields: {title: offer.title, price: offer.price}
params: {title: "Wellcome & friends"}
---
feed: everything
template: shop
where: "true"
fields: {title: offer.title, price: offer.price}
params: {title: All}
---
feed: german
template: shop
where: offer.stock > 0
fields: {title: 'coalesce(offer.title_de, offer.title)', price: offer.price * 2.0}
params: {title: Deutsch, utm: "a&b"}
`

// text is a row's value as the template prints it, "" for null.
func text(row map[string]any, name string) string {
	v, found := row[name]
	if !found {
		return ""
	}
	return fmt.Sprint(v)
}

// wanted renders an item by hand.
func wanted(row map[string]any, title, price, more string) string {
	escape := func(s string) string {
		return strings.NewReplacer("&#34;", `"`, "&#39;", "'").Replace(html.EscapeString(s))
	}
	if runes := []rune(title); len(runes) > 20 {
		title = string(runes[:20])
	}
	if price != "" {
		price += " HKD"
	}
	return "<item><id>" + text(row, "id") + "</id><title>" + escape(title) + "</title><price>" + price + "</price>" + more + "</item>"
}

func price(row map[string]any) float64 {
	var f float64
	fmt.Sscan(text(row, "price"), &f)
	return f
}

// Feeds hold what a reading of the rows by hand gives.
func TestFeeds(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(1, 2)), 500))
	report := m.generate(manifest.Done)
	want := map[string][]string{}
	left := map[string]int64{}
	add := func(feed string, row map[string]any, title, price, more string) {
		if title == "" {
			left[feed]++
			return
		}
		want[feed] = append(want[feed], wanted(row, title, price, more))
	}
	for _, row := range m.rows {
		if row["seller"] == "WELLCOME" && row["price"] != nil && price(row) < 50 {
			add("wellcome", row, text(row, "title"), text(row, "price"), "")
		}
		add("everything", row, text(row, "title"), text(row, "price"), "")
		if stock, found := row["stock"]; found && stock.(int) > 0 {
			title, double := text(row, "title_de"), ""
			if title == "" {
				title = text(row, "title")
			}
			if row["price"] != nil {
				double = fmt.Sprintf("%.2f", 2*price(row))
			}
			add("german", row, title, double, "<utm>a&amp;b</utm>")
		}
	}
	for feed, items := range want {
		checkFeed(t, m, report, feed, items, left[feed])
	}
	if report.Offers != 500 || report.Renderings != 2 || report.Snapshot == "" {
		t.Errorf("%d offers, %d renderings, snapshot %q", report.Offers, report.Renderings, report.Snapshot)
	}
}

func checkFeed(t *testing.T, m *market, report *Report, feed string, want []string, left int64) {
	t.Helper()
	doc := m.export(feed)[0]
	if err := xml.Unmarshal([]byte(doc), new(struct{})); err != nil {
		t.Errorf("feed %s is no XML: %v", feed, err)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, items(doc)); diff != "" {
		t.Errorf("feed %s (-want +got):\n%s", feed, diff)
	}
	head := fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed name=%q items=\"%d\" updated=\"2026-01-02T03:06:05Z\">\n", feed, len(want))
	if !strings.HasPrefix(doc, head) || !strings.HasSuffix(doc, "</feed>\n") {
		t.Errorf("feed %s begins %.150q", feed, doc)
	}
	f := report.Feeds[feed]
	if f.Items != int64(len(want)) || f.Bytes != int64(len(doc)) || f.Files != 1 || f.Verdict != guard.Pass || f.Published != report.Run || f.Left["required title"] != left {
		t.Errorf("report of %s: %+v, want %d items, %d left out", feed, f, len(want), left)
	}
}

func (m *market) read(name string) string {
	m.t.Helper()
	data, err := readAll(m.store, name)
	m.must(err)
	return data
}

func TestUnchanged(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(5, 6)), 200))
	first := m.generate(manifest.Done)
	docs := m.export("everything")
	again := m.generate(manifest.Unchanged)
	if diff := cmp.Diff(first.Feeds, again.Feeds); diff != "" {
		t.Errorf("the report of an unchanged run (-first +again):\n%s", diff)
	}
	if again.Offers != first.Offers || again.Snapshot != first.Snapshot || again.Renderings != first.Renderings {
		t.Errorf("an unchanged run reports %d offers of %s", again.Offers, again.Snapshot)
	}
	if m.current() != first.Run {
		t.Errorf("an unchanged run is current")
	}

	// Another snapshot of the same offers: a new run, the same bytes.
	m.aggregate(m.rows)
	second := m.generate(manifest.Done)
	if m.current() != second.Run || second.Feeds["everything"].Published != first.Run {
		t.Errorf("current is %s, everything is served from %s", m.current(), second.Feeds["everything"].Published)
	}
	if diff := cmp.Diff(docs, m.export("everything")); diff != "" {
		t.Error(diff)
	}

	// One offer less: only feeds with it change.
	at := slices.IndexFunc(m.rows, func(r map[string]any) bool {
		return r["seller"] != "WELLCOME" && r["stock"] == 0 && r["title"] != nil
	})
	m.aggregate(slices.Delete(slices.Clone(m.rows), at, at+1))
	third := m.generate(manifest.Done)
	for feed, run := range map[string]string{"everything": third.Run, "wellcome": first.Run, "german": first.Run} {
		if third.Feeds[feed].Published != run {
			t.Errorf("feed %s is served from %s, want %s", feed, third.Feeds[feed].Published, run)
		}
	}
	if got := *third.Feeds["everything"].Before; got != first.Feeds["everything"].Items {
		t.Errorf("before: %d items", got)
	}
}

func (m *market) current() string {
	m.t.Helper()
	p, err := manifest.Current(context.Background(), m.store, part.Kind)
	m.must(err)
	return p.Run
}

// A changed definition makes its feed anew, and only that.
func TestRedefined(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(7, 8)), 200))
	first := m.generate(manifest.Done)
	m.define(strings.Replace(threeFeeds, "title: All", "title: Everything", 1))
	second := m.generate(manifest.Done)
	for feed, redefined := range map[string]bool{"everything": true, "wellcome": false, "german": false} {
		f := second.Feeds[feed]
		if f.Redefined != redefined || (f.Published == second.Run) != redefined {
			t.Errorf("feed %s: redefined %v, served from %s", feed, f.Redefined, f.Published)
		}
	}
	if doc := m.export("everything")[0]; !strings.Contains(doc, "<title>Everything</title>") {
		t.Errorf("the header did not change: %.200s", doc)
	}
	m.define(strings.Join(strings.Split(threeFeeds, "---")[:2], "---"))
	m.generate(manifest.Done)
	if _, err := export(m.store, "german"); err == nil {
		t.Error("a feed that is not defined any more is still published")
	}
	if first.Run == second.Run {
		t.Error("two runs have one id")
	}
}

// Only feeds whose expressions read `now` are made again for another time.
func TestNow(t *testing.T) {
	m := newMarket(t, `
feed: recent
template: shop
where: now - offer.seen < duration("60h")
fields: {title: offer.title, price: offer.price}
`)
	m.aggregate([]map[string]any{
		{"id": "a", "title": "A", "seen": "2026-01-01T00:00:00Z"}, {"id": "b", "title": "B", "seen": "2026-01-03T00:00:00Z"}, {"id": "c", "title": "C"},
	})
	at := func(text string) func(*Options) {
		when, err := time.Parse(time.RFC3339, text)
		m.must(err)
		return func(o *Options) { o.At = when }
	}
	report := m.generate(manifest.Done, at("2026-01-03T00:00:00Z"))
	if got := ids(m.export("recent")[0]); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("on the 3rd: %v", got)
	}
	if f := report.Feeds["recent"]; f.Undecided != 1 || f.Errors != 0 || f.Samples[0].Offer != "c" {
		t.Errorf("report: %+v", f)
	}
	m.generate(manifest.Unchanged, at("2026-01-03T00:00:00Z"))
	m.generate(manifest.Unchanged, at("2026-01-03T01:00:00Z"))
	m.generate(manifest.Done, at("2026-01-04T00:00:00Z"))
	if got := ids(m.export("recent")[0]); !slices.Equal(got, []string{"b"}) {
		t.Errorf("on the 4th: %v", got)
	}
}

// With --feed the other feeds stay as they are.
func TestSomeFeeds(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(9, 10)), 200)
	m.aggregate(rows)
	first := m.generate(manifest.Done)
	m.aggregate(rows[:190])
	only := func(o *Options) { o.Feeds = []string{"german"} }
	second := m.generate(manifest.Done, only)
	if len(second.Feeds) != 1 || second.Feeds["german"].Published != second.Run {
		t.Errorf("report: %+v", second.Feeds)
	}
	if got := len(ids(m.export("everything")[0])); int64(got) != first.Feeds["everything"].Items {
		t.Errorf("everything has %d items", got)
	}
	m.generate(manifest.Unchanged, only)
	third := m.generate(manifest.Done)
	if third.Feeds["german"].Published != second.Run || third.Feeds["everything"].Published != third.Run {
		t.Errorf("german from %s, everything from %s", third.Feeds["german"].Published, third.Feeds["everything"].Published)
	}
	_, err := Run(context.Background(), func() Options { o := m.options(); o.Feeds = []string{"germn"}; return o }())
	if err == nil || err.Error() != "there is no enabled feed germn" {
		t.Errorf("an unknown feed: %v", err)
	}
}

func TestOldSnapshot(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(9, 10)), 100)
	old := m.aggregate(rows[:90])
	m.aggregate(rows)
	new := m.generate(manifest.Done)
	back := m.generate(manifest.Done, func(o *Options) { o.Snapshot = old })
	if back.Offers != 90 || new.Offers != 100 || back.Snapshot != old {
		t.Errorf("%d and %d offers", new.Offers, back.Offers)
	}
}

// A feed that the guard holds keeps what is published; the run says so until it
// is over.
func TestHeld(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(11, 12)), 200)
	m.aggregate(rows)
	first := m.generate(manifest.Done)
	docs := m.export("wellcome")
	var fewer []map[string]any
	for _, r := range rows {
		if r["seller"] != "WELLCOME" {
			fewer = append(fewer, r)
		}
	}
	m.aggregate(fewer)
	second := m.generate(manifest.Held)
	f := second.Feeds["wellcome"]
	if f.Verdict != guard.Hold || len(f.Reasons) == 0 || f.Published != first.Run || f.Items != 0 || *f.Before != first.Feeds["wellcome"].Items {
		t.Errorf("report: %+v", f)
	}
	if diff := cmp.Diff(docs, m.export("wellcome")); diff != "" {
		t.Errorf("a held feed changed: %s", diff)
	}
	if second.Feeds["everything"].Published != second.Run {
		t.Errorf("everything is served from %s", second.Feeds["everything"].Published)
	}
	if _, err := part.OpenFeed(context.Background(), m.store, part.IndexName(second.Run, "wellcome")); err != nil {
		t.Errorf("a held feed has no index to approve: %v", err)
	}
	again := m.generate(manifest.Held)
	if diff := cmp.Diff(second.Feeds, again.Feeds); diff != "" {
		t.Errorf("again: %s", diff)
	}
	m.aggregate(rows)
	m.generate(manifest.Done)
}

// Too many held feeds hold the whole run.
func TestRunHeld(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(13, 14)), 200)
	m.aggregate(rows)
	first := m.generate(manifest.Done)
	m.aggregate(rows[:20])
	second := m.generate(manifest.Held)
	if len(second.Reasons) != 1 || second.Reasons[0].Check != "held_feeds" || m.current() != first.Run {
		t.Errorf("reasons %+v, current %s", second.Reasons, m.current())
	}
	for feed, f := range second.Feeds {
		if f.Published != first.Run {
			t.Errorf("feed %s is served from %s", feed, f.Published)
		}
	}
	m.generate(manifest.Held)
}

func TestFailures(t *testing.T) {
	m := newMarket(t, threeFeeds)
	if _, err := Run(context.Background(), m.options()); err == nil || err.Error() != "there is no snapshot yet: run aggregate first" {
		t.Errorf("without a snapshot: %v", err)
	}
	m.aggregate(randomRows(rand.New(rand.NewPCG(1, 1)), 20))
	lease, err := manifest.Acquire(context.Background(), m.store, stage, manifest.LeaseOptions{Owner: "other:1", Now: func() time.Time { return m.clock }})
	m.must(err)
	report, err := Run(context.Background(), m.options())
	if err == nil || report.Status != manifest.Failed || !strings.Contains(err.Error(), "other") {
		t.Errorf("while another runs: %v", err)
	}
	m.must(lease.Release(context.Background()))
	m.generate(manifest.Done)
	for info := range m.store.List(context.Background(), "tmp/") {
		t.Errorf("%s was left", info.Name)
	}
}

// A snapshot that lacks what feeds read is refused, not read as nulls.
func TestOtherSchema(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(1, 1)), 20))
	m.ws.Schema = slices.Clone(m.ws.Schema)
	at := m.ws.Schema.Index("stock")
	m.ws.Schema[at].Type = m.ws.Schema[m.ws.Schema.Index("rating")].Type
	_, err := Run(context.Background(), m.options())
	if err == nil || !strings.Contains(err.Error(), "it lacks stock (double): run aggregate first") {
		t.Errorf("a snapshot with another schema: %v", err)
	}
}
