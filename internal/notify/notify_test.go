package notify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/notify"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/workspace"
)

var start = time.Date(2026, 3, 1, 2, 15, 0, 0, time.UTC)

// A receiver is a web server that takes notices while it is well.
type receiver struct {
	mu     sync.Mutex
	got    []string // event and names
	bodies []string
	ill    int // requests to refuse
	server *httptest.Server
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(request.Body)
	if r.ill > 0 {
		r.ill--
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, "no luck with %s", request.URL) // as some repeat what is secret
		return
	}
	r.bodies = append(r.bodies, string(body))
	var m struct {
		Event, Text string
		Problems    []notify.Problem
	}
	if err := json.Unmarshal(body, &m); err != nil {
		r.got = append(r.got, err.Error())
		return
	}
	line := m.Event
	for _, p := range m.Problems {
		line += " " + strings.TrimPrefix(p.Name, "feed ")
	}
	r.got = append(r.got, line)
}

// take returns what came since it was last asked.
func (r *receiver) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

func hook(r *receiver, id string, on ...string) workspace.Notice {
	return workspace.Notice{Name: "webhook of feedmill.yaml, line 7", ID: id, Kind: workspace.Webhook, URL: r.server.URL + "/hooks/T0KEN-s3cret?key=k3y-s3cret", On: on}
}

var everything = []string{notify.Held, notify.Failed, notify.Recovered}

func notifier(store storage.Store, notices ...workspace.Notice) *notify.Notifier {
	now := start
	return &notify.Notifier{Store: store, Notices: notices, Workspace: "/srv/shop/feedmill.yaml", Now: func() time.Time {
		now = now.Add(time.Hour)
		return now
	}}
}

// held is a finding of feeds, written as name:check,check.
func held(feeds ...string) notify.Finding {
	f := notify.Finding{Stage: "generate", Run: "20260301T021500.000Z-abcdef"}
	for _, feed := range feeds {
		name, checks, _ := strings.Cut(feed, ":")
		p := notify.Problem{Name: "feed " + name, Run: f.Run, Since: start, Approvable: true}
		for check := range strings.SplitSeq(checks, ",") {
			if check != "" {
				p.Reasons = append(p.Reasons, guard.Reason{Check: check, Text: check + " is beyond its limit"})
			}
		}
		f.Held = append(f.Held, p)
	}
	return f
}

func failed(why string) notify.Finding {
	return notify.Finding{Stage: "generate", Run: "20260301T031500.000Z-abcdef", Failed: errors.New(why)}
}

func TestTell(t *testing.T) {
	t.Parallel()
	type step struct {
		finding notify.Finding
		want    []string
	}
	for name, steps := range map[string][]step{
		"nothing is wrong": {{held(), nil}, {held(), nil}},
		"once, and once that it is over": {
			{held("a:drop"), []string{"held a"}},
			{held("a:drop"), nil},
			{held(), []string{"recovered a"}},
			{held(), nil},
		},
		"several in one message": {
			{held("b:drop", "a:empty"), []string{"held a b"}},
			{held("a:empty", "b:drop", "c:drop"), []string{"held c"}},
			{held("c:drop"), []string{"recovered a b"}},
		},
		"another reason is told": {
			{held("a:drop"), []string{"held a"}},
			{held("a:drop,errors"), []string{"held a"}},
			{held("a:errors,drop"), nil},
			{held(), []string{"recovered a"}},
		},
		"a hold that is only open keeps its reason": {
			{held("a:drop"), []string{"held a"}},
			{held("a"), nil},
			{held("a:drop"), nil},
		},
		"a failure is one problem, whatever its text": {
			{failed("disk full at 12"), []string{"failed "}},
			{failed("disk full at 13"), nil},
			{held(), []string{"recovered "}},
		},
		"a failure does not end a hold": {
			{held("a:drop"), []string{"held a"}},
			{failed("x"), []string{"failed "}},
			{held("a:drop"), []string{"recovered "}},
			{held(), []string{"recovered a"}},
		},
		"again after it was over": {
			{held("a:drop"), []string{"held a"}},
			{held(), []string{"recovered a"}},
			{held("a:drop"), []string{"held a"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			n := notifier(mem.New(), hook(r, "1", everything...))
			for i, s := range steps {
				if warnings := n.Tell(t.Context(), s.finding); len(warnings) > 0 {
					t.Errorf("step %d: %q", i, warnings)
				}
				if diff := cmp.Diff(s.want, r.take()); diff != "" {
					t.Errorf("step %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// Every target hears what it asked for, also when another one is away; what was
// not delivered comes with the next run.
func TestTargets(t *testing.T) {
	t.Parallel()
	all, failures, ill := newReceiver(t), newReceiver(t), newReceiver(t)
	n := notifier(mem.New(), hook(all, "1", everything...), hook(failures, "2", notify.Failed), hook(ill, "3", everything...))
	ill.ill = 2
	for i, s := range []struct {
		finding             notify.Finding
		all, failures, late []string
		warnings            int
	}{
		{held("a:drop"), []string{"held a"}, nil, nil, 1},
		{held("a:drop"), nil, nil, nil, 1},
		{held("a:drop"), nil, nil, []string{"held a"}, 0},
		{failed("x"), []string{"failed "}, []string{"failed "}, []string{"failed "}, 0},
		{held(), []string{"recovered  a"}, nil, []string{"recovered  a"}, 0},
		{held(), nil, nil, nil, 0},
	} {
		warnings := n.Tell(t.Context(), s.finding)
		if len(warnings) != s.warnings {
			t.Errorf("step %d: warnings %q", i, warnings)
		}
		if diff := cmp.Diff([][]string{s.all, s.failures, s.late}, [][]string{all.take(), failures.take(), ill.take()}); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
}

// One who never heard of a problem does not hear that it is over.
func TestNeverTold(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	n := notifier(mem.New(), hook(r, "1", everything...))
	r.ill = 1
	n.Tell(t.Context(), held("a:drop"))
	if warnings := n.Tell(t.Context(), held()); len(warnings)+len(r.take()) > 0 {
		t.Errorf("warnings %q, or a notice", warnings)
	}
}

// Whatever operation of the warehouse fails: every notice is delivered at least
// once, and nothing but a warning comes of it.
func TestFaults(t *testing.T) {
	t.Parallel()
	for op := 0; ; op++ {
		r := newReceiver(t)
		broken := fault.New(mem.New(), fault.Plan{At: op})
		n := notifier(broken, hook(r, "1", everything...))
		var warnings []string
		for _, f := range []notify.Finding{held("a:drop"), held("a:drop"), held(), held()} {
			warnings = append(warnings, n.Tell(t.Context(), f)...)
		}
		got := r.take()
		if len(got) < 2 || got[0] != "held a" || got[len(got)-1] != "recovered a" || len(got) > 3 {
			t.Errorf("operation %d fails: %q", op, got)
		}
		if (len(warnings) > 0) != broken.Fired() {
			t.Errorf("operation %d: %v, warnings %q", op, broken.Failure(), warnings)
		}
		if !broken.Fired() {
			return
		}
	}
}

// Two processes at once repeat a notice at most; afterwards nothing is told.
func TestRace(t *testing.T) {
	t.Parallel()
	r, store := newReceiver(t), mem.New()
	var work sync.WaitGroup
	for range 2 {
		n := notifier(store, hook(r, "1", everything...))
		work.Go(func() { n.Tell(t.Context(), held("a:drop")) })
	}
	work.Wait()
	if got := r.take(); len(got) < 1 || len(got) > 2 {
		t.Errorf("told %q", got)
	}
	if notifier(store, hook(r, "1", everything...)).Tell(t.Context(), held("a:drop")); len(r.take()) > 0 {
		t.Error("told again")
	}
}

func TestDamagedState(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", `{"format": 2}`, `{"format": 1, "problems": {"held a": null}}`, `[]`} {
		r, store := newReceiver(t), mem.New()
		if err := storage.WriteAll(t.Context(), store, "notices/generate.json", storage.Replace, []byte(text)); err != nil {
			t.Fatal(err)
		}
		n := notifier(store, hook(r, "1", everything...))
		n.Tell(t.Context(), held("a:drop"))
		warnings := n.Tell(t.Context(), held("a:drop"))
		if diff := cmp.Diff([]string{"held a"}, r.take()); diff != "" || len(warnings) > 0 {
			t.Errorf("%q: %q %s", text, warnings, diff)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	n := notifier(mem.New(), hook(r, "1", everything...))
	n.Tell(t.Context(), held("google-de:drop,errors", "skroutz:empty"))
	n.Tell(t.Context(), held("skroutz:empty"))
	n.Tell(t.Context(), failed("aggregate: write part: disk full"))
	host, _ := os.Hostname()
	var text string
	for _, body := range r.bodies {
		var m struct{ Text string }
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		text += strings.ReplaceAll(m.Text, " on "+host, " on HOST") + "---\n"
	}
	want := `feedmill generate: 2 held
workspace /srv/shop/feedmill.yaml on HOST

feed google-de held since 2026-03-01 02:15:00 UTC
  drop is beyond its limit
  errors is beyond its limit

feed skroutz held since 2026-03-01 02:15:00 UTC
  empty is beyond its limit

feedmill -c /srv/shop/feedmill.yaml show 20260301T021500.000Z-abcdef
feedmill -c /srv/shop/feedmill.yaml approve 20260301T021500.000Z-abcdef --by NAME --reason TEXT
---
feedmill generate: feed google-de recovered
workspace /srv/shop/feedmill.yaml on HOST

feed google-de is well again: from 2026-03-01 02:15:00 UTC to 2026-03-01 04:15:00 UTC it was not
---
feedmill generate: failed
workspace /srv/shop/feedmill.yaml on HOST

the stage failed since 2026-03-01 05:15:00 UTC
  aggregate: write part: disk full

feedmill -c /srv/shop/feedmill.yaml show 20260301T031500.000Z-abcdef
---
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
}

// A thousand held feeds are one message that can be read.
func TestMany(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	feeds := make([]string, 1300)
	for i := range feeds {
		feeds[i] = fmt.Sprintf("feed-%04d:drop", i)
	}
	notifier(mem.New(), hook(r, "1", everything...)).Tell(t.Context(), held(feeds...))
	var m struct {
		Title, Text string
		Problems    []notify.Problem
	}
	if err := json.Unmarshal([]byte(r.bodies[0]), &m); err != nil {
		t.Fatal(err)
	}
	if len(r.bodies) != 1 || len(m.Problems) != 1300 || !strings.Contains(m.Text, "and 1280 more") || len(m.Text) > 4000 {
		t.Errorf("%d messages, the first of %d problems: %s", len(r.bodies), len(m.Problems), m.Text)
	}
}

func TestSlack(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	notice := hook(r, "1", everything...)
	notice.Kind = workspace.Slack
	if warnings := notifier(mem.New(), notice).Tell(t.Context(), held("a:drop")); len(warnings) > 0 {
		t.Fatal(warnings)
	}
	var m map[string]string
	if err := json.Unmarshal([]byte(r.bodies[0]), &m); err != nil || len(m) != 1 || !strings.Contains(m["text"], "feed a held since") {
		t.Errorf("%v: %s", err, r.bodies[0])
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	notice := workspace.Notice{
		Name: "command of feedmill.yaml, line 7", ID: "1", Kind: workspace.Command, On: everything,
		Command: []string{"sh", "-c", `cat >body; printf '%s|%s|%s' "$FEEDMILL_EVENT" "$FEEDMILL_STAGE" "$FEEDMILL_TITLE" >env; echo noise`},
	}
	n := notifier(mem.New(), notice)
	n.Dir = dir
	if warnings := n.Tell(t.Context(), held("a:drop")); len(warnings) > 0 {
		t.Fatal(warnings)
	}
	body, err1 := os.ReadFile(filepath.Join(dir, "body"))
	env, err2 := os.ReadFile(filepath.Join(dir, "env"))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	var m struct{ Problems []notify.Problem }
	if err := json.Unmarshal(body, &m); err != nil || len(m.Problems) != 1 || m.Problems[0].Name != "feed a" {
		t.Errorf("%v: %s", err, body)
	}
	if diff := cmp.Diff("held|generate|feedmill generate: feed a held", string(env)); diff != "" {
		t.Error(diff)
	}
}

// Whatever goes wrong with a target, its secrets stay out of warnings and out of
// the warehouse.
func TestSecrets(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.ill = 1
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	address := strings.TrimPrefix(gone.URL, "http://")
	on := everything
	for _, notice := range []workspace.Notice{
		hook(r, "1", on...),
		{ID: "1", Kind: workspace.Webhook, On: on, URL: gone.URL + "/T0KEN-s3cret?key=k3y-s3cret"},
		{ID: "1", Kind: workspace.Slack, On: on, URL: "http://user:pass-s3cret@" + address + "/T0KEN-s3cret"},
		{ID: "1", Kind: workspace.Slack, On: on, URL: "http://127.0.0.1:1/%zz-s3cret"},
		{ID: "1", Kind: workspace.Command, On: on, Command: []string{"sh", "-c", "echo $0; exit 7", "T0KEN-s3cret"}},
		{ID: "1", Kind: workspace.Command, On: on, Command: []string{"./nowhere", "T0KEN-s3cret"}},
		{ID: "1", Kind: workspace.Mail, On: on, SMTP: address, From: "a@example.org", To: []string{"b@example.org"}, User: "u", Password: "pass-s3cret"},
		{ID: "1", Kind: workspace.Mail, On: on, SMTP: r.server.Listener.Addr().String(), From: "nobody", To: []string{"b@example.org"}, User: "u", Password: "pass-s3cret"},
	} {
		notice.Name = notice.Kind + " of feedmill.yaml, line 7"
		store := mem.New()
		warnings := notifier(store, notice).Tell(t.Context(), held("a:drop"))
		state, err := storage.ReadAll(t.Context(), store, "notices/generate.json")
		if err != nil {
			t.Fatal(err)
		}
		if len(warnings) != 1 || !strings.HasPrefix(warnings[0], notice.Name) {
			t.Errorf("warnings %q", warnings)
		}
		t.Log(warnings)
		if text := strings.Join(warnings, "") + string(state); strings.Contains(text, "s3cret") {
			t.Errorf("a secret came out: %s", text)
		}
	}
}
