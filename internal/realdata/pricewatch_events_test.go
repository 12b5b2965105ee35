package realdata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/stream"
	topics "github.com/feedmill/feedmill/internal/stream/mem"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A told is what a partner knows of an offer of the price watch.
type told struct {
	Code      string          `json:"code"`
	Seller    string          `json:"seller"`
	Price     json.RawMessage `json:"price"`
	Promotion *string         `json:"promotion"`
}

// watchTold is what a partner must know after a delivery, by offer, as JSON.
func watchTold(t testing.TB, products []watched) map[string]string {
	t.Helper()
	out := map[string]string{}
	for id, r := range watchedOffers(t, products) {
		fields := told{Code: r["code"].(string), Seller: r["seller"].(string), Price: json.RawMessage(fmt.Sprint(r["price"]))}
		if text, ok := english(r).(string); ok {
			fields.Promotion = &text
		}
		out[id] = canonical(t, fields)
	}
	return out
}

// canonical is a value as JSON without regard to how it was written.
func canonical(t testing.TB, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var fields told
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	if data, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A partner reads a topic as its consumers do: what an event says replaces what
// was known, and an event that comes again says nothing new.
type partner struct {
	t     testing.TB
	topic *topics.Topic
	read  map[int]int64     // by partition, the next offset
	seen  map[string]string // by id of an event, what it said
	knows map[string]string
	sent  map[string]time.Time // by offer, when it was last told of it
}

func newPartner(t testing.TB, topic *topics.Topic) *partner {
	return &partner{t: t, topic: topic, read: map[int]int64{}, seen: map[string]string{}, knows: map[string]string{}, sent: map[string]time.Time{}}
}

// catchUp reads what is new; it returns the offers of the events that it had not
// seen before, by kind, and how many came again.
func (p *partner) catchUp(now time.Time) (kinds map[string][]string, again int) {
	p.t.Helper()
	kinds = map[string][]string{}
	consumer := p.topic.Consumer("partner")
	defer consumer.Close()
	for range int64(len(p.topic.Records())) - p.total() {
		m, err := consumer.Fetch(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		if err := consumer.Commit(p.t.Context(), m); err != nil {
			p.t.Fatal(err)
		}
		p.read[m.Partition] = m.Offset + 1
		headers := map[string]string{}
		for _, h := range m.Headers {
			headers[h.Key] = string(h.Value)
		}
		if said, ok := p.seen[headers["ce_id"]]; ok {
			if again++; said != string(m.Value) {
				p.t.Errorf("event %s said %s and says %s", headers["ce_id"], said, m.Value)
			}
			continue
		}
		p.seen[headers["ce_id"]] = string(m.Value)
		kind, _ := strings.CutPrefix(headers["ce_type"], "offer.")
		p.take(kind, string(m.Key), m.Value, now)
		kinds[kind] = append(kinds[kind], string(m.Key))
	}
	return kinds, again
}

func (p *partner) total() (n int64) {
	for _, next := range p.read {
		n += next
	}
	return n
}

func (p *partner) take(kind, offer string, value []byte, now time.Time) {
	p.t.Helper()
	var data struct{ Fields json.RawMessage }
	if err := json.Unmarshal(value, &data); err != nil {
		p.t.Fatal(err)
	}
	p.sent[offer] = now
	fields := canonical(p.t, data.Fields)
	before, known := p.knows[offer]
	switch {
	case kind == event.Added && known, kind != event.Added && !known, kind == event.Updated && before == fields, kind == event.Refreshed && before != fields:
		p.t.Errorf("%s of %s: the partner knows %q and is told %s", kind, offer, before, fields)
	}
	if p.knows[offer] = fields; kind == event.Removed {
		delete(p.knows, offer)
		delete(p.sent, offer)
	}
}

// A mill is a warehouse whose events go to a topic.
type mill struct {
	t     testing.TB
	ws    *workspace.Workspace
	store storage.Store
	topic *topics.Topic
}

// diff runs the stage at a time.
func (m *mill) diff(at time.Time, change ...func(*diff.Options)) (*diff.Report, error) {
	o := diff.Options{
		Workspace: m.ws, Store: m.store, Workers: 2, Now: func() time.Time { return at }, At: at,
		Producer: func(context.Context) (stream.Producer, error) { return m.topic.Producer(), nil },
	}
	for _, c := range change {
		c(&o)
	}
	return diff.Run(m.t.Context(), o)
}

// objects are the names of all that the warehouse keeps of events.
func (m *mill) objects() (names []string) {
	m.t.Helper()
	for info, err := range m.store.List(m.t.Context(), "events/") {
		if err != nil {
			m.t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	return names
}

// Each delivery of the price watch becomes events; now and then the broker dies in
// the middle of a send. What the partner is told is what the raw files say, and in
// the end it is taken back to an earlier day.
func TestPriceWatchEvents(t *testing.T) {
	dir := realData(t, "hk_pricewatch")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	deliveries := readWatchManifest(t, dir)
	if testing.Short() {
		deliveries = deliveries[:3]
	}
	data := t.TempDir()
	m := &mill{
		t: t, ws: loadWorkspace(t, filepath.Join("testdata", "pricewatch"), map[string]string{"FEEDMILL_DATA": data}),
		store: newStore(t), topic: topics.New(3),
	}
	p := newPartner(t, m.topic)
	figures := []string{
		"| delivery | added | removed | updated | of them price | of them promotion | refreshed |",
		"|---|--:|--:|--:|--:|--:|--:|",
	}
	snapshots, states := []string{}, []map[string]string{}
	repeats := 0
	for i, d := range deliveries {
		deliver(t, dir, data, d.File+".gz")
		snapshots = append(snapshots, aggregateOnce(t, m.ws, m.store).Snapshot)
		states = append(states, watchTold(t, readWatch(t, filepath.Join(dir, d.File+".gz"))))
		at := watchTime(t, d)
		before := map[string]string{}
		if i > 0 {
			before = states[i-1]
		}
		due := dueWatch(before, states[i], p.sent, at)
		want := watchKinds(before, states[i])
		report := m.deliverEvents(at, len(want), r)
		kinds, again := p.catchUp(at)
		repeats += again
		checkWatchEvents(t, d, i, report, want, kinds, due)
		if diff := gocmp.Diff(states[i], p.knows); diff != "" {
			t.Fatalf("after %s the partner knows (-raw files +partner):\n%s", d.version(), diff)
		}
		m.checkQuiet(at.Add(time.Minute))
		e := report.Events["watch"]
		figures = append(figures, fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d |", d.version(),
			e.Added, e.Removed, e.Updated, e.Changed["price"], e.Changed["promotion"], e.Refreshed))
	}
	if repeats == 0 {
		t.Error("no event came twice: no send was cut")
	}
	m.travelBack(p, snapshots[len(snapshots)/2], states[len(states)/2], watchTime(t, deliveries[len(deliveries)-1]).Add(time.Hour))
	if !testing.Short() {
		recordFigures(t, "Hong Kong price watch as events", figures)
	}
}

func watchTime(t testing.TB, d watchDelivery) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02T1504", d.version())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A dueOffer says whether an unchanged offer may be, or must be, sent again.
type dueOffer struct{ may, must bool }

// dueWatch is what is due of the offers that did not change, the refresh being 28
// days and spread over the last 7 of them.
func dueWatch(before, after map[string]string, sent map[string]time.Time, at time.Time) map[string]dueOffer {
	const day = 24 * time.Hour
	out := map[string]dueOffer{}
	for id, fields := range after {
		if before[id] == fields {
			age := at.Sub(sent[id])
			out[id] = dueOffer{may: age >= 21*day, must: age >= 28*day}
		}
	}
	return out
}

// deliverEvents runs the stage with a broker that dies in the middle of the first
// send of so many events, then again; it returns the report of the run that found
// the events.
func (m *mill) deliverEvents(at time.Time, events int, r *rand.Rand) *diff.Report {
	m.t.Helper()
	if events > 0 {
		m.topic.FailAfter(r.IntN(events), errBroker)
	}
	found, err := m.diff(at)
	if events > 0 {
		if !errors.Is(err, errBroker) {
			m.t.Fatalf("want the broker's error, have %v: %+v", err, found)
		}
		_, err = m.diff(at.Add(time.Second))
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return found
}

var errBroker = errors.New("the broker dies")

// watchKinds is what is to be told of the offers that differ.
func watchKinds(before, after map[string]string) map[string]string {
	want := map[string]string{}
	for id, fields := range after {
		switch old, known := before[id]; {
		case !known:
			want[id] = event.Added
		case old != fields:
			want[id] = event.Updated
		}
	}
	for id := range before {
		if _, ok := after[id]; !ok {
			want[id] = event.Removed
		}
	}
	return want
}

// checkWatchEvents compares what was told with what the files say: the collector's
// own counts, and which offers are new, gone and changed.
func checkWatchEvents(t testing.TB, d watchDelivery, i int, report *diff.Report, want map[string]string, kinds map[string][]string, due map[string]dueOffer) {
	t.Helper()
	got := map[string]string{}
	for kind, offers := range kinds {
		for _, id := range offers {
			if kind != event.Refreshed {
				got[id] = kind
			} else if !due[id].may {
				t.Errorf("%s: %s is sent again too early", d.version(), id)
			} else {
				delete(due, id)
			}
		}
	}
	for id, d := range due {
		if d.must {
			t.Errorf("%s is not sent again in time", id)
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("events of %s (-raw files +told):\n%s", d.version(), diff)
	}
	e := report.Events["watch"]
	counted := watchChange{New: int(e.Added), Gone: int(e.Removed), Price: int(e.Changed["price"]), Promo: int(e.Changed["promotion"])}
	manifests := d.Change
	if i == 0 {
		manifests.New = len(want) // the collector counted none for the first
	}
	if diff := gocmp.Diff(manifests, counted); diff != "" {
		t.Errorf("counts of %s (-manifest +report):\n%s", d.version(), diff)
	}
}

// checkQuiet runs the stage when nothing has changed: nothing is sent, and nothing
// is written but what the run found.
func (m *mill) checkQuiet(at time.Time) {
	m.t.Helper()
	records, objects := len(m.topic.Records()), m.objects()
	report, err := m.diff(at)
	if err != nil {
		m.t.Fatal(err)
	}
	if n := len(m.topic.Records()) - records; report.Status != manifest.Unchanged || n != 0 {
		m.t.Errorf("without a change: %s, %d records", report.Status, n)
	}
	objects = append(objects, "events/"+report.Run+"/manifest.json")
	slices.Sort(objects)
	if diff := gocmp.Diff(objects, m.objects()); diff != "" {
		m.t.Errorf("without a change only a run's manifest is written (-want +have):\n%s", diff)
	}
}

// travelBack makes the partner know what a snapshot of an earlier day says.
func (m *mill) travelBack(p *partner, snapshot string, state map[string]string, at time.Time) {
	m.t.Helper()
	report, err := m.diff(at, func(o *diff.Options) { o.Snapshot = snapshot })
	if err != nil {
		m.t.Fatal(err)
	}
	if report.Status != manifest.Done {
		m.t.Fatalf("time travel: %s: %+v", report.Status, report.Events["watch"].Reasons)
	}
	p.catchUp(at)
	if diff := gocmp.Diff(state, p.knows); diff != "" {
		m.t.Errorf("taken back to %s, the partner knows (-raw files +partner):\n%s", snapshot, diff)
	}
}
