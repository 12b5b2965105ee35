package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/preview"
	"github.com/feedmill/feedmill/internal/storage/local"
)

// A bench is a workspace of random offers whose definitions are dealt anew.
type bench struct {
	t      *testing.T
	dir    string
	random *rand.Rand
}

const benchSettings = `warehouse: warehouse
partitions: 4
sources: {s: {path: offers.jsonl, format: jsonl, key: row.id, columns: {code: string, price: double, stock: int, title: string}, optional: [row.code, row.price, row.stock, row.title]}}
offer: {from: s}
guard: {floor: 100000, empty: pass, held_feeds: 100%, errors: 100%}
`

func newBench(t *testing.T, seed uint64, offers int) *bench {
	b := &bench{t, t.TempDir(), rand.New(rand.NewPCG(seed, 1))}
	var rows strings.Builder
	for i := range offers {
		row := map[string]any{
			"id": fmt.Sprintf("o%d", i), "code": fmt.Sprintf("c%d", b.random.IntN(offers/3)), "price": float64(b.random.IntN(200)) / 10,
			"stock": b.random.IntN(4), "title": fmt.Sprintf("T%d", b.random.IntN(5)),
		}
		for _, name := range []string{"code", "price", "stock", "title"} {
			if b.random.IntN(8) == 0 {
				delete(row, name)
			}
		}
		data, _ := json.Marshal(row)
		rows.Write(append(data, '\n'))
	}
	b.write("offers.jsonl", rows.String())
	b.write("feedmill.yaml", benchSettings)
	return b
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) mill(args ...string) string {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	args = append([]string{"-c", filepath.Join(b.dir, "feedmill.yaml"), "--quiet"}, args...)
	if code := run(b.t.Context(), newApp(strings.NewReader(""), &stdout, &stderr, os.LookupEnv), args); code != exitDone {
		b.t.Fatalf("%v: exit %d: %s", args, code, &stderr)
	}
	return stdout.String()
}

func (b *bench) pick(among ...string) string { return among[b.random.IntN(len(among))] }

const benchFeeds = 8

// deal deals definitions; most feeds stay as they are from one deal to the next, as
// keep says.
func (b *bench) deal(feeds []string, keep int) []string {
	out := slices.Clone(feeds)
	for i := range benchFeeds {
		if len(feeds) > 0 && b.random.IntN(keep) == 0 {
			continue
		}
		text := fmt.Sprintf("feed: f%d\ntemplate: %s\nwhere: %s\n", i, b.pick("a", "b"),
			b.pick("shared.cheap", `"true"`, "offer.stock > 0", "shared.cheap && offer.stock > 1", "offer.price < 12.0 || offer.stock == 3"))
		text += fmt.Sprintf("fields: {t: '%s', p: '%s'}\n", b.pick("offer.title", "shared.name", `"x"`), b.pick("offer.price", "shared.price", "offer.stock > 1 ? offer.price : 1.0"))
		text += fmt.Sprintf("params: {utm: %s, head: %s}\n", b.pick("one", "two"), b.pick("here", "there"))
		text += b.pick("", "", "choose: {per: offer.code, by: [shared.price asc], take: 1}\n", "choose: {by: [offer.stock desc, offer.price asc], take: 20}\n")
		if len(feeds) == 0 {
			out = append(out, text)
		} else {
			out[i] = text
		}
	}
	b.write("feeds/feeds.yaml", strings.Join(out, "---\n"))
	b.write("feeds/events.yaml", fmt.Sprintf("events: e\ndestinations: [d]\ncatalog: all\nguard: {first_run: pass, redefined: pass}\nwhere: %s\nfields: {t: '%s', p: '%s'%s}\n%s",
		b.pick("shared.cheap", `"true"`, "offer.stock > 0"), b.pick("offer.title", "shared.name"), b.pick("offer.price", "shared.price", "offer.stock > 1 ? offer.price : 1.0"),
		b.pick("", ", more: offer.code"), b.pick("", "choose: {per: offer.code, by: [shared.price asc], take: 1}\n")))
	b.write("feeds/shared.yaml", fmt.Sprintf("shared:\n  cheap: shared.price < %s\n  price: %s\n  name: offer.title + %s\n",
		b.pick("10.0", "12.0"), b.pick("offer.price", "offer.price * 1.0"), b.pick(`"!"`, `"?"`)))
	for _, name := range []string{"a", "b"} {
		rules := b.pick("", "{{/* rules: {t: {required: true}} */}}", "{{/* rules: {p: {required: true, max: 3}, t: {max: 2}} */}}")
		item := b.pick(`<i>{{.offer.id}}</i><t>{{.fields.t}}</t><p>{{.fields.p}}</p>`, `<i>{{.offer.id}}</i><t>{{.fields.t}}{{.params.utm}}</t><p>{{.fields.p}}</p>`,
			`<i>{{.offer.id}}</i><t>{{.offer.title}}</t><p>{{.fields.p}}</p>`)
		b.write("templates/"+name+".xml", rules+`{{define "header"}}<l><h>{{.params.head}}</h>{{end}}{{define "item"}}`+item+`{{end}}{{define "footer"}}</l>{{end}}`)
	}
	return out
}

// published returns the items of the first n feeds by their ids, with header and
// footer.
func (b *bench) published(n int) []map[string]string {
	out := make([]map[string]string, n)
	for i := range out {
		out[i] = map[string]string{}
		for line := range strings.Lines(b.mill("export", fmt.Sprintf("f%d", i))) {
			rest, isItem := strings.CutPrefix(line, "<i>")
			id, _, _ := strings.Cut(rest, "</i>")
			if !isItem {
				id = "frame " + line[:3]
			}
			out[i][id] = line
		}
	}
	return out
}

// What preview says of every feed is what a run makes of the edited definitions.
func TestPreviewIsWhatARunMakes(t *testing.T) {
	total := [4]int64{}
	for seed := range uint64(2) {
		b := newBench(t, seed, 300)
		b.mill("aggregate")
		feeds := b.deal(nil, 1)
		b.mill("generate")
		b.mill("diff")
		before := b.published(benchFeeds)
		for round := range 3 {
			feeds = b.deal(feeds, 2)
			var said edition
			if err := json.Unmarshal([]byte(b.mill("preview", "--json")), &said); err != nil {
				t.Fatal(err)
			}
			b.mill("generate")
			now := b.published(benchFeeds)
			for _, f := range said.Feeds {
				if f.Now-f.Before != f.Gained-f.Lost {
					t.Errorf("seed %d, round %d, feed %s: %d before and %d now, %d gained, %d lost", seed, round, f.Feed, f.Before, f.Now, f.Gained, f.Lost)
				}
			}
			for i := range now {
				want := difference(before[i], now[i])
				for k := range total {
					total[k] += want[k]
				}
				if got := said.counts(fmt.Sprintf("f%d", i)); got != want {
					t.Errorf("seed %d, round %d, feed f%d: gained, lost, changed, blocks %v, and the run makes %v", seed, round, i, got, want)
				}
			}
			before = now
			got, want := said.counts("e"), b.events("e")
			if got != want {
				t.Errorf("seed %d, round %d: events: gained, lost, changed %v, and the run makes %v", seed, round, got, want)
			}
		}
	}
	if slices.Contains(total[:], 0) {
		t.Errorf("gained, lost, changed, blocks %v: the test sees too little", total)
	}
}

// Feeds of one rendering whose conditions are edited: what the template leaves out of
// one says nothing of another.
func TestPreviewOfOneRendering(t *testing.T) {
	b := newBench(t, 3, 300)
	b.mill("aggregate")
	deal := func(conditions ...string) {
		feeds := make([]string, len(conditions))
		for i, where := range conditions {
			feeds[i] = fmt.Sprintf("feed: f%d\ntemplate: a\nwhere: %s\nfields: {t: offer.title}\n", i, where)
		}
		b.write("feeds/feeds.yaml", strings.Join(feeds, "---\n"))
	}
	b.write("templates/a.xml", `{{/* rules: {t: {required: true}} */}}{{define "header"}}<l>{{end}}{{define "item"}}<i>{{.offer.id}}</i><t>{{.fields.t}}</t>{{end}}{{define "footer"}}</l>{{end}}`)
	deal(`"true"`, `"true"`, "offer.stock < 2")
	b.mill("generate")
	before := b.published(3)
	deal("offer.stock > 0", "offer.price < 9.0", "offer.stock > 0")
	var said edition
	if err := json.Unmarshal([]byte(b.mill("preview", "--json")), &said); err != nil {
		t.Fatal(err)
	}
	b.mill("generate")
	for i, now := range b.published(3) {
		if got, want := said.counts(fmt.Sprintf("f%d", i)), difference(before[i], now); got != want {
			t.Errorf("feed f%d: gained, lost, changed, blocks %v, and the run makes %v", i, got, want)
		}
	}
}

// Conditions that begin alike, or have a loop, are told apart.
func TestPreviewOfLikeConditions(t *testing.T) {
	b := newBench(t, 4, 30)
	var rows strings.Builder
	for i := range 1000 {
		tags, title := `"new"`, "me home"
		if i < 100 {
			tags += `, "bulky"`
		} else if i < 700 {
			tags += `, "outlet"`
		}
		if i < 300 {
			title = "me@home"
		}
		fmt.Fprintf(&rows, `{"id": "o%d", "title": %q, "tags": [%s]}`+"\n", i, title, tags)
	}
	b.write("offers.jsonl", rows.String())
	b.write("feedmill.yaml", strings.Replace(benchSettings, "columns: {code: string, price: double, stock: int, title: string}, optional: [row.code, row.price, row.stock, row.title]", `columns: {title: string, tags: "list(string)"}`, 1))
	b.write("templates/a.xml", `{{define "header"}}<l>{{end}}{{define "item"}}<i>{{.offer.id}}</i>{{end}}{{define "footer"}}</l>{{end}}`)
	long := strings.Repeat(`"some other title", `, 6)
	edits := []struct {
		where string
		want  map[string]int64
	}{
		{`!offer.tags.exists(t, t == "bulky") && !offer.tags.exists(t, t == "outlet")`,
			map[string]int64{`!offer.tags.exists(t, t == "bulky")`: 100, `!offer.tags.exists(t, t == "outlet")`: 600}},
		{`offer.tags.exists(t, t == "new") && size(offer.tags.filter(t, t == "outlet")) == 0`, map[string]int64{`size(offer.tags.filter(t, t == "outlet")) == 0`: 600}},
		{`offer.title.contains("me@home")`, map[string]int64{`offer.title.contains("me@home")`: 700}},
		{`offer.title.contains("mehome")`, map[string]int64{`offer.title.contains("mehome")`: 1000}},
		{`offer.title in [` + long + `"me@home"] && offer.title in [` + long + `"me home"]`,
			map[string]int64{`offer.title in [` + long + `"me@home"]`: 700, `offer.title in [` + long + `"me home"]`: 300}},
	}
	for _, before := range []bool{true, false} {
		var feeds []string
		for i, e := range edits {
			if before {
				e.where = `true`
			}
			feeds = append(feeds, fmt.Sprintf("feed: f%d\ntemplate: a\nwhere: '(%s)'\n", i, e.where))
		}
		b.write("feeds/feeds.yaml", strings.Join(feeds, "---\n"))
		if before {
			b.mill("run")
		}
	}
	var said edition
	if err := json.Unmarshal([]byte(b.mill("preview", "--json")), &said); err != nil {
		t.Fatal(err)
	}
	if len(said.Feeds) != len(edits) {
		t.Fatalf("%d feeds were edited", len(said.Feeds))
	}
	for i, f := range said.Feeds {
		got := map[string]int64{}
		for _, because := range f.Because {
			got[because.Condition] = because.Offers
		}
		if diff := cmp.Diff(edits[i].want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", edits[i].where, diff)
		}
	}
}

// counts is what preview says of a feed: gained, lost, changed, blocks.
func (e *edition) counts(feed string) [4]int64 {
	at := slices.IndexFunc(e.Feeds, func(f *preview.Edit) bool { return f.Feed == feed })
	if at < 0 {
		return [4]int64{}
	}
	f := e.Feeds[at]
	return [4]int64{f.Gained, f.Lost, f.Changed, int64(len(f.Blocks))}
}

// events runs diff and returns how many offers of an event feed it added, removed
// and updated.
func (b *bench) events(feed string) [4]int64 {
	b.t.Helper()
	var report struct {
		Events map[string]struct{ Added, Removed, Updated int64 } `json:"events"`
	}
	if err := json.Unmarshal([]byte(b.mill("diff", "--json")), &report); err != nil {
		b.t.Fatal(err)
	}
	e := report.Events[feed]
	return [4]int64{e.Added, e.Removed, e.Updated}
}

// Explain and preview of a feed say of choice and rules what a run makes of them.
func TestExplainIsWhatARunMakes(t *testing.T) {
	b := newBench(t, 7, 60)
	b.mill("aggregate")
	b.deal(nil, 1)
	b.mill("generate")
	published := b.published(benchFeeds)
	beaten, left := 0, 0
	for i := range 60 {
		id := fmt.Sprintf("o%d", i)
		var said explanation
		if err := json.Unmarshal([]byte(b.mill("explain", id, "--json")), &said); err != nil {
			t.Fatal(err)
		}
		for k, v := range said.Feeds[1:] { // the first is the event feed
			_, there := published[k][id]
			if v.In != there {
				t.Errorf("offer %s, feed %s: in %v, because %s", id, v.Feed, v.In, v.Because)
			}
			beaten += min(len(v.Beaten), 1)
			left += min(len(v.LeftOut), 1)
		}
	}
	if beaten == 0 || left == 0 {
		t.Errorf("%d beaten, %d left out: the test sees too little", beaten, left)
	}
	for k, items := range published {
		var said funnel
		if err := json.Unmarshal([]byte(b.mill("preview", fmt.Sprintf("f%d", k), "--json")), &said); err != nil {
			t.Fatal(err)
		}
		if want := int64(len(items) - 2); said.Items != want { // without header and footer
			t.Errorf("feed %s: %d items, and the run made %d", said.Feed, said.Items, want)
		}
	}
}

// difference counts what is gained, lost and changed of items, and the blocks that
// changed.
func difference(before, now map[string]string) [4]int64 {
	var out [4]int64
	for id, item := range now {
		was, there := before[id]
		switch {
		case !there:
			out[0]++
		case was != item && strings.HasPrefix(id, "frame"):
			out[3]++
		case was != item:
			out[2]++
		}
	}
	for id := range before {
		if _, there := now[id]; !there {
			out[1]++
		}
	}
	return out
}

// Of what an earlier program published conditions are compared, or nothing, and
// preview says what is unknown and what helps.
func TestPreviewOfOldManifests(t *testing.T) {
	for _, c := range []struct {
		keys   []string
		reason string
		lost   int64
	}{
		{[]string{"whole", "fields", "params", "choose", "template", "text"}, "it was published without its template, fields, params and choice: run feedmill generate once", 1},
		{nil, "it was published without its condition: run feedmill generate once", 0},
	} {
		b := newBench(t, 1, 30)
		feed := "feed: f\ntemplate: a\nwhere: offer.id != %q\nfields: {t: offer.title}\n"
		b.write("feeds/feeds.yaml", fmt.Sprintf(feed, "none"))
		b.write("templates/a.xml", `{{define "header"}}<l>{{end}}{{define "item"}}<i>{{.offer.id}}{{.fields.t}}</i>{{end}}{{define "footer"}}</l>{{end}}`)
		b.mill("aggregate")
		b.mill("generate")
		b.forget(c.keys)
		b.write("feeds/feeds.yaml", fmt.Sprintf(feed, "o3"))
		for _, cured := range []bool{false, true} {
			var said edition
			if err := json.Unmarshal([]byte(b.mill("preview", "--json")), &said); err != nil {
				t.Fatal(err)
			}
			if cured {
				if len(said.Feeds) > 0 || said.Same != 1 {
					t.Errorf("after a run: %+v", said.Feeds)
				}
				continue
			}
			if f := said.Feeds[0]; f.Reason != c.reason || f.Lost != c.lost || (f.State == preview.Unknown) != (c.lost == 0) {
				t.Errorf("%+v", f)
			}
			b.mill("generate")
		}
	}
}

// forget takes keys out of what current keeps of its feeds, or all of it.
func (b *bench) forget(keys []string) {
	b.t.Helper()
	store := local.New(filepath.Join(b.dir, "warehouse"))
	_, m, err := currentManifest(b.t.Context(), store, part.Kind)
	if err != nil {
		b.t.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal(m.Detail, &d); err != nil {
		b.t.Fatal(err)
	}
	for _, one := range d["conditions"].(map[string]any) {
		for _, key := range keys {
			delete(one.(map[string]any), key)
		}
	}
	if keys == nil {
		delete(d, "conditions")
	}
	if m.Detail, err = json.Marshal(d); err != nil {
		b.t.Fatal(err)
	}
	if err := store.Remove(b.t.Context(), manifest.Name(part.Kind, m.Run)); err != nil {
		b.t.Fatal(err)
	}
	if err := manifest.Commit(b.t.Context(), store, part.Kind, m); err != nil {
		b.t.Fatal(err)
	}
}
