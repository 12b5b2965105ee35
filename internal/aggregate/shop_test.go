package aggregate

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A shop is a workspace in a temporary folder whose sources stand below data/
// of a store in memory.
type shop struct {
	t       testing.TB
	ws      *workspace.Workspace
	sources storage.Store
	store   storage.Store
}

func newShop(t testing.TB, yaml string) *shop {
	t.Helper()
	return &shop{t: t, ws: loadWorkspace(t, yaml), sources: mem.New(), store: mem.New()}
}

func loadWorkspace(t testing.TB, yaml string) *workspace.Workspace {
	t.Helper()
	path := filepath.Join(t.TempDir(), "feedmill.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o666); err != nil {
		t.Fatal(err)
	}
	ws, err := workspace.Load(path, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// redefine gives the shop another feedmill.yaml.
func (s *shop) redefine(yaml string) { s.ws = loadWorkspace(s.t, yaml) }

// put writes a file of a source; name is below data/.
func (s *shop) put(name, text string) {
	s.t.Helper()
	if err := storage.WriteAll(context.Background(), s.sources, name, storage.Replace, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) remove(name string) {
	s.t.Helper()
	if err := s.sources.Remove(context.Background(), name); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) options() Options {
	return Options{
		Workspace: s.ws, Store: s.store, Workers: 2,
		Open: func(url string) (storage.Store, string, error) {
			return s.sources, strings.TrimPrefix(url, "data/"), nil
		},
	}
}

// aggregate runs the stage on a checked allocator.
func (s *shop) aggregate(change ...func(*Options)) (*Report, error) {
	s.t.Helper()
	o := s.options()
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	o.Alloc = alloc
	for _, c := range change {
		c(&o)
	}
	report, err := Run(context.Background(), o)
	if err == nil {
		alloc.AssertSize(s.t, 0)
	}
	return report, err
}

// must is aggregate that succeeds with a status.
func (s *shop) must(status string, change ...func(*Options)) *Report {
	s.t.Helper()
	report, err := s.aggregate(change...)
	if err != nil {
		s.t.Fatal(err)
	}
	if report.Status != status {
		s.t.Fatalf("status %s, want %s: %+v", report.Status, status, report)
	}
	return report
}

func full(o *Options) { o.Full = true }

func asOf(version string) func(*Options) { return func(o *Options) { o.AsOf = version } }

// afresh is the same shop with an empty warehouse.
func (s *shop) afresh() *shop {
	other := *s
	other.store = mem.New()
	return &other
}

// objects returns the sizes and digests of a snapshot's partitions.
func (s *shop) objects(run string) []manifest.Object {
	s.t.Helper()
	m, err := manifest.Read(context.Background(), s.store, snapshots, run)
	if err != nil {
		s.t.Fatal(err)
	}
	out := append([]manifest.Object(nil), m.Objects...)
	for i := range out {
		out[i].Name = filepath.Base(out[i].Name)
	}
	return out
}

// offers returns a snapshot's rows as JSON objects by id.
func (s *shop) offers(run string) map[string]map[string]any {
	s.t.Helper()
	table, err := snapshot.Open(context.Background(), s.store, run)
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for p := range table.Partitions() {
		scanner, err := table.Partition(context.Background(), p, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		for {
			record, err := scanner.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				s.t.Fatal(err)
			}
			addRows(out, record)
			record.Release()
		}
		if err := scanner.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
	return out
}

func addRows(out map[string]map[string]any, record arrow.RecordBatch) {
	for i := range int(record.NumRows()) {
		row := map[string]any{}
		for c, f := range record.Schema().Fields() {
			row[f.Name] = record.Column(c).GetOneForMarshal(i)
		}
		out[record.Column(0).ValueStr(i)] = row
	}
}
