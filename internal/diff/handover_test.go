package diff

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/local"
)

// A receiver takes change sets from the warehouse, as package event says.
type receiver struct {
	n        int64 // the last number of current that it took
	has      map[string]string
	versions map[string]int64
}

func (s *shop) take(r *receiver) {
	s.t.Helper()
	ctx := context.Background()
	last, err := manifest.Current(ctx, s.store, event.Kind)
	s.must(err)
	for ; r.n < last.N; r.n++ {
		p, err := manifest.PointerAt(ctx, s.store, event.Kind, r.n+1)
		s.must(err)
		m, err := manifest.Read(ctx, s.store, event.Kind, p.Run)
		s.must(err)
		var report Report
		s.must(json.Unmarshal(m.Report, &report))
		for _, name := range report.ChangeSets {
			if !slices.ContainsFunc(m.Objects, func(o manifest.Object) bool { return o.Name == name }) {
				s.t.Errorf("run %s does not list %s, which it hands over", p.Run, name)
			}
			for _, e := range s.object(name) {
				r.event(s.t, e)
			}
		}
	}
}

func (r *receiver) event(t testing.TB, e *event.Event) {
	t.Helper()
	if r.has == nil {
		r.has, r.versions = map[string]string{}, map[string]int64{}
	}
	if e.Data.Version <= r.versions[e.Subject] {
		t.Errorf("offer %s: version %d comes after %d", e.Subject, e.Data.Version, r.versions[e.Subject])
	}
	r.versions[e.Subject] = e.Data.Version
	if r.has[e.Subject] = string(e.Data.Fields); e.Kind() == event.Removed {
		delete(r.has, e.Subject)
	}
}

// Who takes change sets from the warehouse has what the state says: no more than what
// passed or was approved, whatever is held, was rejected, or failed.
func TestHandOver(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := newShop(t, "")
	s.define(strings.NewReplacer("removed: 100%", "removed: 5%", "updated: 100%", "updated: 10%").Replace(settings), partner)
	warehouse := func(o *Options) { o.Producer = nil }
	rows, taker, decisions := map[string]row{}, &receiver{}, map[string]int{}
	for i := range 40 {
		rows[fmt.Sprint("o", i)] = row{"Tea", 100, 9}
	}
	for range 60 {
		for range random.IntN(12) {
			id := fmt.Sprint("o", random.IntN(60))
			if rows[id] = (row{"Tea", random.IntN(3) * 100, random.IntN(9)}); random.IntN(4) == 0 {
				delete(rows, id)
			}
		}
		s.snapshot(rows)
		o := s.options()
		warehouse(&o)
		if random.IntN(4) == 0 {
			o.Store = fault.New(s.store, fault.Plan{At: random.IntN(150), Forever: true})
			_, err := Run(context.Background(), o)
			t.Log(err)
			s.clock = s.clock.Add(2 * leaseTime)
			o = s.options()
			warehouse(&o)
		}
		report, err := Run(context.Background(), o)
		s.must(err)
		if h, held := report.Holds["partner"]; held && random.IntN(2) == 0 {
			action := []string{manifest.Approved, manifest.Rejected}[random.IntN(2)]
			decisions[cmp.Or(h.Only, "all")+" "+action]++
			d := DecideOptions{Options: s.options(), Run: h.Run, Decision: manifest.Decision{Action: action, By: "ann", Reason: "so"}}
			warehouse(&d.Options)
			_, err := Decide(context.Background(), d)
			s.must(err)
		}
		s.take(taker)
		if diff := gocmp.Diff(s.state("partner"), taker.has); diff != "" {
			t.Fatalf("after %v: %s", decisions, diff)
		}
	}
	t.Log(decisions)
	s.allListed()
}

// allListed finds that what runs left of change sets is in their manifests, for gc.
func (s *shop) allListed() {
	s.t.Helper()
	ctx := context.Background()
	for info, err := range s.store.List(ctx, event.Kind+"/") {
		s.must(err)
		path := strings.Split(info.Name, "/")
		if path[1] == "current" || path[1] == "state" || !strings.HasSuffix(info.Name, ".jsonl.zst") {
			continue
		}
		m, err := manifest.Read(ctx, s.store, event.Kind, path[1])
		if errors.Is(err, fs.ErrNotExist) || err == nil && m.Status == manifest.Failed {
			continue // gc removes it
		}
		s.must(err)
		if !slices.ContainsFunc(m.Objects, func(o manifest.Object) bool { return o.Name == info.Name && o.Size == info.Size }) {
			s.t.Errorf("%s is in no manifest", info.Name)
		}
	}
}

// What is held is apart, removals alone or everything, and the run that carries an
// approval out names it and needs the run that has it.
func TestHeldApart(t *testing.T) {
	for _, test := range []struct {
		name, feed               string
		handed, held, afterwards string // kinds of events
	}{
		{"nothing is held", partner, "added removed updated", "", ""},
		{"removals", strings.Replace(partner, "first_run: pass", "first_run: pass, removed: 10%", 1), "added updated", "removed", "removed"},
		{"everything", strings.Replace(partner, "first_run: pass", "first_run: pass, updated: 10%", 1), "", "added removed updated", "added removed updated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop(t, test.feed)
			s.snapshot(today)
			s.diff(manifest.Done)
			s.snapshot(tomorrow())
			r, err := Run(context.Background(), s.options())
			s.must(err)
			m, err := manifest.Read(context.Background(), s.store, event.Kind, r.Run)
			s.must(err)
			var held []string
			for _, o := range m.Objects {
				if apart := strings.HasPrefix(o.Name, event.Kind+"/"+r.Run+"/held/partner/"); apart == slices.Contains(r.ChangeSets, o.Name) {
					t.Errorf("%s is handed over and held, or neither", o.Name)
				} else if apart {
					held = append(held, o.Name)
				}
			}
			if got := s.kinds(r.ChangeSets); got != test.handed {
				t.Errorf("%s are handed over, want %s", got, test.handed)
			}
			if got := s.kinds(held); got != test.held {
				t.Errorf("%s are held, want %s", got, test.held)
			}
			if test.held == "" {
				return
			}
			done := s.decide(manifest.Approved, r.Run)
			if got := s.kinds(done.ChangeSets); got != test.afterwards {
				t.Errorf("%s are handed over once approved, want %s", got, test.afterwards)
			}
			m, err = manifest.Read(context.Background(), s.store, event.Kind, done.Run)
			s.must(err)
			if !slices.Equal(m.Requires, []string{r.Run}) || len(m.Objects) != len(done.ChangeSets) {
				t.Errorf("%+v", m)
			}
		})
	}
}

// kinds are those of the events of some objects.
func (s *shop) kinds(names []string) string {
	s.t.Helper()
	var out []string
	for _, name := range names {
		for _, e := range s.object(name) {
			out = append(out, e.Kind())
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

var settingsOfV1 = strings.NewReplacer("partitions: 4", "partitions: 1", "removed: 100%", "removed: 10%").Replace(settings)

// heldOfV1 is the run of testdata/formats/v1 that holds removals.
const heldOfV1 = "20261130T200105.605Z-jckae6"

// newShopOfV1 is a shop whose warehouse an earlier program wrote: today and tomorrow,
// with the removal of b held in the object that has the other events.
func newShopOfV1(t *testing.T) *shop {
	s := newShop(t, "")
	s.store = copied(t, local.New("testdata/formats/v1"))
	s.clock = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	s.define(settingsOfV1, partner)
	return s
}

// What earlier programs held, with other events beside it, is approved and rejected,
// and what they left unsent is sent.
func TestChangeSetsOfV1(t *testing.T) {
	withB := taken(tomorrow())
	withB["b"] = today["b"].fields()
	for name, test := range map[string]struct {
		do   func(*shop)
		sent int
		want map[string]string
	}{
		"approved": {func(s *shop) { s.decide(manifest.Approved, heldOfV1) }, 1, taken(tomorrow())},
		"rejected": {func(s *shop) { s.decide(manifest.Rejected, heldOfV1) }, 0, withB},
		"unsent": {func(s *shop) {
			for info, err := range s.store.List(t.Context(), stateKind(heldOfV1)+"/") {
				s.must(err)
				s.must(s.store.Remove(t.Context(), info.Name))
			}
			s.diff(manifest.Held)
		}, 2, withB},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShopOfV1(t)
			test.do(s)
			if n := len(s.topic.Records()); n != test.sent {
				t.Errorf("%d events are sent, want %d", n, test.sent)
			}
			if diff := gocmp.Diff(test.want, s.state("partner")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
