package generate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
)

// recent is the only feed that depends on `now`, and alone in its rendering.
const recent = `
---
feed: recent
template: shop
where: offer.seen > now - duration("24h")
fields: {title: offer.title, price: offer.price}
params: {title: Recent, utm: recent}
`

// changed returns rows in which some offers differ, came or went.
func changed(random *rand.Rand, rows []map[string]any, n int) []map[string]any {
	out := slices.Clone(rows)
	for range n {
		other := randomRows(random, 1)[0]
		if i := random.IntN(len(out) + 1); i < len(out) {
			other["id"] = out[i]["id"]
			out[i] = other
		} else {
			other["id"] = fmt.Sprintf("n%d", random.Uint32())
			out = append(out, other)
		}
	}
	if random.IntN(2) == 0 {
		out = slices.Delete(out, 0, 1)
	}
	return out
}

// both runs the stage in the market and, in full, in a copy of it, and requires
// that they publish the same bytes and say the same.
func (m *market) both(what string, change func(*Options)) *Report {
	m.t.Helper()
	o := m.options()
	change(&o)
	full := o
	full.Store, full.Full, full.Random = copied(m.t, m.store), true, m.random()
	ctx := context.Background()
	wanted, err := Run(ctx, full)
	m.must(err)
	report, err := Run(ctx, o)
	m.must(err)
	for name := range report.Feeds {
		want, err := export(full.Store, name)
		m.must(err)
		if diff := cmp.Diff(sortedLines(want), sortedLines(m.export(name))); diff != "" {
			m.t.Fatalf("%s: feed %s (-in full +carried):\n%s", what, name, diff)
		}
	}
	if len(report.Phases) == 0 { // nothing was to do: it says again what the last one said
		return report
	}
	ignored := []cmp.Option{
		cmpopts.IgnoreFields(Report{}, "Run", "Status", "Seconds", "Phases", "Parts", "Carried", "RowByRow"), cmpopts.IgnoreFields(FeedReport{}, "Published"), cmpopts.IgnoreFields(OpenHold{}, "Run"),
	}
	if diff := cmp.Diff(wanted, report, ignored...); diff != "" {
		m.t.Fatalf("%s (-in full +carried):\n%s", what, diff)
	}
	return report
}

// sortedLines sorts the lines of each document. A run in full publishes all feeds
// anew; one of the same content that is served on may have another order, of when
// other feeds of its rendering took other offers.
func sortedLines(documents []string) []string {
	out := make([]string, len(documents))
	for i, d := range documents {
		out[i] = strings.Join(slices.Sorted(strings.Lines(d)), "")
	}
	return out
}

// Whatever changes, a run that takes parts over publishes the items and counts of
// one that renders everything.
func TestCarriedIsTheSame(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := newMarket(t, threeFeeds+choosing+recent)
	m.ws.Guard.HeldFeeds = 1
	rows := randomRows(random, 300)
	m.aggregate(rows)
	at := m.clock
	m.both("the first", func(o *Options) { o.At = at })
	carried := 0
	for step := range 30 {
		what := fmt.Sprintf("step %d", step)
		switch random.IntN(4) {
		case 0, 1:
			rows = changed(random, rows, random.IntN(3))
			m.aggregate(rows)
		case 2:
			at = at.Add(time.Duration(random.IntN(30)) * time.Hour)
		default:
			limit := fmt.Sprintf("offer.price < %d.0", random.IntN(100))
			m.define(strings.Replace(threeFeeds, "offer.price < 50.0", limit, 1) + choosing + recent)
			m.ws.Guard.HeldFeeds = 1
		}
		carried += m.both(what, func(o *Options) { o.At = at }).Carried
	}
	if carried < 30 {
		t.Errorf("only %d parts were taken over", carried)
	}
}

// A run makes the parts of what changed, and no others.
func TestCarried(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	m := newMarket(t, threeFeeds+recent)
	rows := randomRows(random, 400)
	m.aggregate(rows)
	at := m.clock
	same := func(o *Options) { o.At = at }
	first := m.generate(manifest.Done, same)
	want := func(what string, r *Report, carried int) {
		t.Helper()
		if r.Parts != 12 || r.Carried != carried {
			t.Errorf("%s: %d parts, %d taken over, want 12 and %d", what, r.Parts, r.Carried, carried)
		}
		made := 0
		for _, name := range names(t, m.store, "feeds/"+r.Run+"/") {
			if strings.HasSuffix(name, ".part") {
				made++
			}
		}
		if made != 12-carried {
			t.Errorf("%s: %d parts were made, want %d", what, made, 12-carried)
		}
	}
	want("the first", first, 0)

	rows = slices.Clone(rows)
	rows[7] = map[string]any{"id": rows[7]["id"], "title": "New", "price": "1.00", "stock": 1, "seen": "2026-01-02T00:00:00Z"}
	m.aggregate(rows)
	second := m.generate(manifest.Done, same)
	want("one offer changed", second, 9)
	committed, err := manifest.Read(context.Background(), m.store, part.Kind, second.Run)
	m.must(err)
	if diff := cmp.Diff([]string{first.Run}, committed.Requires); diff != "" {
		t.Errorf("required: %s", diff)
	}

	at = at.Add(time.Hour)
	later := func(o *Options) { o.Now = func() time.Time { return m.clock.Add(25 * time.Hour) } } // past `republish`
	want("time went on", m.generate(manifest.Done, same, later), 12)
	at = at.Add(24 * time.Hour)
	want("and made a difference", m.generate(manifest.Done, same), 8)
	m.define(strings.Replace(threeFeeds, "offer.price < 50.0", "offer.price < 60.0", 1) + recent)
	want("one feed was edited", m.generate(manifest.Done, same), 8)
	full := m.generate(manifest.Done, same, func(o *Options) { o.Full = true })
	want("in full", full, 0)
	for name, f := range full.Feeds {
		if f.Published != full.Run {
			t.Errorf("in full: feed %s is served from run %s", name, f.Published)
		}
	}
	m.aggregate(rows[1:])
	want("by another build", m.generate(manifest.Done, same, func(o *Options) { o.Build = "2" }), 0)
}

// An earlier part that is gone or damaged is rendered again.
func TestLostPartIsRenderedAgain(t *testing.T) {
	for what, lose := range map[string]func(m *market, name string){
		"gone": func(m *market, name string) { m.must(m.store.Remove(context.Background(), name)) },
		"cut":  func(m *market, name string) { m.write(name, []byte(m.read(name)[:100])) },
		"longer": func(m *market, name string) {
			data := m.read(name)
			m.write(name, []byte(data[:8]+"more"+data[8:]))
		},
	} {
		m := newMarket(t, threeFeeds)
		rows := randomRows(rand.New(rand.NewPCG(2, 2)), 200)
		m.aggregate(rows)
		first := m.generate(manifest.Done)
		lost := 0
		for _, name := range names(t, m.store, "feeds/"+first.Run+"/") {
			if strings.HasSuffix(name, "/00001.part") || strings.HasSuffix(name, "results/00002") {
				lose(m, name)
				lost++
			}
		}
		rows = slices.Clone(rows)
		i := slices.IndexFunc(rows, func(r map[string]any) bool {
			return slices.ContainsFunc(slice(rows, 0, 4), func(o map[string]any) bool { return o["id"] == r["id"] })
		})
		rows[i] = map[string]any{"id": rows[i]["id"], "title": "New", "price": "1.00"}
		m.aggregate(rows)
		second := m.generate(manifest.Done)
		if lost != 3 || second.Carried != 2 {
			t.Errorf("%s: %d objects were lost, %d parts were taken over, want 3 and 2", what, lost, second.Carried)
		}
		var wanted []string
		for _, r := range rows {
			if r["title"] != nil {
				wanted = append(wanted, r["id"].(string))
			}
		}
		slices.Sort(wanted)
		if diff := cmp.Diff(wanted, ids(m.export("everything")[0])); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

// However long a part stays as it is, a run requires few others.
func TestFewLenders(t *testing.T) {
	m := newMarketOf(t, strings.Replace(settings, "partitions: 4", "partitions: 32", 1), threeFeeds)
	random := rand.New(rand.NewPCG(3, 3))
	rows := randomRows(random, 400)
	carried := 0
	for range 40 {
		i := random.IntN(len(rows))
		rows[i]["title"] = fmt.Sprint("Cake ", random.Uint32())
		m.aggregate(rows)
		r := m.generate(manifest.Done)
		carried += r.Carried
		committed, err := manifest.Read(context.Background(), m.store, part.Kind, r.Run)
		m.must(err)
		if len(committed.Requires) > maxLenders {
			t.Fatalf("%d runs are required", len(committed.Requires))
		}
	}
	if carried < 40*32 {
		t.Errorf("only %d parts were taken over", carried)
	}
}

func names(t testing.TB, store storage.Store, prefix string) []string {
	t.Helper()
	var out []string
	for info, err := range store.List(context.Background(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, info.Name)
	}
	return out
}
