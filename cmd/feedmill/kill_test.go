package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
)

// killFeeds are the feeds whose bytes are compared after each kill.
var killFeeds = []string{"google-de", "meta-all"}

// A victim is a feedmill, a warehouse of day 0 and the deliveries of day 1.
type victim struct {
	t      *testing.T
	binary string
	dir    string
	before published // what day 0 published
	after  published // what day 1 publishes
}

// published is what a warehouse shows: the bytes of the current snapshot's
// partitions and of some feeds.
type published map[string]string

// A phaseSpan is when a phase of a run that was not killed began and ended,
// counted from its start.
type phaseSpan struct{ from, to time.Duration }

// A run that is killed at any moment leaves what was published, or publishes
// all that it would have; the next run succeeds and publishes the same as if
// nothing had happened. FEEDMILL_KILLS is how often each stage is killed.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills twenty runs: not with -short")
	}
	kills := 10
	if text := os.Getenv("FEEDMILL_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	v := newVictim(t, 6000)
	for _, stage := range []string{"aggregate", "generate"} {
		t.Run(stage, func(t *testing.T) { v.killStage(t, stage, kills) })
	}
}

// begins is the warehouse of which each stage makes day 1.
var begins = map[string]string{"aggregate": "day0", "generate": "day1.snapshot"}

func newVictim(t *testing.T, offers int) *victim {
	t.Helper()
	n := strconv.Itoa(offers)
	binary, err := exec.LookPath("feedmill") // this test program, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{t: t, binary: binary, dir: t.TempDir()}
	v.must("day0", "synth", filepath.Join(v.dir, "data"), "--offers", n, "--days", "1")
	v.must("day0", "aggregate")
	v.must("day0", "generate")
	v.before = v.published("day0")
	v.must("day0", "synth", filepath.Join(v.dir, "data"), "--offers", n, "--days", "2")
	v.copy("day0", "day1")
	v.must("day1", "aggregate")
	v.copy("day1", "day1.snapshot")
	v.must("day1", "generate")
	v.after = v.published("day1")
	for name, bytes := range v.before {
		if after, ok := v.after[name]; !ok || after == bytes {
			t.Fatalf("%s is the same on both days, or gone: what is seen would say nothing", name)
		}
	}
	return v
}

// killStage kills runs of a stage in every phase, and lets the next one finish.
func (v *victim) killStage(t *testing.T, stage string, kills int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	start := begins[stage]
	phases := v.phases(start, stage)
	order := slices.SortedFunc(maps.Keys(phases), func(a, b string) int { return int(phases[a].from - phases[b].from) })
	hits, killed := map[string]int{}, 0
	for i := 0; (killed < kills || missed(order, hits)) && i < 5*kills+20; i++ {
		v.copy(start, "killed")
		target := order[i%len(order)]
		length := phases[target].to - phases[target].from
		hit, ok := v.kill(stage, target, time.Duration(r.Int64N(int64(length)+1)))
		if !ok {
			continue
		}
		killed++
		hits[hit]++
		v.check(t, "after a kill in "+hit, "killed", v.before, v.after)
		v.must("killed", "aggregate")
		v.must("killed", "generate")
		v.check(t, "after the run after a kill in "+hit, "killed", v.after)
		v.tidy(t, "killed")
	}
	t.Logf("%d kills of %s, by phase: %v", killed, stage, hits)
	if killed < kills || missed(order, hits) {
		t.Errorf("%d of %d kills came before the end; each of %v should be hit", killed, kills, order)
	}
}

func missed(phases []string, hits map[string]int) bool {
	return slices.ContainsFunc(phases, func(p string) bool { return hits[p] == 0 })
}

func (v *victim) command(warehouse string, args ...string) *exec.Cmd {
	cmd := exec.Command(v.binary, append([]string{"-c", "../../deploy/local/feedmill.yaml", "--log-format", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "FEEDMILL_DATA="+filepath.Join(v.dir, "data"), "FEEDMILL_WAREHOUSE="+filepath.Join(v.dir, warehouse))
	return cmd
}

func (v *victim) must(warehouse string, args ...string) []byte {
	v.t.Helper()
	var out, log bytes.Buffer
	cmd := v.command(warehouse, args...)
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		v.t.Fatalf("feedmill %s: %v\n%s%s", strings.Join(args, " "), err, &out, &log)
	}
	return out.Bytes()
}

// copy makes a warehouse of the same objects, as links: objects never change.
func (v *victim) copy(from, to string) {
	v.t.Helper()
	if err := os.RemoveAll(filepath.Join(v.dir, to)); err != nil {
		v.t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-al", filepath.Join(v.dir, from), filepath.Join(v.dir, to)).CombinedOutput(); err != nil {
		v.t.Fatalf("cp: %v\n%s", err, out)
	}
}

// phases runs a stage to its end and notes when each phase began and ended.
func (v *victim) phases(start, stage string) map[string]phaseSpan {
	v.t.Helper()
	v.copy(start, "measured")
	out := map[string]phaseSpan{}
	last, began := "start", time.Now()
	out[last] = phaseSpan{}
	v.watch(v.command("measured", stage), func(_ *exec.Cmd, phase string) {
		now := time.Since(began)
		out[last] = phaseSpan{out[last].from, now}
		last = phase
		out[last] = phaseSpan{now, now}
	})
	out[last] = phaseSpan{out[last].from, time.Since(began)}
	return out
}

// kill runs a stage and kills it some time after a phase began. It returns the
// phase that the run had reached, and false when it was over before.
func (v *victim) kill(stage, target string, delay time.Duration) (phase string, killed bool) {
	v.t.Helper()
	reached := "start"
	arm := func(cmd *exec.Cmd) { time.AfterFunc(delay, func() { _ = cmd.Process.Kill() }) }
	state := v.watch(v.command("killed", stage), func(cmd *exec.Cmd, phase string) {
		reached = phase
		if phase == target {
			arm(cmd)
		}
	}, func(cmd *exec.Cmd) {
		if target == "start" {
			arm(cmd)
		}
	})
	return reached, !state.Success()
}

// watch runs a command and calls back for each phase that its log names, and
// before for its start.
func (v *victim) watch(cmd *exec.Cmd, phase func(*exec.Cmd, string), started ...func(*exec.Cmd)) *os.ProcessState {
	v.t.Helper()
	log, err := cmd.StderrPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	for _, f := range started {
		f(cmd)
	}
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if name, ok := phaseOf(lines.Bytes()); ok {
			phase(cmd, name)
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !(errors.As(err, &exit) && slices.Contains([]int{-1, exitInterrupted}, exit.ExitCode())) {
		v.t.Fatalf("%s: %v", cmd, err)
	}
	return cmd.ProcessState
}

func phaseOf(line []byte) (string, bool) {
	var entry struct {
		Msg string `json:"msg"`
	}
	if json.Unmarshal(line, &entry) != nil {
		return "", false
	}
	return strings.CutPrefix(entry.Msg, "phase ")
}

// published reads what a warehouse shows.
func (v *victim) published(warehouse string) published {
	v.t.Helper()
	ctx := context.Background()
	store := local.New(filepath.Join(v.dir, warehouse))
	current, err := manifest.Current(ctx, store, "snapshots")
	if err != nil {
		v.t.Fatal(err)
	}
	m, err := manifest.Read(ctx, store, "snapshots", current.Run)
	if err != nil {
		v.t.Fatal(err)
	}
	out := published{}
	for _, o := range m.Objects {
		data, err := os.ReadFile(filepath.Join(v.dir, warehouse, filepath.FromSlash(o.Name)))
		if err != nil {
			v.t.Fatal(err)
		}
		out["snapshot/"+filepath.Base(o.Name)] = string(data)
	}
	for _, feed := range killFeeds {
		v.export(warehouse, feed, out)
	}
	return out
}

// export adds the files of a feed.
func (v *victim) export(warehouse, feed string, out published) {
	v.t.Helper()
	dir := v.t.TempDir()
	v.must(warehouse, "export", feed, "-o", filepath.Join(dir, "feed.xml"))
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		v.t.Fatalf("feed %s has %d files: %v", feed, len(files), err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil || len(data) == 0 {
			v.t.Fatalf("%s of feed %s is empty: %v", f.Name(), feed, err)
		}
		out["feed/"+feed+"/"+f.Name()] = string(data)
	}
}

// check fails unless the snapshot is wholly that of one of several states, and
// the feeds are.
func (v *victim) check(t *testing.T, when, warehouse string, states ...published) {
	t.Helper()
	got := v.published(warehouse)
	for _, kind := range []string{"snapshot/", "feed/"} {
		if !slices.ContainsFunc(states, func(want published) bool { return got.equal(want, kind) }) {
			t.Fatalf("%s, what is published under %s is none of the %d states it may be", when, kind, len(states))
		}
	}
}

// equal reports whether two warehouses show the same under a kind of names.
func (p published) equal(q published, kind string) bool {
	under := func(all published) published {
		out := maps.Clone(all)
		maps.DeleteFunc(out, func(name, _ string) bool { return !strings.HasPrefix(name, kind) })
		return out
	}
	a, b := under(p), under(q)
	return len(a) > 0 && maps.Equal(a, b)
}

// tidy fails when working files are left.
func (v *victim) tidy(t *testing.T, warehouse string) {
	t.Helper()
	for info, err := range local.New(filepath.Join(v.dir, warehouse)).List(context.Background(), storage.Scratch) {
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s is left", info.Name)
	}
}
