package part

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// small is a layout that makes many segments of few items.
var small = Layout{Segment: 700, Rare: 5, Buffer: 5000, Stretch: 1500}

// A catalogue is items with the feeds that they go to.
type catalogue struct {
	feeds   []string
	items   []string
	members []Membership
}

// randomCatalogue has memberships that many items share, and rare ones.
func randomCatalogue(random *rand.Rand, feeds, items int) catalogue {
	c := catalogue{}
	for i := range feeds {
		c.feeds = append(c.feeds, fmt.Sprintf("feed-%d", i))
	}
	patterns := []Membership{{0}, {feeds - 1}}
	for range 8 {
		patterns = append(patterns, randomMembership(random, feeds))
	}
	for i := range items {
		c.items = append(c.items, fmt.Sprintf("<item><id>%d</id>%s</item>\n", i, strings.Repeat("text ", random.IntN(40))))
		m := patterns[random.IntN(len(patterns))]
		if random.IntN(5) == 0 {
			m = randomMembership(random, feeds)
		}
		c.members = append(c.members, m)
	}
	return c
}

func randomMembership(random *rand.Rand, feeds int) Membership {
	m := Membership{random.IntN(feeds)}
	for i := range feeds {
		if random.IntN(3) == 0 {
			m = append(m, i)
		}
	}
	slices.Sort(m)
	return slices.Compact(m)
}

// of returns the items of a feed, sorted.
func (c catalogue) of(feed int) []string {
	var items []string
	for i, m := range c.members {
		if m.Has(feed) {
			items = append(items, c.items[i])
		}
	}
	slices.Sort(items)
	return items
}

func (c catalogue) write(t testing.TB, store storage.Store, name string, layout Layout) *Part {
	t.Helper()
	return c.writeWith(t, store, name, layout, NewWorkshop(1).Workbench())
}

func (c catalogue) writeWith(t testing.TB, store storage.Store, name string, layout Layout, bench *Workbench) *Part {
	t.Helper()
	ctx := context.Background()
	w, err := Create(ctx, store, name, Head{"google-1a2b", 3, 8, c.feeds}, layout, bench)
	if err != nil {
		t.Fatal(err)
	}
	for i, item := range c.items {
		if err := w.Add(c.members[i], []byte(item)); err != nil {
			t.Fatal(err)
		}
	}
	size, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(ctx, store, name)
	if err != nil {
		t.Fatal(err)
	}
	if p.Size != size || p.Rendering != "google-1a2b" || p.Partition != 3 || p.Partitions != 8 || !slices.Equal(p.Feeds, c.feeds) {
		t.Fatalf("head of the part: %+v", p.Head)
	}
	return p
}

// index is a feed made of its segments in the given parts.
func index(feed int, parts ...*Part) *Feed {
	f := &Feed{Name: "feed", Run: "20260102T030405.000Z-abcdef", Updated: time.UnixMilli(1767323045123).UTC()}
	file := &File{Name: "feed", Header: []byte("<feed>\n"), Footer: []byte("</feed>\n")}
	digest := Digest{}
	for i, p := range parts {
		f.Objects = append(f.Objects, Object{p.Name, p.Size})
		for _, s := range p.Feed(feed) {
			file.Pieces = append(file.Pieces, Piece{i, s})
			file.Items += s.Items
			digest.Join(s.Digest)
		}
	}
	f.Sample = sampleOf(8, []string{"a", "b", "ccc"})
	f.Files, f.Content = []*File{file}, ContentDigest(digest, file.Items, file.Header, file.Footer)
	return f
}

// reopen writes the index and reads it back.
func reopen(t testing.TB, store storage.Store, f *Feed) *Feed {
	t.Helper()
	if _, err := WriteIndex(context.Background(), store, f); err != nil {
		t.Fatal(err)
	}
	got, err := OpenFeed(context.Background(), store, IndexName(f.Run, f.Name))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f.Sample, got.Sample, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the sample (-want +got):\n%s", diff)
	}
	return got
}

func plain(t testing.TB, store storage.Store, f *File) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.WritePlain(context.Background(), store, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipped(t testing.TB, store storage.Store, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.WriteGzip(context.Background(), store, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, layout := range []Layout{small, DefaultLayout, {Segment: 1, Rare: 0, Buffer: 1, Stretch: 1}, {Segment: 1 << 30, Rare: 1 << 30, Buffer: 1 << 30, Stretch: 1 << 30}} {
		for _, n := range []int{0, 1, 7, 500} {
			t.Run(fmt.Sprintf("%d items, segments of %d", n, layout.Segment), func(t *testing.T) { roundTrip(t, layout, n) })
		}
	}
}

func roundTrip(t *testing.T, layout Layout, items int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	store := mem.New()
	c := randomCatalogue(rand.New(rand.NewPCG(seed, 0)), 12, items)
	p := c.write(t, store, "a.part", layout)
	for feed := range c.feeds {
		want := c.of(feed)
		f := reopen(t, store, index(feed, p)).Files[0]
		doc := plain(t, store, f)
		body := strings.TrimSuffix(strings.TrimPrefix(doc, "<feed>\n"), "</feed>\n")
		got := slices.Sorted(strings.Lines(body))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("feed %d (-want +got):\n%s", feed, diff)
		}
		if f.Items != int64(len(want)) || f.Size() != int64(len(doc)) {
			t.Errorf("feed %d: %d items of %d bytes, want %d of %d", feed, f.Items, f.Size(), len(want), len(doc))
		}
		packed := gzipped(t, store, f)
		if int64(len(packed)) != f.GzipSize() {
			t.Errorf("feed %d: gzip has %d bytes, announced were %d", feed, len(packed), f.GzipSize())
		}
		if unpacked := gunzip(t, packed); unpacked != doc {
			t.Errorf("feed %d: gzip holds other bytes", feed)
		}
	}
}

// gunzip requires exactly one member.
func gunzip(t testing.TB, data []byte) string {
	t.Helper()
	src := bytes.NewReader(data)
	r, err := gzip.NewReader(src)
	if err != nil {
		t.Fatal(err)
	}
	r.Multistream(false)
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if src.Len() > 0 {
		t.Errorf("%d bytes behind the gzip member", src.Len())
	}
	return string(text)
}

// The program gzip reads what we make, header and footer of more than a stored
// block included.
func TestGzipProgram(t *testing.T) {
	store := mem.New()
	c := randomCatalogue(rand.New(rand.NewPCG(1, 2)), 3, 300)
	f := index(1, c.write(t, store, "a.part", small), c.write(t, store, "b.part", DefaultLayout))
	f.Files[0].Header = bytes.Repeat([]byte("<x>"), 50_000)
	f = reopen(t, store, f)
	cmd := exec.Command("gzip", "-dc")
	cmd.Stdin = bytes.NewReader(gzipped(t, store, f.Files[0]))
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != plain(t, store, f.Files[0]) {
		t.Error("gzip -dc gives other bytes")
	}
	if want := 2 * len(c.of(1)); f.Items() != int64(want) {
		t.Errorf("%d items, want %d", f.Items(), want)
	}
}

// The same items make the same bytes.
func TestSameBytes(t *testing.T) {
	c := randomCatalogue(rand.New(rand.NewPCG(3, 4)), 20, 400)
	var before []byte
	for range 3 {
		store := mem.New()
		c.write(t, store, "a.part", small)
		data, err := storage.ReadAll(context.Background(), store, "a.part")
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(before, data) {
			t.Fatal("the same items made other bytes")
		}
		before = data
	}
}

// Items of one segment keep the order in which they were added.
func TestOrder(t *testing.T) {
	store := mem.New()
	c := catalogue{feeds: []string{"a", "b"}}
	for i := range 40 {
		c.items = append(c.items, fmt.Sprintf("<%02d>", i))
		c.members = append(c.members, []Membership{{0}, {0, 1}}[i%2])
	}
	p := c.write(t, store, "a.part", Layout{Segment: 1 << 20, Rare: 64, Buffer: 1 << 20, Stretch: 1 << 20})
	if got := plain(t, store, index(0, p).withObjects()); got != "<feed>\n"+strings.Join(c.items, "")+"</feed>\n" {
		t.Errorf("rare items lost their order: %s", got)
	}
}

func (f *Feed) withObjects() *File {
	f.Files[0].objects = f.Objects
	return f.Files[0]
}

// Rare memberships make no segments of their own, common ones do.
func TestRare(t *testing.T) {
	store := mem.New()
	c := catalogue{feeds: []string{"a", "b", "c"}}
	for i := range 20 {
		c.items = append(c.items, fmt.Sprintf("<%02d>", i))
		c.members = append(c.members, []Membership{{0, 1}, {0, 1}, {0, 1}, {1, 2}}[i%4])
	}
	p := c.write(t, store, "a.part", Layout{Segment: 1 << 20, Rare: 6, Buffer: 1 << 20, Stretch: 1 << 20})
	var got []string
	for _, s := range p.Segments {
		got = append(got, fmt.Sprint(p.Memberships[s.Membership], s.Items))
	}
	if diff := cmp.Diff([]string{"[0 1] 15", "[1] 5", "[2] 5"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAddRefusesWhatIsNoFeed(t *testing.T) {
	for _, m := range []Membership{nil, {}, {-1}, {2}, {0, 2}} {
		w, err := Create(context.Background(), mem.New(), "a.part", Head{Feeds: []string{"a", "b"}}, small, NewWorkshop(1).Workbench())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Add(m, []byte("x")); err == nil {
			t.Errorf("an item for feeds %v was taken", m)
		}
	}
}
