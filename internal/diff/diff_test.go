package diff

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage/fault"
	topics "github.com/feedmill/feedmill/internal/stream/mem"
)

var today = map[string]row{"a": {"Tea", 250, 3}, "b": {"Milk <1 l>", 100, 9}, "c": {"Cake", 700, 0}, "d": {"Ä & Ö", 225, 1}}

// tomorrow is the next day: a is dearer, b is gone, c is there, d is the same.
func tomorrow() map[string]row {
	rows := maps.Clone(today)
	rows["a"], rows["c"] = row{"Tea", 275, 3}, row{"Cake", 700, 6}
	delete(rows, "b")
	return rows
}

func counts(r FeedReport) [5]int64 {
	return [5]int64{r.Added, r.Updated, r.Removed, r.Refreshed, r.Unchanged}
}

// An event feed's destinations get what changed, and what they have is what the
// feed takes.
func TestDiff(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	first := s.diff(manifest.Done)
	if got := counts(first.Events["partner"]); got != [5]int64{3, 0, 0, 0, 0} || first.Sent != 3 || first.Offers != 4 {
		t.Errorf("first: %v, %d sent", got, first.Sent)
	}
	s.snapshot(tomorrow())
	second := s.diff(manifest.Done)
	if got := counts(second.Events["partner"]); got != [5]int64{1, 1, 1, 0, 1} || second.Sent != 3 || second.Events["partner"].Changed["price"] != 1 {
		t.Errorf("second: %v, %d sent, %v", got, second.Sent, second.Events["partner"].Changed)
	}
	for _, e := range s.events(second.Run) {
		want := map[string]event.Data{
			"a": {Fields: json.RawMessage(`{"price":2.75,"stock":"few","title":"Tea"}`), Changed: map[string]event.Change{"price": {Before: json.RawMessage("2.50"), After: json.RawMessage("2.75")}}},
			"b": {Fields: json.RawMessage(`{"price":1.00,"stock":"many","title":"Milk <1 l>"}`)},
			"c": {Fields: json.RawMessage(`{"price":7.00,"stock":"many","title":"Cake"}`)},
		}[e.Subject]
		want.Feed, want.Destinations, want.Catalog, want.Version = "partner", []string{"p"}, "c", 2
		kind := map[string]string{"a": event.Updated, "b": event.Removed, "c": event.Added}[e.Subject]
		if diff := cmp.Diff(event.New(kind, want, e.Subject, second.Started), e); diff != "" {
			t.Error(diff)
		}
	}
	for what, got := range map[string]map[string]string{"sent": known(t, s.topic, "partner"), "state": s.state("partner")} {
		if diff := cmp.Diff(taken(tomorrow()), got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

// A day without change sends nothing and writes no state; the report says all the
// same.
func TestUnchanged(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	first := s.diff(manifest.Done)
	for _, again := range []bool{false, true} {
		if again {
			s.snapshot(today)
		}
		r := s.diff(manifest.Unchanged)
		if got := counts(r.Events["partner"]); got != [5]int64{0, 0, 0, 0, 3} || r.Sent != 0 || r.Snapshot == "" || r.Offers != 4 {
			t.Errorf("%+v", r)
		}
	}
	for info, err := range s.store.List(context.Background(), "events/") {
		s.must(err)
		if strings.Contains(info.Name, "/partner/") && !strings.Contains(info.Name, first.Run) {
			t.Errorf("%s was written", info.Name)
		}
	}
}

// A field that cannot be computed is null, counted, and warned of.
func TestFailedFields(t *testing.T) {
	s := newShop(t, strings.Replace(partner, "fields: {", "fields: {share: 10 / (offer.stock - 3), ", 1))
	s.snapshot(today)
	r := s.diff(manifest.Done)
	want := []string{"event feed partner: values that could not be computed, and are null: 1 (share)"}
	if diff := cmp.Diff(want, r.Warnings); diff != "" || r.Events["partner"].Failed["share"] != 1 {
		t.Errorf("%s\n%+v", diff, r.Events)
	}
	for _, e := range s.events(r.Run) {
		if e.Subject == "a" && !strings.Contains(string(e.Data.Fields), `"share":null`) {
			t.Errorf("%s", e.Data.Fields)
		}
	}
}

// What was not sent for long is sent again, not all of it at once.
func TestRefresh(t *testing.T) {
	s := newShop(t, partner+"refresh: 28d\n")
	rows := map[string]row{}
	for i := range 400 {
		rows[fmt.Sprint("o", i)] = row{"Tea", 100, 1}
	}
	s.snapshot(rows)
	s.diff(manifest.Done)
	start, byDay := s.clock, map[int]int64{}
	for day := range 60 {
		s.clock = start.Add(time.Duration(day) * 24 * time.Hour)
		o := s.options()
		r, err := Run(context.Background(), o)
		s.must(err)
		byDay[day] = r.Events["partner"].Refreshed
	}
	first, total := int64(0), int64(0)
	for day := range 30 {
		first += byDay[day]
		if day < 21 && byDay[day] > 0 || byDay[day] > 120 {
			t.Errorf("day %d: %d are refreshed", day, byDay[day])
		}
	}
	for _, n := range byDay {
		total += n
	}
	if first != 400 || total < 800 {
		t.Errorf("%d of 400 are refreshed in 30 days, %d in 60: %v", first, total, byDay)
	}
}

// A feed that chooses takes the best of its groups, over all partitions.
func TestChoose(t *testing.T) {
	s := newShop(t, partner+"choose: {per: offer.title, by: [offer.price asc], take: 1}\n")
	random := rand.New(rand.NewPCG(5, 5))
	rows := map[string]row{}
	for day := range 5 {
		for range 40 {
			id := fmt.Sprintf("o%02d", random.IntN(60))
			rows[id] = row{fmt.Sprint("T", random.IntN(9)), random.IntN(10000), random.IntN(3)}
		}
		s.snapshot(rows)
		s.diff(manifest.Done)
		best := map[string]string{} // by title
		for _, id := range slices.Sorted(maps.Keys(rows)) {
			other, found := rows[best[rows[id].Title]]
			if rows[id].Stock > 0 && (!found || rows[id].Price < other.Price) {
				best[rows[id].Title] = id
			}
		}
		want := map[string]string{}
		for _, id := range best {
			want[id] = rows[id].fields()
		}
		if diff := cmp.Diff(want, known(t, s.topic, "partner")); diff != "" {
			t.Errorf("day %d: %s", day, diff)
		}
	}
}

// A key that cannot be computed counts as null, and the report says of how many offers.
func TestChooseFails(t *testing.T) {
	s := newShop(t, partner+"choose: {per: offer.title, by: [10 / (offer.stock - 5) asc], take: 1}\n")
	s.snapshot(map[string]row{"a": {"Tea", 1, 5}, "b": {"Tea", 2, 4}, "c": {"Cake", 3, 5}, "d": {"Milk", 3, 0}})
	r := s.diff(manifest.Done)
	const key = "choose by 10 / (offer.stock - 5) asc"
	if diff := cmp.Diff(map[string]int64{key: 2}, r.Events["partner"].Failed); diff != "" {
		t.Error(diff)
	}
	if len(r.Warnings) != 1 || !strings.HasSuffix(r.Warnings[0], "could not be computed, and are null: 2 ("+key+")") {
		t.Errorf("%q", r.Warnings)
	}
	if diff := cmp.Diff([]string{"b", "c"}, slices.Sorted(maps.Keys(known(t, s.topic, "partner")))); diff != "" {
		t.Error(diff)
	}
}

// Other fields are said once, as redefined, and not as so many updates.
func TestRedefined(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	s.diff(manifest.Done)
	s.define(settings, strings.Replace(partner, "fields: {", "fields: {id: offer.id, ", 1))
	r := s.diff(manifest.Held)
	f := r.Events["partner"]
	if !f.Redefined || len(f.Reasons) != 1 || f.Reasons[0].Check != "redefined" || f.Updated != 3 || r.Sent != 0 {
		t.Errorf("%+v", f)
	}
	s.define(settings, strings.Replace(strings.Replace(partner, "fields: {", "fields: {id: offer.id, ", 1), "first_run: pass", "first_run: pass, redefined: pass", 1))
	if r := s.diff(manifest.Done); r.Sent != 3 || len(r.Holds) > 0 {
		t.Errorf("%+v", r)
	}
	s.snapshot(today)
	s.diff(manifest.Unchanged)
}

// An earlier snapshot takes the partners back, with greater versions.
func TestTimeTravel(t *testing.T) {
	s := newShop(t, partner)
	old := s.snapshot(today)
	s.diff(manifest.Done)
	s.snapshot(tomorrow())
	s.diff(manifest.Done)
	back := s.diff(manifest.Done, func(o *Options) { o.Snapshot = old })
	if got := counts(back.Events["partner"]); got != [5]int64{1, 1, 1, 0, 1} || back.Snapshot != old {
		t.Errorf("%v", got)
	}
	if diff := cmp.Diff(taken(today), known(t, s.topic, "partner")); diff != "" {
		t.Error(diff)
	}
}

// A dry run counts and changes nothing.
func TestDryRun(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	r := s.diff(manifest.Done, func(o *Options) { o.DryRun = true })
	if got := counts(r.Events["partner"]); got != [5]int64{3, 0, 0, 0, 0} || len(s.topic.Records()) > 0 || len(r.Events["partner"].Samples) != 3 {
		t.Errorf("%+v", r)
	}
	for info, err := range s.store.List(context.Background(), "") {
		s.must(err)
		if !strings.HasPrefix(info.Name, "snapshots/") && !strings.HasPrefix(info.Name, "leases/") {
			t.Errorf("%s was written", info.Name)
		}
	}
	s.diff(manifest.Done)
}

// What --no-send leaves, the next run sends first. The state is that which the run
// itself would have written.
func TestNoSend(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	noSend := func(o *Options) { o.NoSend = true }
	r := s.diff(manifest.Done, noSend)
	if r.Sent != 0 || len(s.topic.Records()) > 0 || len(s.state("partner")) > 0 {
		t.Errorf("sent: %+v", r)
	}
	s.snapshot(tomorrow())
	o := s.options()
	noSend(&o)
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "the 3 events of run "+r.Run+" are not sent yet") {
		t.Errorf("again without sending: %v", err)
	}
	if r := s.diff(manifest.Done); r.Sent != 6 {
		t.Errorf("%d are sent", r.Sent)
	}
	began, _ := manifest.RunTime(r.Run)
	if moved, err := (&worker{store: s.store}).readState(context.Background(), r.Run, "partner"); err != nil || !moved.Oldest.Equal(began) {
		t.Errorf("the state of run %s: %+v, %v", r.Run, moved, err)
	}
	if diff := cmp.Diff(taken(tomorrow()), known(t, s.topic, "partner")); diff != "" {
		t.Error(diff)
	}
}

// Without Kafka the change set is the hand-over, and the state moves.
func TestWithoutKafka(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	r := s.diff(manifest.Done, func(o *Options) { o.Producer = nil })
	if r.Sent != 0 {
		t.Errorf("%d are sent", r.Sent)
	}
	if diff := cmp.Diff(taken(today), s.state("partner")); diff != "" {
		t.Error(diff)
	}
}

// A feed that is not defined any more sends nothing and keeps its state.
func TestOrphan(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	s.diff(manifest.Done)
	s.define(settings, strings.Replace(partner, "events: partner", "events: other", 1))
	r := s.diff(manifest.Done)
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "event feed partner is not defined any more: its destinations keep 3 offers") || len(r.Events) != 1 {
		t.Errorf("%+v", r)
	}
	s.define(settings, partner)
	s.snapshot(tomorrow())
	if r := s.diff(manifest.Done); counts(r.Events["partner"]) != [5]int64{1, 1, 1, 0, 1} {
		t.Errorf("back again: %+v", r.Events)
	}
}

// A feed that takes nothing any more takes its offers back, once somebody says so,
// and may then be deleted.
func TestRetired(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	s.diff(manifest.Done)
	strict := strings.Replace(settings, "floor: 0, empty: pass, ", "floor: 0, ", 1)
	s.define(strings.Replace(strict, "removed: 100%", "removed: 10%", 1), strings.Replace(partner, "where: offer.stock > 0", "where: false", 1))
	held := s.diff(manifest.Held)
	s.decide(manifest.Approved, held.Run)
	if got := known(t, s.topic, "partner"); len(got) > 0 {
		t.Errorf("the destinations still know %v", got)
	}
	s.define(settings, strings.Replace(partner, "events: partner", "events: other", 1))
	if r := s.diff(manifest.Done); len(r.Warnings) > 0 {
		t.Errorf("%+v", r.Warnings)
	}
}

// Another number of partitions changes nothing.
func TestRepartitioned(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	s.diff(manifest.Done)
	for _, n := range []string{"1", "16", "2"} {
		s.define(strings.Replace(settings, "partitions: 4", "partitions: "+n, 1), partner)
		s.snapshot(today)
		s.diff(manifest.Unchanged)
	}
	s.snapshot(tomorrow())
	if r := s.diff(manifest.Done); counts(r.Events["partner"]) != [5]int64{1, 1, 1, 0, 1} {
		t.Errorf("%+v", r.Events)
	}
	if diff := cmp.Diff(taken(tomorrow()), known(t, s.topic, "partner")); diff != "" {
		t.Error(diff)
	}
}

// Events are what their schema says.
func TestSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(event.Schema))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiler.AddResource("event.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := compiler.MustCompile("event.json")
	data := compiler.MustCompile("event.json#/$defs/data")
	s := newShop(t, partner)
	s.snapshot(today)
	runs := []string{s.diff(manifest.Done).Run}
	s.snapshot(tomorrow())
	runs = append(runs, s.diff(manifest.Done).Run)
	seen := map[string]bool{}
	for _, run := range runs {
		for _, e := range s.events(run) {
			seen[e.Kind()] = true
			text, err := json.Marshal(e)
			s.must(err)
			s.must(schema.Validate(parsed(t, text)))
		}
	}
	for _, r := range s.topic.Records() {
		s.must(data.Validate(parsed(t, r.Value)))
	}
	if len(seen) != 3 || schema.Validate(parsed(t, []byte(`{"id": "x"}`))) == nil {
		t.Errorf("kinds %v", seen)
	}
}

func parsed(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// When only removals are too many they alone are held, and the rest goes out.
func TestRemovalsAloneAreHeld(t *testing.T) {
	s := newShop(t, strings.Replace(partner, "first_run: pass", "first_run: pass, removed: 10%", 1))
	s.snapshot(today)
	s.diff(manifest.Done)
	s.snapshot(tomorrow())
	r := s.diff(manifest.Held)
	if r.Sent != 2 || r.Holds["partner"].Only != "removals" {
		t.Fatalf("%+v", r)
	}
	want := taken(tomorrow())
	want["b"] = today["b"].fields()
	for what, got := range map[string]map[string]string{"sent": known(t, s.topic, "partner"), "state": s.state("partner")} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	for _, dry := range []bool{false, true} {
		again := s.diff(manifest.Held, func(o *Options) { o.DryRun = dry })
		if got := counts(again.Events["partner"]); got != [5]int64{0, 0, 1, 0, 3} || again.Sent != 0 || again.Holds["partner"].Opened != r.Holds["partner"].Opened {
			t.Errorf("again: %+v", again)
		}
	}
	done := s.decide(manifest.Approved, r.Holds["partner"].Run)
	if done.Sent != 1 || len(done.Holds) > 0 || done.Status != manifest.Done || counts(done.Events["partner"]) != [5]int64{0, 0, 1, 0, 3} {
		t.Errorf("approved: %+v", done)
	}
	if diff := cmp.Diff(taken(tomorrow()), known(t, s.topic, "partner")); diff != "" {
		t.Error(diff)
	}
	s.diff(manifest.Unchanged)
}

// What is added while removals are held does not make them a smaller share: they are
// held until somebody decides, or until they are fewer.
func TestHeldRemovalsStay(t *testing.T) {
	s := newShop(t, strings.Replace(partner, "first_run: pass", "first_run: pass, removed: 10%, floor: 0", 1))
	rows := map[string]row{}
	add := func(first, n int) {
		for i := range n {
			rows[fmt.Sprintf("o%03d", first+i)] = row{"Tea", 100, 1}
		}
	}
	remove := func(first, n int) {
		for i := range n {
			delete(rows, fmt.Sprintf("o%03d", first+i))
		}
	}
	add(0, 100)
	s.snapshot(rows)
	s.diff(manifest.Done)
	remove(0, 12)
	add(100, 100)
	s.snapshot(rows)
	first := s.diff(manifest.Held)
	add(200, 1)
	s.snapshot(rows)
	second := s.diff(manifest.Held)
	if e := second.Events["partner"]; second.Sent != 1 || e.Removed != 12 || *e.Before != 200 || e.Reasons[0].Was != 100 {
		t.Errorf("%+v", second)
	}
	if got := s.state("partner"); len(got) != 201 {
		t.Errorf("the destinations have %d offers", len(got))
	}
	if opened := second.Holds["partner"].Opened; opened != first.Holds["partner"].Opened {
		t.Errorf("held since %s", opened)
	}
	add(0, 3)
	s.snapshot(rows)
	if third := s.diff(manifest.Done); third.Events["partner"].Removed != 9 || third.Sent != 9 {
		t.Errorf("%+v", third)
	}
	remove(20, 15)
	s.snapshot(rows)
	if fourth := s.diff(manifest.Done); fourth.Events["partner"].Removed != 15 {
		t.Errorf("the base of a hold that is over: %+v", fourth)
	}
}

// Removals that somebody rejects are not sent and not held again, while other events
// are; once they are not the very same, they are judged anew, as a share of what
// there was when they were held first.
func TestRejectedRemovals(t *testing.T) {
	s := newShop(t, strings.Replace(partner, "first_run: pass", "first_run: pass, removed: 10%, floor: 0", 1))
	s.snapshot(today)
	s.diff(manifest.Done)
	rows := tomorrow()
	s.snapshot(rows)
	held := s.diff(manifest.Held)
	said := "rejected by ann: it is right"
	if r := s.decide(manifest.Rejected, held.Run); r.Status != manifest.Done || r.Sent != 0 || r.Events["partner"].Rejected != said || counts(r.Events["partner"]) != [5]int64{0, 0, 0, 0, 4} {
		t.Errorf("rejected: %+v", r)
	}
	if r := s.diff(manifest.Unchanged); r.Events["partner"].Rejected != said || !strings.Contains(strings.Join(r.Warnings, "\n"), "event feed partner: events that would be sent were "+said) {
		t.Errorf("unchanged: %+v", r)
	}
	for i := range 100 {
		rows[fmt.Sprint("new", i)] = row{"Tea", 100, 1}
	}
	s.snapshot(rows)
	r := s.diff(manifest.Done)
	if e := r.Events["partner"]; r.Sent != 100 || e.Removed != 0 || e.Unchanged != 4 || e.Rejected != said {
		t.Errorf("%+v", r)
	}
	if _, there := known(t, s.topic, "partner")["b"]; !there {
		t.Error("what was rejected was sent")
	}
	delete(rows, "d")
	s.snapshot(rows)
	if r := s.diff(manifest.Held); r.Events["partner"].Removed != 2 || r.Events["partner"].Reasons[0].Was != 3 {
		t.Errorf("%+v", r)
	}
}

// What is held of an event feed that is not defined any more is not sent, and holds
// nothing up.
func TestHoldOfAnOrphan(t *testing.T) {
	s := newShop(t, strings.Replace(partner, "guard: {first_run: pass}", "", 1))
	s.snapshot(today)
	held := s.diff(manifest.Held)
	s.define(settings, "")
	r := s.diff(manifest.Unchanged)
	if want := "event feed partner is not defined any more, or not enabled: what run " + held.Run + " holds of it is not sent"; len(r.Holds) > 0 || !slices.Contains(r.Warnings, want) {
		t.Errorf("%+v", r)
	}
	s.diff(manifest.Unchanged)
	if got := known(t, s.topic, "partner"); len(got) > 0 {
		t.Errorf("sent: %v", got)
	}
}

// Events that a guard holds are made again when their event feed comes back.
func TestDisabledWithAHold(t *testing.T) {
	feeds := strings.Replace(partner, "first_run: pass", "first_run: pass, removed: 10%", 1)
	s := newShop(t, feeds)
	s.snapshot(today)
	s.diff(manifest.Done)
	s.snapshot(tomorrow())
	s.diff(manifest.Held)
	s.define(settings, feeds+"enabled: false\n")
	s.diff(manifest.Unchanged)
	s.define(settings, feeds)
	if r := s.diff(manifest.Held); r.Events["partner"].Removed != 1 {
		t.Errorf("%+v", r)
	}
}

// A definition of fields that makes no event is theirs from then on: passed or approved,
// it is not told of again, and does not keep the guard from looking at updates.
func TestRedefinedWithoutEvents(t *testing.T) {
	for _, passes := range []bool{true, false} {
		feeds := strings.Replace(partner, "first_run: pass", "first_run: pass, updated: 10%", 1)
		if passes {
			feeds = strings.Replace(feeds, "first_run: pass", "first_run: pass, redefined: pass", 1)
		}
		s := newShop(t, feeds)
		s.snapshot(today)
		s.diff(manifest.Done)
		s.define(settings, strings.Replace(feeds, "title: offer.title", `title: offer.title + ""`, 1))
		if passes {
			s.diff(manifest.Unchanged)
		} else {
			s.decide(manifest.Approved, s.diff(manifest.Held).Run)
		}
		if r := s.diff(manifest.Unchanged); r.Events["partner"].Redefined {
			t.Errorf("%+v", r)
		}
		rows := maps.Clone(today)
		rows["a"] = row{"Tea", 999, 3}
		s.snapshot(rows)
		if r := s.diff(manifest.Held); r.Events["partner"].Redefined || r.Events["partner"].Reasons[0].Check != "updated" {
			t.Errorf("%+v", r.Events["partner"])
		}
	}
}

// What somebody rejected is not sent when the guard would let it pass as a part of more.
func TestRejectedThoughItPasses(t *testing.T) {
	s := newShop(t, strings.NewReplacer("first_run: pass", "first_run: pass, errors: 10%", "where: offer.stock > 0", "where: 10 / offer.stock > 0").Replace(partner))
	rows := map[string]row{}
	for i := range 20 {
		rows[fmt.Sprint("o", i)] = row{"Tea", 100, 1}
	}
	s.snapshot(rows)
	s.diff(manifest.Done)
	for i := range 3 {
		rows[fmt.Sprint("o", i)] = row{"Tea", 100, 0}
	}
	s.snapshot(rows)
	s.decide(manifest.Rejected, s.diff(manifest.Held).Run)
	for i := range 100 {
		rows[fmt.Sprint("other", i)] = row{"Tea", 100, 100}
	}
	s.snapshot(rows)
	r := s.diff(manifest.Unchanged)
	if e := r.Events["partner"]; r.Sent != 0 || e.Rejected == "" || e.Removed != 0 {
		t.Errorf("%+v", r)
	}
}

func (s *shop) decide(action, run string, feeds ...string) *Report {
	s.t.Helper()
	report, err := Decide(context.Background(), DecideOptions{Options: s.options(), Run: run, Feeds: feeds, Decision: manifest.Decision{Action: action, By: "ann", Reason: "it is right"}})
	s.must(err)
	return report
}

// A first run is held, is not superseded by one that comes to the same, and is
// sent when somebody approves it; rejected, it is no longer held.
func TestFirstRunIsHeld(t *testing.T) {
	for _, action := range []string{manifest.Approved, manifest.Rejected} {
		s := newShop(t, strings.Replace(partner, "guard: {first_run: pass}", "", 1))
		s.snapshot(today)
		first := s.diff(manifest.Held)
		s.snapshot(today)
		if again := s.diff(manifest.Held); again.Holds["partner"].Run != first.Run || again.Events["partner"].Verdict != guard.Hold {
			t.Errorf("again: %+v", again)
		}
		r := s.decide(action, first.Run)
		want := map[string]string{}
		if action == manifest.Approved {
			want = taken(today)
		}
		if diff := cmp.Diff(want, known(t, s.topic, "partner")); diff != "" || r.Status != manifest.Done {
			t.Errorf("%s, %s: %s", action, r.Status, diff)
		}
		s.diff(manifest.Unchanged)
		s.snapshot(tomorrow())
		if action == manifest.Rejected {
			held := s.diff(manifest.Held)
			_, err := Decide(context.Background(), DecideOptions{Options: s.options(), Run: first.Run, Decision: manifest.Decision{Action: action, By: "a", Reason: "b"}})
			var refused *manifest.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "superseded by run "+held.Run) {
				t.Errorf("of a run before: %v", err)
			}
		} else if r := s.diff(manifest.Done); r.Sent != 3 {
			t.Errorf("%+v", r)
		}
	}
}

// A broker that fails in the middle loses nothing: the next run sends the rest
// first, and what came twice has the same ids.
func TestBrokenBroker(t *testing.T) {
	for n := range 6 {
		s := newShop(t, partner)
		s.snapshot(today)
		s.diff(manifest.Done)
		s.snapshot(tomorrow())
		s.topic.FailAfter(n, errors.New("the broker is away"))
		run, err := Run(context.Background(), s.options())
		if failed := n < 3; failed != (err != nil) {
			t.Fatalf("after %d records: %v", n, err)
		}
		if err != nil && cmp.Equal(s.state("partner"), taken(tomorrow())) {
			t.Errorf("after %d records the state has moved", n)
		}
		if sent, left := s.delivered(run.Run); sent+left != 3 || (left > 0) != (err != nil) {
			t.Errorf("after %d records, %d are noted as sent and %d as left", n, sent, left)
		}
		if _, err := Run(context.Background(), s.options()); err != nil && n < 3 {
			t.Fatalf("the next run: %v", err)
		}
		if sent, left := s.delivered(run.Run); sent != 3 || left != 0 {
			t.Errorf("after the next run, %d are noted as sent and %d as left", sent, left)
		}
		for what, got := range map[string]map[string]string{"sent": known(t, s.topic, "partner"), "state": s.state("partner")} {
			if diff := cmp.Diff(taken(tomorrow()), got); diff != "" {
				t.Errorf("after %d records: %s: %s", n, what, diff)
			}
		}
	}
}

// Whichever storage operation fails, nothing is lost and nothing comes from
// nowhere: the next run sends what is left, and the partner has what the feed takes.
func TestAnyOperationMayFail(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	s.diff(manifest.Done)
	s.snapshot(tomorrow())
	old := s.topic.Records()
	for _, plan := range []fault.Plan{{}, {After: true}, {Forever: true}} {
		n := 0
		for ; ; n++ {
			s.topic = topics.New(3)
			s.must(s.topic.Producer().Send(context.Background(), old))
			store := copied(t, s.store)
			plan.At = n
			o := s.options()
			broken := fault.New(store, plan)
			o.Store, o.Workers = broken, 1
			_, failed := Run(context.Background(), o)
			if !broken.Fired() {
				s.must(failed)
				break
			}
			if got := known(t, s.topic, "partner"); failed == nil && !cmp.Equal(got, taken(tomorrow())) {
				t.Fatalf("%v: done, and not sent", broken.Failure())
			}
			s.clock = s.clock.Add(2 * leaseTime)
			again := s.options()
			again.Store = store
			if _, err := Run(context.Background(), again); err != nil {
				t.Fatalf("after %v: the next run: %v", broken.Failure(), err)
			}
			if diff := cmp.Diff(taken(tomorrow()), known(t, s.topic, "partner")); diff != "" {
				t.Fatalf("after %v (%v): %s", broken.Failure(), failed, diff)
			}
		}
		if n < 40 {
			t.Errorf("%+v: only %d operations failed", plan, n)
		}
		t.Logf("%+v: %d operations failed", plan, n)
	}
}

// Over random days, with brokers and stores that fail, the partner has after every
// run that succeeds what the feed takes, and the counts are those of a comparison
// of the days.
func TestRandomDays(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := newShop(t, partner)
	rows, before := map[string]row{}, map[string]string{}
	for range 60 {
		for range random.IntN(20) {
			id := fmt.Sprint("o", random.IntN(60))
			if rows[id] = (row{[]string{"Tea", "Cake", "Ä"}[random.IntN(3)], random.IntN(3) * 100, random.IntN(9)}); random.IntN(4) == 0 {
				delete(rows, id)
			}
		}
		s.snapshot(rows)
		switch random.IntN(4) {
		case 0:
			s.topic.FailAfter(random.IntN(10), errors.New("away"))
		case 1:
			o := s.options()
			o.Store = fault.New(s.store, fault.Plan{At: random.IntN(150), Forever: true})
			_, err := Run(context.Background(), o)
			s.clock = s.clock.Add(2 * leaseTime)
			t.Log(err)
			before = nil
		}
		report, err := Run(context.Background(), s.options())
		if err != nil {
			before = nil
			continue
		}
		now := taken(rows)
		if diff := cmp.Diff(now, known(t, s.topic, "partner")); diff != "" {
			t.Fatal(diff)
		}
		if before != nil {
			checkCounts(t, report.Events["partner"], before, now)
		}
		before = now
	}
}

func checkCounts(t *testing.T, got FeedReport, before, now map[string]string) {
	t.Helper()
	var want [5]int64
	for _, id := range slices.Sorted(maps.Keys(now)) {
		was, found := before[id]
		switch {
		case !found:
			want[0]++
		case was != now[id]:
			want[1]++
		default:
			want[4]++
		}
	}
	for id := range before {
		if _, found := now[id]; !found {
			want[2]++
		}
	}
	if counts(got) != want {
		t.Errorf("%v, want %v", counts(got), want)
	}
}
