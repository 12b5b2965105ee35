package generate

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
)

func (m *market) decideIn(store storage.Store, action, run string, feeds ...string) (*Report, error) {
	o := m.options()
	o.Store, o.Feeds = store, feeds
	return Decide(context.Background(), DecideOptions{Options: o, Run: run, Decision: manifest.Decision{Action: action, By: "ann", Reason: "it is right"}})
}

func (m *market) decide(action, run string, feeds ...string) *Report {
	m.t.Helper()
	report, err := m.decideIn(m.store, action, run, feeds...)
	m.must(err)
	return report
}

// heldMarket is one in which feed wellcome is held, since all that it had is gone.
func heldMarket(t *testing.T) (m *market, held *Report, rows []map[string]any) {
	m = newMarket(t, threeFeeds)
	rows = randomRows(rand.New(rand.NewPCG(11, 12)), 200)
	m.aggregate(rows)
	m.generate(manifest.Done)
	m.aggregate(without(rows, ofWellcome))
	return m, m.generate(manifest.Held), rows
}

// What was held is published when somebody approves it, and the guard goes on
// from there.
func TestApprove(t *testing.T) {
	m, held, rows := heldMarket(t)
	if len(ids(m.export("wellcome")[0])) == 0 {
		t.Fatal("the held feed was published")
	}
	report := m.decide(manifest.Approved, held.Run)
	if report.Status != manifest.Done || len(report.Holds) > 0 || report.Feeds["wellcome"].Published != held.Run || report.Decision.By != "ann" {
		t.Errorf("report: %+v", report)
	}
	if got := ids(m.export("wellcome")[0]); len(got) > 0 {
		t.Errorf("published: %v", got)
	}
	if at := m.published("wellcome").Updated; at.Before(report.Started.Truncate(time.Second)) {
		t.Errorf("for partners it changed at %s, and was approved at %s", at, report.Started)
	}
	again := m.generate(manifest.Unchanged)
	if len(again.Held()) > 0 || len(again.Holds) > 0 {
		t.Errorf("a run that had nothing to do: %+v", again)
	}
	decisions, err := manifest.Decisions(context.Background(), m.store, held.Run)
	m.must(err)
	want := []*manifest.Decision{{
		ID: report.Run, Stage: "generate", Run: held.Run, Action: manifest.Approved, By: "ann", Reason: "it is right", At: report.Started,
		Held: map[string]string{"wellcome": m.published("wellcome").Content},
	}}
	if diff := cmp.Diff(want, decisions); diff != "" {
		t.Errorf("decisions: %s", diff)
	}
	m.aggregate(without(rows[1:], ofWellcome))
	if next := m.generate(manifest.Done); next.Carried == 0 {
		t.Error("the run after a decision takes no parts over")
	}
}

// What somebody rejects is not published, and is not held again while later snapshots
// come to the same. Something else is judged anew, and so is the same by other limits.
func TestReject(t *testing.T) {
	m, held, rows := heldMarket(t)
	before := m.export("wellcome")
	report := m.decide(manifest.Rejected, held.Run, "wellcome")
	if report.Status != manifest.Done || len(report.Holds) > 0 {
		t.Errorf("report: %+v", report)
	}
	stays := func(report *Report) {
		t.Helper()
		f := report.Feeds["wellcome"]
		if diff := cmp.Diff(before, m.export("wellcome")); diff != "" || f.Rejected != "rejected by ann: it is right" || f.Published != m.published("wellcome").Run {
			t.Errorf("%s\n%+v", diff, f)
		}
		if warned := strings.Join(report.Warnings, "\n"); !strings.Contains(warned, "feed wellcome stays as run "+f.Published+" made it: what was made of it since was rejected by ann: it is right") {
			t.Errorf("warnings: %s", warned)
		}
	}
	stays(m.generate(manifest.Unchanged))
	m.aggregate(without(rows[1:], ofWellcome))
	stays(m.generate(manifest.Done))
	stays(m.generate(manifest.Unchanged, func(o *Options) { o.Feeds = []string{"wellcome"} }))

	m.ws.Guard.HeldFeeds = 0.9
	if next := m.generate(manifest.Held); next.Holds["wellcome"].Run != next.Run {
		t.Errorf("by other limits: %+v", next.Holds)
	}
	m.decide(manifest.Rejected, m.generate(manifest.Held).Holds["wellcome"].Run)
	stays(m.generate(manifest.Unchanged))
	wellcome := slices.DeleteFunc(slices.Clone(rows), func(row map[string]any) bool { return row["seller"] != "WELLCOME" })
	m.aggregate(append(without(rows, ofWellcome), wellcome[:len(wellcome)/4]...))
	if next := m.generate(manifest.Held); next.Holds["wellcome"].Run != next.Run || next.Feeds["wellcome"].Rejected != "" {
		t.Errorf("of something else: %+v", next.Holds)
	}
	m.aggregate(rows[1:])
	m.generate(manifest.Done)
	m.aggregate(without(rows, ofWellcome))
	m.generate(manifest.Held)
}

// What somebody rejects of a run that is held as a whole is not published with later
// runs, even where the feed's own guard lets it pass.
func TestRejectAWholeRun(t *testing.T) {
	m, _, rows := heldMarket(t)
	m.ws.Guard.HeldFeeds = 0.1
	m.aggregate(without(rows[20:], ofWellcome))
	held := m.generate(manifest.Held)
	if len(held.Reasons) == 0 || len(held.Holds) != 3 {
		t.Fatalf("held: %+v", held)
	}
	before := m.export("german")
	m.decide(manifest.Rejected, held.Run)
	m.aggregate(append(without(rows[20:], ofWellcome), map[string]any{"id": "other"}))
	report := m.generate(manifest.Done)
	if diff := cmp.Diff(before, m.export("german")); diff != "" || report.Feeds["german"].Rejected == "" || report.Feeds["everything"].Rejected == "" {
		t.Errorf("%s\n%+v", diff, report.Feeds)
	}
}

// A decision is refused about what is not held, not any more, or by a newer run.
func TestDecisionRefused(t *testing.T) {
	m, first, rows := heldMarket(t)
	for what, try := range map[string]func() error{
		"does not hold feed german":  func() error { _, err := m.decideIn(m.store, manifest.Approved, first.Run, "german"); return err },
		"does not hold feed nothing": func() error { _, err := m.decideIn(m.store, manifest.Rejected, first.Run, "nothing"); return err },
	} {
		if err := try(); !refused(err, what) {
			t.Errorf("%v, want %s", err, what)
		}
	}
	m.aggregate(without(rows[1:], ofWellcome))
	second := m.generate(manifest.Held)
	for _, feeds := range [][]string{nil, {"wellcome"}} {
		if _, err := m.decideIn(m.store, manifest.Approved, first.Run, feeds...); !refused(err, "superseded by run "+second.Run) {
			t.Errorf("of a run before: %v", err)
		}
	}
	repeated := m.generate(manifest.Held)
	for _, feeds := range [][]string{nil, {"wellcome"}} {
		if _, err := m.decideIn(m.store, manifest.Approved, repeated.Run, feeds...); !refused(err, "feed wellcome: run "+repeated.Run+" made nothing new of it, it is run "+second.Run+" that holds it") {
			t.Errorf("of a run that had nothing to do: %v", err)
		}
	}
	m.decide(manifest.Approved, second.Run)
	if _, err := m.decideIn(m.store, manifest.Approved, second.Run); !refused(err, "nothing that run "+second.Run+" made is held") {
		t.Errorf("once more: %v", err)
	}
	if _, err := m.decideIn(newMarket(t, threeFeeds).store, manifest.Approved, first.Run); !refused(err, "is held") {
		t.Errorf("in an empty warehouse: %v", err)
	}
}

func refused(err error, why string) bool {
	var refusal *manifest.RefusedError
	return errors.As(err, &refusal) && strings.Contains(refusal.Why, why)
}

// A run that is held as a whole can be approved in part; the rest stays held.
func TestApproveOfAWholeRun(t *testing.T) {
	m, _, rows := heldMarket(t)
	m.ws.Guard.HeldFeeds = 0.1
	m.aggregate(rows[150:])
	held := m.generate(manifest.Held)
	if len(held.Reasons) == 0 || len(held.Holds) != 3 {
		t.Fatalf("the run is not held as a whole: %+v", held)
	}
	german := m.decide(manifest.Approved, held.Run, "german")
	if german.Status != manifest.Held || len(german.Holds) != 2 || german.Feeds["german"].Published != held.Run || german.Feeds["everything"].Published == held.Run {
		t.Errorf("german alone: %+v", german)
	}
	m.generate(manifest.Held)
	rest := m.decide(manifest.Approved, held.Run)
	if rest.Status != manifest.Done || len(rest.Holds) > 0 {
		t.Errorf("the rest: %+v", rest)
	}
	if got := len(ids(m.export("everything")[0])); int64(got) != held.Feeds["everything"].Items {
		t.Errorf("%d items are published", got)
	}
	m.generate(manifest.Unchanged)
}

// What is damaged cannot be approved, and nothing moves.
func TestDamagedCannotBeApproved(t *testing.T) {
	m, held, _ := heldMarket(t)
	m.must(m.store.Remove(context.Background(), m.holds(held.Run)["wellcome"].Index))
	if _, err := m.decideIn(m.store, manifest.Approved, held.Run); err == nil {
		t.Error("it was approved")
	}
	if len(ids(m.export("wellcome")[0])) == 0 {
		t.Error("it was published")
	}
}

// Whichever storage operation of a decision fails, the feed is the old one or the
// new one, and the next try succeeds unless the first did.
func TestAnyOperationOfADecisionMayFail(t *testing.T) {
	m, held, _ := heldMarket(t)
	old := published(t, m.store, []string{"wellcome", "german"})
	done := copied(t, m.store)
	_, err := m.decideIn(done, manifest.Approved, held.Run)
	m.must(err)
	wanted := published(t, done, []string{"wellcome", "german"})
	if cmp.Equal(old, wanted) {
		t.Fatal("the decision changes nothing")
	}
	for _, plan := range []fault.Plan{{}, {After: true}, {Forever: true}} {
		n := 0
		for ; ; n++ {
			store := copied(t, m.store)
			plan.At = n
			broken := fault.New(store, plan)
			_, failed := m.decideIn(broken, manifest.Approved, held.Run)
			if !broken.Fired() {
				break
			}
			got := published(t, store, []string{"wellcome", "german"})
			if !cmp.Equal(got, old) && !cmp.Equal(got, wanted) {
				t.Fatalf("operation %d: neither the old feeds nor the new ones", n)
			}
			if failed == nil && !cmp.Equal(got, wanted) {
				t.Fatalf("operation %d: done, and not published", n)
			}
			m.clock = m.clock.Add(2 * leaseTime)
			if _, err := m.decideIn(store, manifest.Approved, held.Run); err != nil && !refused(err, "is held") {
				t.Fatalf("operation %d: the next try: %v", n, err)
			}
			if diff := cmp.Diff(wanted, published(t, store, []string{"wellcome", "german"})); diff != "" {
				t.Fatalf("operation %d: after the next try: %s", n, diff)
			}
		}
		if n < 8 {
			t.Errorf("%+v: only %d operations failed", plan, n)
		}
	}
}

func (m *market) published(feed string) part.Entry {
	m.t.Helper()
	return m.catalog().Feeds[feed]
}

// A feed that is not defined any more goes with the first run that is not held as a
// whole, also where that has nothing else to do.
func TestGoneWithAHeldRun(t *testing.T) {
	for _, action := range []string{manifest.Approved, manifest.Rejected} {
		m, _, rows := heldMarket(t)
		m.define(strings.Replace(threeFeeds, "feed: german", "feed: other", 1))
		m.ws.Guard.HeldFeeds = 0.1
		m.aggregate(without(rows[150:], ofWellcome))
		held := m.generate(manifest.Held)
		if len(held.Reasons) == 0 || len(m.export("german")) == 0 {
			t.Fatalf("held: %+v", held)
		}
		m.decide(action, held.Run)
		m.generate(manifest.Done)
		if got, err := export(m.store, "german"); err == nil {
			t.Errorf("%s: feed german is still published: %v", action, got)
		}
		m.generate(manifest.Unchanged)
	}
}
