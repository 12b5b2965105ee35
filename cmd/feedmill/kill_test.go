package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	"github.com/feedmill/feedmill/internal/storage/local"
)

// killFeeds are the feeds whose bytes are compared after each kill.
var killFeeds = []string{"google-de", "meta-all"}

// A victim is a built feedmill, a warehouse of day 0 and the deliveries of day 1.
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
		t.Skip("kills runs of a catalogue of 20,000 offers: not with -short")
	}
	kills := 10
	if text := os.Getenv("FEEDMILL_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	v := newVictim(t)
	for _, stage := range []string{"aggregate", "generate"} {
		t.Run(stage, func(t *testing.T) { v.killStage(t, stage, kills) })
	}
}

func newVictim(t *testing.T) *victim {
	v := &victim{t: t, dir: t.TempDir()}
	v.binary = filepath.Join(v.dir, "feedmill")
	if out, err := exec.Command("go", "build", "-o", v.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	v.must("day0", "synth", filepath.Join(v.dir, "data"), "--offers", "20000", "--days", "1")
	v.must("day0", "aggregate")
	v.must("day0", "generate")
	v.before = v.published("day0")
	v.must("day0", "synth", filepath.Join(v.dir, "data"), "--offers", "20000", "--days", "2")
	v.copy("day0", "day1")
	v.must("day1", "aggregate")
	v.copy("day1", "day1.snapshot")
	v.must("day1", "generate")
	v.after = v.published("day1")
	if fmt.Sprint(slices.Sorted(maps.Keys(v.before))) != fmt.Sprint(slices.Sorted(maps.Keys(v.after))) || maps.Equal(v.before, v.after) {
		t.Fatal("the two days publish the same")
	}
	return v
}

// killStage kills runs of a stage in every phase, and lets the next one finish.
func (v *victim) killStage(t *testing.T, stage string, kills int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	start := map[string]string{"aggregate": "day0", "generate": "day1.snapshot"}[stage]
	phases := v.phases(start, stage)
	order := slices.SortedFunc(maps.Keys(phases), func(a, b string) int { return int(phases[a].from - phases[b].from) })
	hits := map[string]int{}
	for i := 0; i < kills || missed(order, hits) && i < 5*kills; i++ {
		v.copy(start, "killed")
		target := order[i%len(order)]
		length := phases[target].to - phases[target].from
		hit := v.kill(stage, target, time.Duration(r.Int64N(int64(length)+1)))
		hits[hit]++
		v.check(t, "after a kill in "+hit, "killed", v.before, v.after)
		v.must("killed", "aggregate")
		v.must("killed", "generate")
		v.check(t, "after the run after a kill in "+hit, "killed", v.after)
	}
	t.Logf("kills of %s by phase: %v", stage, hits)
	if missed(order, hits) {
		t.Errorf("no kill hit one of the phases %v: %v", order, hits)
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
	v.watch("measured", stage, func(_ *exec.Cmd, phase string) {
		now := time.Since(began)
		out[last] = phaseSpan{out[last].from, now}
		last = phase
		out[last] = phaseSpan{now, now}
	})
	out[last] = phaseSpan{out[last].from, time.Since(began)}
	return out
}

// kill runs a stage and kills it some time after a phase began. It returns the
// phase that the run had reached, or "end".
func (v *victim) kill(stage, target string, delay time.Duration) string {
	v.t.Helper()
	reached := "start"
	arm := func(cmd *exec.Cmd) { time.AfterFunc(delay, func() { _ = cmd.Process.Kill() }) }
	state := v.watch("killed", stage, func(cmd *exec.Cmd, phase string) {
		reached = phase
		if phase == target {
			arm(cmd)
		}
	}, func(cmd *exec.Cmd) {
		if target == "start" {
			arm(cmd)
		}
	})
	if state.Success() {
		return "end"
	}
	return reached
}

// watch runs a stage and calls back for each phase that its log names, and
// first for its start.
func (v *victim) watch(warehouse, stage string, phase func(*exec.Cmd, string), started ...func(*exec.Cmd)) *os.ProcessState {
	v.t.Helper()
	cmd := v.command(warehouse, stage)
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
		var entry struct {
			Msg string `json:"msg"`
		}
		if json.Unmarshal(lines.Bytes(), &entry) == nil {
			if name, ok := strings.CutPrefix(entry.Msg, "phase "); ok {
				phase(cmd, name)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == -1) {
		v.t.Fatalf("feedmill %s: %v", stage, err)
	}
	return cmd.ProcessState
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
		out["feed/"+feed] = string(v.must(warehouse, "export", feed, "-o", "-"))
	}
	return out
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

func (p published) equal(q published, kind string) bool {
	for name, bytes := range q {
		if strings.HasPrefix(name, kind) && p[name] != bytes {
			return false
		}
	}
	return true
}
