package history

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// An offer as the model knows it.
type modelOffer struct {
	shop  string
	price int
}

// A model is what a warehouse should publish, from a reading of its own.
type model struct {
	*shop
	random *rand.Rand

	offers    map[string]modelOffer            // that aggregate would find
	snapshots map[string]map[string]modelOffer // by run
	snapshot  string                           // the current one
	feeds     map[string]string                // the bytes of what is published
	runs      map[string]map[string]string     // by run of generate that was published, the bytes then
	current   string
	finished  map[string]time.Time // of runs
	left      map[string]time.Time // when runs were current last
	status    map[string]int       // how often runs of generate ended how
	published map[bool]int         // how often publish did, and refused
	removed   int
}

// Random sequences of deliveries, runs, holds, publishes and gcs: after each step
// every published feed is what the model says, byte by byte where it must not
// have changed. A run within retention can be published, one that is gone cannot.
func TestModel(t *testing.T) {
	steps := 120
	if testing.Short() {
		steps = 40
	}
	seed := rand.Uint64()
	if text := os.Getenv("FEEDMILL_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	t.Logf("FEEDMILL_SEED=%d", seed)
	m := &model{
		shop: newShop(t, seed), random: rand.New(rand.NewPCG(seed, 0)), offers: map[string]modelOffer{}, snapshots: map[string]map[string]modelOffer{},
		feeds: map[string]string{}, runs: map[string]map[string]string{}, finished: map[string]time.Time{}, left: map[string]time.Time{},
		status: map[string]int{}, published: map[bool]int{},
	}
	m.deliver(40)
	m.runAggregate()
	m.runGenerate()
	for i := range steps {
		what := m.step()
		if diff := gocmp.Diff(m.feeds, published(t, m.store)); diff != "" {
			t.Fatalf("step %d, %s: published (-want +got):\n%s", i, what, diff)
		}
		m.checkHolds(what)
	}
	t.Logf("generate: %v; publish: %v; %d objects removed", m.status, m.published, m.removed)
	if !testing.Short() && (m.status[manifest.Held] == 0 || m.published[true] == 0 || m.removed == 0) {
		t.Error("the sequence did not hold, publish or remove anything")
	}
}

// checkHolds reads all that is held: an approval may want it.
func (m *model) checkHolds(what string) {
	m.t.Helper()
	ctx := m.t.Context()
	current, err := manifest.Current(ctx, m.store, part.Kind)
	m.must(err)
	withheld, err := manifest.Withheld(ctx, m.store, part.Kind, current)
	m.must(err)
	found, err := manifest.Read(ctx, m.store, part.Kind, cmp.Or(withheld, current.Run))
	m.must(err)
	detail, err := part.DetailOf(found)
	m.must(err)
	for name, hold := range detail.Holds {
		if hold.Run == "" {
			continue
		}
		f, err := part.OpenFeed(ctx, m.store, hold.Index)
		if err == nil {
			err = f.Files[0].WritePlain(ctx, m.store, io.Discard)
		}
		if err != nil {
			m.t.Fatalf("after %s, what is held of %s: %v", what, name, err)
		}
	}
}

func (m *model) step() string {
	m.clock.add(time.Duration(m.random.IntN(8)) * time.Hour)
	switch m.random.IntN(10) {
	case 0:
		m.deliver(m.random.IntN(8))
		m.runAggregate()
		return "deliver and aggregate"
	case 1:
		m.crash()
		return "a loss of offers and aggregate"
	case 2, 3, 4:
		m.deliver(m.random.IntN(8))
		m.runAggregate()
		m.runGenerate()
		return "aggregate and generate"
	case 5:
		m.runGenerate()
		return "generate"
	case 6:
		return m.goBack("generate", slices.Sorted(maps.Keys(m.runs)))
	case 7:
		return m.goBack("aggregate", slices.Sorted(maps.Keys(m.snapshots)))
	default:
		m.collect()
		return "gc"
	}
}

// deliver changes some offers, in one delivery.
func (m *model) deliver(n int) {
	changes := map[string]string{}
	for range n {
		changes[fmt.Sprintf("o%02d", m.random.IntN(60))] = []string{"", "a", "b", "c", "a", "b"}[m.random.IntN(6)]
	}
	m.apply(changes)
}

// crash removes most offers of a shop, which its feed's guard does not let pass.
func (m *model) crash() {
	changes := map[string]string{}
	victim := []string{"a", "b", "c"}[m.random.IntN(3)]
	for id, o := range m.offers {
		if o.shop == victim && m.random.IntN(4) > 0 {
			changes[id] = ""
		}
	}
	m.apply(changes)
	m.runAggregate()
}

func (m *model) apply(changes map[string]string) {
	if len(changes) == 0 {
		return
	}
	m.change(changes)
	for id, shop := range changes {
		if shop == "" {
			delete(m.offers, id)
		} else {
			m.offers[id] = modelOffer{shop, m.version}
		}
	}
}

func (m *model) runAggregate() {
	m.t.Helper()
	report := m.aggregate()
	m.finished[report.Run] = m.clock.Now()
	if report.Snapshot == report.Run {
		m.snapshots[report.Run] = maps.Clone(m.offers)
		m.moveSnapshot(report.Run)
	}
}

func (m *model) moveSnapshot(run string) {
	m.left[m.snapshot] = m.clock.Now()
	m.snapshot = run
}

func (m *model) moveFeeds(run string) {
	m.left[m.current] = m.clock.Now()
	m.current = run
}

// runGenerate checks each feed that the run publishes against the offers of the
// snapshot, and keeps its bytes; of the others the old ones are wanted.
func (m *model) runGenerate() {
	m.t.Helper()
	report := m.generate()
	m.finished[report.Run] = m.clock.Now()
	m.status[report.Status]++
	got := published(m.t, m.store)
	after := maps.Clone(m.feeds)
	for name, f := range report.Feeds {
		want := m.items(name)
		if f.Verdict != guard.Pass || len(report.Reasons) > 0 {
			continue
		}
		if old, published := m.feeds[name]; published && slices.Equal(lines(old), want) {
			if f.Published != report.Run { // it was not republished
				continue
			}
		}
		if diff := gocmp.Diff(want, lines(got[name])); diff != "" {
			m.t.Fatalf("feed %s of %s (-want +got):\n%s", name, report.Run, diff)
		}
		after[name] = got[name]
	}
	m.feeds = after
	pointer, err := manifest.Current(m.t.Context(), m.store, "feeds")
	m.must(err)
	if pointer.Run != m.current {
		m.runs[report.Run] = after
		m.moveFeeds(report.Run)
	}
}

// items are the lines of a feed, sorted.
func (m *model) items(feed string) []string {
	var in []string
	offers := m.snapshots[m.snapshot]
	for id, o := range offers {
		if shop, one := strings.CutPrefix(feed, "shop-"); !one || o.shop == shop {
			in = append(in, id)
		}
	}
	if feed == "best" {
		in = bestOf(offers)
	}
	out := []string{fmt.Sprintf("<feed items=\"%d\">\n", len(in)), "</feed>\n"}
	for _, id := range in {
		o := offers[id]
		seller := map[string]string{"a": "A", "b": "B"}[o.shop]
		out = append(out, fmt.Sprintf("<item>%s %s %d %s</item>\n", id, o.shop, o.price, seller))
	}
	slices.Sort(out)
	return out
}

func bestOf(offers map[string]modelOffer) []string {
	byShop := map[string][]string{}
	for id, o := range offers {
		byShop[o.shop] = append(byShop[o.shop], id)
	}
	var out []string
	for _, ids := range byShop {
		slices.SortFunc(ids, func(a, b string) int {
			return cmp.Or(-cmp.Compare(offers[a].price, offers[b].price), cmp.Compare(a, b))
		})
		out = append(out, ids[:min(2, len(ids))]...)
	}
	return out
}

// goBack publishes one of the runs that were published once.
func (m *model) goBack(stage string, runs []string) string {
	m.t.Helper()
	run := runs[m.random.IntN(len(runs))]
	what := "publish " + stage + " " + run
	retention := map[string]time.Duration{"aggregate": m.ws.Retention.Snapshots, "generate": m.ws.Retention.Feeds}[stage]
	needed := m.clock.Now().Sub(m.finished[run]) < retention || m.clock.Now().Sub(m.left[run]) < m.ws.Retention.Grace
	_, err := m.publish(stage, run)
	m.published[err == nil]++
	if err != nil {
		if refused := (*RefusedError)(nil); !errors.As(err, &refused) || needed {
			m.t.Fatalf("%s: %v", what, err)
		}
		return what
	}
	if stage == "aggregate" {
		m.moveSnapshot(run)
		return what
	}
	m.moveFeeds(run)
	m.feeds = m.runs[run]
	return what
}

func (m *model) collect() {
	m.t.Helper()
	report, err := m.gc(m.store)
	m.must(err)
	m.removed += report.Objects
	again, err := m.gc(m.store)
	m.must(err)
	if again.Objects > 1 { // the first one's lease
		m.t.Fatalf("a second gc removes %d objects: %+v", again.Objects, again.Removed)
	}
}
