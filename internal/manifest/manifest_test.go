package manifest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

const (
	runA = "20260102T150405.000Z-aaaaaa"
	runB = "20260102T160405.000Z-bbbbbb"
)

func sample(run string) *manifest.Manifest {
	return &manifest.Manifest{
		Run: run, Stage: "aggregate", Status: manifest.Done,
		Started:  time.Date(2026, 1, 2, 15, 4, 5, 6_000_000, time.UTC),
		Finished: time.Date(2026, 1, 2, 15, 5, 0, 0, time.UTC),
		Base:     7,
		Objects: []manifest.Object{
			{Name: "snapshots/" + run + "/00000.parquet", Size: 1 << 40, Digest: "xxh3:0123456789abcdef"},
			{Name: "snapshots/" + run + "/00001.parquet"},
		},
		Report: []byte(`{"warnings":["a < b & \"香港\" \u003c"],"offers":200000000,"share":0.10}`),
		Detail: []byte(`{"versions":["2026-01-02"]}`),
	}
}

func commit(t *testing.T, store storage.Store, m *manifest.Manifest) {
	t.Helper()
	if err := manifest.Commit(t.Context(), store, "snapshots", m); err != nil {
		t.Fatal(err)
	}
}

func TestReadReturnsWhatWasCommitted(t *testing.T) {
	for _, m := range []*manifest.Manifest{
		sample(runA),
		{Run: "short", Status: manifest.Unchanged},
		{Run: "x", Status: manifest.Held, Report: []byte(`null`), Detail: []byte(`[1e400, -0, "\ud800"]`)},
	} {
		store := mem.New()
		commit(t, store, m)
		got, err := manifest.Read(t.Context(), store, "snapshots", m.Run)
		if err != nil {
			t.Fatal(err)
		}
		m.Detail = bytes.ReplaceAll(m.Detail, []byte(", "), []byte(","))
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("manifest (-want +got):\n%s", diff)
		}
		if got.Format != manifest.Format {
			t.Errorf("format %d, want %d", got.Format, manifest.Format)
		}
	}
}

func TestTimesAreUTC(t *testing.T) {
	a, b := mem.New(), mem.New()
	m := sample(runA)
	commit(t, a, m)
	m.Started = m.Started.In(time.FixedZone("HKT", 8*3600))
	m.Finished = m.Finished.In(time.FixedZone("HKT", 8*3600))
	commit(t, b, m)
	if diff := cmp.Diff(text(t, a, manifest.Name("snapshots", runA)), text(t, b, manifest.Name("snapshots", runA))); diff != "" {
		t.Errorf("the same times in two zones (-UTC +HKT):\n%s", diff)
	}
}

func text(t *testing.T, store storage.Store, name string) string {
	t.Helper()
	data, err := storage.ReadAll(t.Context(), store, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func put(t *testing.T, store storage.Store, name, text string) {
	t.Helper()
	if err := storage.WriteAll(t.Context(), store, name, storage.Replace, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestCommitAgain(t *testing.T) {
	store := mem.New()
	commit(t, store, sample(runA))
	commit(t, store, sample(runA)) // as after a failure that was none
	other := sample(runA)
	other.Base++
	if err := manifest.Commit(t.Context(), store, "snapshots", other); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another manifest of the same run: %v, want fs.ErrExist", err)
	}
	got, err := manifest.Read(t.Context(), store, "snapshots", runA)
	if err != nil || got.Base != 7 {
		t.Errorf("the first manifest is %v, %v", got, err)
	}
}

func TestCommitRefuses(t *testing.T) {
	for name, spoil := range map[string]func(m *manifest.Manifest){
		"no run":            func(m *manifest.Manifest) { m.Run = "" },
		"a run of folders":  func(m *manifest.Manifest) { m.Run = "a/b" },
		"a hidden run":      func(m *manifest.Manifest) { m.Run = ".." },
		"the run current":   func(m *manifest.Manifest) { m.Run = "current" },
		"no status":         func(m *manifest.Manifest) { m.Status = "" },
		"another status":    func(m *manifest.Manifest) { m.Status = "ok" },
		"a report not JSON": func(m *manifest.Manifest) { m.Report = []byte("{") },
	} {
		store := mem.New()
		m := sample(runA)
		spoil(m)
		if err := manifest.Commit(t.Context(), store, "snapshots", m); err == nil {
			t.Errorf("%s: committed", name)
		}
		for info := range store.List(t.Context(), "") {
			t.Errorf("%s: left %s", name, info.Name)
		}
	}
}

func TestList(t *testing.T) {
	store := mem.New()
	for _, run := range []string{runB, runA} {
		commit(t, store, sample(run))
	}
	for _, name := range []string{
		"snapshots/20260102T170405.000Z-cccccc/00000.parquet", // not committed
		"snapshots/" + runA + "/google/manifest.json",
		"snapshots/current/000000000001", "snapshots/current/manifest.json", "snapshots/manifest.json",
		"snapshots2/" + runA + "/manifest.json",
	} {
		put(t, store, name, "")
	}
	got, err := manifest.List(t.Context(), store, "snapshots")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{runA, runB}, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// A counting store knows its folders, as those of the drivers do, and counts what it is
// asked.
type counting struct {
	storage.Store
	requests, objects atomic.Int64
}

func (c *counting) Folders(ctx context.Context, folder string) ([]string, error) {
	c.requests.Add(1)
	return storage.Folders(ctx, c.Store, folder)
}

func (c *counting) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		c.requests.Add(1)
		for info, err := range c.Store.List(ctx, prefix) {
			if c.objects.Add(1); !yield(info, err) {
				return
			}
		}
	}
}

// To find runs is no matter of how many objects they have.
func TestListAsksOnceARun(t *testing.T) {
	inner := mem.New()
	var want []string
	for i := range 14 {
		run := fmt.Sprintf("r%02d", i)
		for part := range 100 {
			put(t, inner, fmt.Sprintf("feeds/%s/list/%05d.part", run, part), "")
			put(t, inner, fmt.Sprintf("feeds/%s/zebra/%05d.part", run, part), "")
		}
		if i != 13 { // which is at work
			put(t, inner, manifest.Name("feeds", run), "")
			want = append(want, run)
		}
	}
	put(t, inner, "feeds/current/000000000001", "")
	store := &counting{Store: inner}
	runs, err := manifest.List(t.Context(), store, "feeds")
	if diff := cmp.Diff(want, runs); diff != "" || err != nil {
		t.Errorf("runs (-want +got):\n%s, %v", diff, err)
	}
	if requests, objects := store.requests.Load(), store.objects.Load(); requests != 15 || objects != 13 {
		t.Errorf("List: %d requests, %d objects", requests, objects)
	}
	store = &counting{Store: inner}
	if last, err := manifest.Last(t.Context(), store, "feeds"); last != "r12" || err != nil {
		t.Errorf("Last: %s, %v", last, err)
	}
	if requests := store.requests.Load(); requests != 3 {
		t.Errorf("Last: %d requests", requests)
	}
	if last, err := manifest.Last(t.Context(), store, "events"); last != "" || err != nil {
		t.Errorf("Last of none: %s, %v", last, err)
	}
}

func TestReadErrors(t *testing.T) {
	store := mem.New()
	commit(t, store, sample(runA))
	good := text(t, store, manifest.Name("snapshots", runA))
	const prefix = "read manifest snapshots/" + runA + "/manifest.json: "
	for name, c := range map[string]struct{ text, want string }{
		"newer":       {strings.Replace(good, `"format": 1`, `"format": 2`, 1), prefix + "format 2 is newer than this feedmill, which knows formats up to 1: use a newer feedmill"},
		"newer shape": {`{"format": 9, "digest": 12}`, prefix + "format 9 is newer than this feedmill, which knows formats up to 1: use a newer feedmill"},
		"no format":   {`{}`, prefix + "damaged: format 0"},
		"empty":       {``, prefix + "unexpected end of JSON input"},
		"cut":         {good[:len(good)/2], prefix + "unexpected end of JSON input"},
		"edited":      {strings.Replace(good, "00001.parquet", "00002.parquet", 1), prefix + "damaged: its digest is xxh3:12be736fe79677b0, not xxh3:"},
		"reformatted": {strings.ReplaceAll(good, "\n", "\n\t"), ""},
	} {
		put(t, store, manifest.Name("snapshots", runA), c.text)
		_, err := manifest.Read(t.Context(), store, "snapshots", runA)
		if c.want == "" != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: error %v\nwant %s", name, err, c.want)
		}
	}
	_, err := manifest.Read(t.Context(), store, "snapshots", runB)
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "there is no run "+runB+" in snapshots: file does not exist" {
		t.Errorf("a missing run: %v", err)
	}
	put(t, store, manifest.Name("snapshots", runB), good)
	_, err = manifest.Read(t.Context(), store, "snapshots", runB)
	if err == nil || err.Error() != "read manifest snapshots/"+runB+"/manifest.json: it is of run "+runA {
		t.Errorf("a manifest at another's place: %v", err)
	}
}

// Any flipped bit and any cut is an error that names the object, or harmless.
func TestDamage(t *testing.T) {
	store := mem.New()
	commit(t, store, sample(runA))
	name := manifest.Name("snapshots", runA)
	good := text(t, store, name)
	want, err := manifest.Read(t.Context(), store, "snapshots", runA)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	check := func(what, damaged string) {
		put(t, store, name, damaged)
		got, err := manifest.Read(t.Context(), store, "snapshots", runA)
		if err == nil && !cmp.Equal(want, got) {
			t.Errorf("%s: read as %+v", what, got)
		}
		if err != nil {
			found++
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%s: error %v does not name the object", what, err)
			}
		}
	}
	for i := range good {
		for bit := range 8 {
			damaged := []byte(good)
			damaged[i] ^= 1 << bit
			check(fmt.Sprintf("bit %d of byte %d", bit, i), string(damaged))
		}
		check(fmt.Sprintf("cut at %d", i), good[:i])
	}
	if found < len(good)*7 {
		t.Errorf("%d of %d damages found", found, len(good)*9)
	}
}

// plans are the ways in which one operation may fail.
var plans = map[string]fault.Plan{
	"before":          {},
	"after":           {After: true},
	"before, forever": {Forever: true},
	"after, forever":  {After: true, Forever: true},
}

// eachFault calls do with a store that fails at operation 0, 1, 2, ..., and check
// with the store below, until nothing fails; then do must have succeeded.
func eachFault(t *testing.T, prepare func(t *testing.T, store storage.Store), do func(store storage.Store) error, check func(t *testing.T, store storage.Store, err error)) {
	for name, plan := range plans {
		t.Run(name, func(t *testing.T) {
			for plan.At = 0; ; plan.At++ {
				inner := mem.New()
				prepare(t, inner)
				store := fault.New(inner, plan)
				err := do(store)
				check(t, inner, err)
				if t.Failed() {
					t.Fatalf("with %v", store.Failure())
				}
				if store.Fired() {
					continue
				}
				if err != nil || plan.At < 3 {
					t.Errorf("after %d faults: %v", plan.At, err)
				}
				return
			}
		})
	}
}

func TestCommitUnderFaults(t *testing.T) {
	eachFault(t,
		func(*testing.T, storage.Store) {},
		func(store storage.Store) error {
			return manifest.Commit(t.Context(), store, "snapshots", sample(runA))
		},
		func(t *testing.T, store storage.Store, err error) {
			runs, _ := manifest.List(t.Context(), store, "snapshots")
			if err == nil && len(runs) == 0 {
				t.Error("committed, but it is not there")
			}
			commit(t, store, sample(runA))
			if _, err := manifest.Read(t.Context(), store, "snapshots", runA); err != nil {
				t.Errorf("after a retry: %v", err)
			}
		})
}

// A commit that happened and only reported an error is done.
func TestCommitThatHappened(t *testing.T) {
	inner := mem.New()
	store := fault.New(inner, fault.Plan{At: 2, After: true})
	if err := manifest.Commit(t.Context(), store, "snapshots", sample(runA)); err != nil {
		t.Errorf("error %v", err)
	}
	if f := store.Failure(); f == nil || f.Operation != "Commit" {
		t.Errorf("the fault was %v, want one of Commit", f)
	}
}

func TestNewRun(t *testing.T) {
	now := time.Date(2026, 1, 2, 23, 4, 5, 67_890_000, time.FixedZone("HKT", 8*3600))
	if got, want := manifest.NewRun(now, strings.NewReader("\x00\x44\x32\x14")), "20260102T150405.067Z-abcdef"; got != want {
		t.Errorf("NewRun = %s, want %s", got, want)
	}
	if a, b := manifest.NewRun(now, strings.NewReader("\xff\xff\xff\xff")), manifest.NewRun(now.Add(time.Millisecond), strings.NewReader("\x00\x00\x00\x00")); a >= b {
		t.Errorf("%s does not sort before %s, a millisecond later", a, b)
	}
}

func FuzzRead(f *testing.F) {
	store := mem.New()
	if err := manifest.Commit(f.Context(), store, "k", sample("r")); err != nil {
		f.Fatal(err)
	}
	data, err := storage.ReadAll(f.Context(), store, manifest.Name("k", "r"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format":1,"run":"r"}`))
	f.Add([]byte(`{"format":1,"id":"x","owner":"h:1","since":"2026-01-02T15:04:05Z","expires":"2026-01-02T15:04:05Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		store := mem.New()
		put(t, store, "k/r/manifest.json", string(data))
		put(t, store, "k/current/000000000003", string(data))
		put(t, store, "leases/k/000000000003", string(data))
		if m, err := manifest.Read(t.Context(), store, "k", "r"); err == nil && m.Run != "r" {
			t.Errorf("read %+v", m)
		}
		if p, err := manifest.Current(t.Context(), store, "k"); err == nil && (p.N != 3 || p.Run == "") {
			t.Errorf("current %+v", p)
		}
		_, _ = manifest.Acquire(t.Context(), store, "k", manifest.LeaseOptions{})
	})
}
