// Package realdata holds tests alone: real catalogues, as their publishers gave
// them out, go through the mill, and every column of every offer of the snapshot
// is compared with a reading of the raw files that shares no code with it.
//
// Its promise: what the tests expect is computed with the Go standard library
// from the files below FEEDMILL_REAL_DATA, never by the packages under test.
package realdata

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/aggregate"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A row is an offer. Its values are nil, bool, int64, float64, string, time.Time
// in UTC (a date: its midnight), json.Number for a decimal (with all digits of
// its scale), []any, and map[string]any for a map or a struct (all its fields).
type row = map[string]any

// realData returns the folder of a catalogue, or skips the test.
func realData(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("FEEDMILL_REAL_DATA")
	if root == "" {
		t.Skip("FEEDMILL_REAL_DATA does not name the folder with the real catalogues")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("FEEDMILL_REAL_DATA has no catalogue %s: %v", name, err)
	}
	return dir
}

// loadWorkspace loads the feedmill.yaml of a folder.
func loadWorkspace(t testing.TB, dir string, env map[string]string) *workspace.Workspace {
	t.Helper()
	ws, err := workspace.Load(filepath.Join(dir, "feedmill.yaml"), func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// newStore returns an empty warehouse on disk.
func newStore(t testing.TB) storage.Store {
	t.Helper()
	return local.New(t.TempDir())
}

// opener opens files at local paths.
func opener(ws *workspace.Workspace) source.Opener {
	return func(pattern string) (storage.Store, string, error) {
		constant, _, _ := strings.Cut(ws.Resolve(pattern), "{")
		constant, _, _ = strings.Cut(constant, "*")
		dir := constant[:strings.LastIndexByte(constant, '/')+1]
		return local.New(dir), strings.TrimPrefix(ws.Resolve(pattern), dir), nil
	}
}

// An option changes how the stage is run.
type option func(*aggregate.Options)

func full(o *aggregate.Options) { o.Full = true }

func asOf(version string) option { return func(o *aggregate.Options) { o.AsOf = version } }

// tryAggregate runs the stage; what it allocates it must give back.
func tryAggregate(t testing.TB, ws *workspace.Workspace, store storage.Store, opts ...option) (*aggregate.Report, error) {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	o := aggregate.Options{Workspace: ws, Store: store, Open: opener(ws), Workers: 2, Alloc: alloc}
	for _, opt := range opts {
		opt(&o)
	}
	report, err := aggregate.Run(context.Background(), o)
	if err == nil {
		alloc.AssertSize(t, 0)
	}
	return report, err
}

// aggregateOnce runs the stage, which must make a snapshot.
func aggregateOnce(t testing.TB, ws *workspace.Workspace, store storage.Store, opts ...option) *aggregate.Report {
	t.Helper()
	report, err := tryAggregate(t, ws, store, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if report.Status != manifest.Done || report.Snapshot != report.Run {
		t.Fatalf("status %s: %+v", report.Status, report)
	}
	return report
}

// readSnapshot returns the columns and all offers of a snapshot.
func readSnapshot(t testing.TB, store storage.Store, run string) (offer.Schema, []row) {
	t.Helper()
	table, err := snapshot.Open(context.Background(), store, run)
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for i := range table.Partitions() {
		scanner, err := table.Partition(context.Background(), i, columnNames(table.Schema()))
		if err != nil {
			t.Fatal(err)
		}
		rows = readRows(t, rows, scanner, table.Schema())
		if err := scanner.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return table.Schema(), rows
}

func columnNames(schema offer.Schema) []string {
	names := make([]string, len(schema))
	for i, f := range schema {
		names[i] = f.Name
	}
	return names
}

func readRows(t testing.TB, rows []row, scanner *snapshot.Scanner, schema offer.Schema) []row {
	t.Helper()
	for {
		batch, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range int(batch.NumRows()) {
			r := row{}
			for c, f := range schema {
				r[f.Name] = valueOf(batch.Column(c), f.Type, i)
			}
			rows = append(rows, r)
		}
		batch.Release()
	}
}

// valueOf returns the i-th value of an array. It knows the type from the schema,
// so that an array of another type panics.
func valueOf(a arrow.Array, t offer.Type, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch t.Kind {
	case offer.String:
		return strings.Clone(a.(*array.String).Value(i))
	case offer.Bool:
		return a.(*array.Boolean).Value(i)
	case offer.Int:
		return a.(*array.Int64).Value(i)
	case offer.Double:
		return a.(*array.Float64).Value(i)
	case offer.Timestamp:
		return time.UnixMicro(int64(a.(*array.Timestamp).Value(i))).UTC()
	case offer.Date:
		return time.Unix(86400*int64(a.(*array.Date32).Value(i)), 0).UTC()
	case offer.Decimal:
		return json.Number(a.(*array.Decimal128).Value(i).ToString(t.Scale))
	case offer.List:
		list := a.(*array.List)
		return valuesOf(list.ListValues(), *t.Elem, list, i)
	case offer.Map:
		return mapOf(a.(*array.Map), t, i)
	case offer.Struct:
		return structOf(a.(*array.Struct), t, i)
	default:
		panic(fmt.Sprintf("kind %d", t.Kind))
	}
}

func valuesOf(values arrow.Array, t offer.Type, list array.ListLike, i int) []any {
	start, end := list.ValueOffsets(i)
	out := make([]any, 0, end-start)
	for k := start; k < end; k++ {
		out = append(out, valueOf(values, t, int(k)))
	}
	return out
}

func mapOf(m *array.Map, t offer.Type, i int) map[string]any {
	keys := valuesOf(m.Keys(), offer.Type{Kind: offer.String}, m, i)
	values := valuesOf(m.Items(), *t.Elem, m, i)
	out := map[string]any{}
	for k, key := range keys {
		out[key.(string)] = values[k]
	}
	if len(out) != len(keys) {
		panic(fmt.Sprintf("a map with repeated keys %v", keys))
	}
	return out
}

func structOf(s *array.Struct, t offer.Type, i int) map[string]any {
	out := map[string]any{}
	for k, f := range t.Fields {
		out[f.Name] = valueOf(s.Field(k), f.Type, i)
	}
	return out
}

// compareOffers fails the test where a snapshot's offers are not the wanted
// ones, which are by id and have every column of the schema. It returns how many
// values it compared.
func compareOffers(t testing.TB, schema offer.Schema, got []row, want map[string]row) int {
	t.Helper()
	found := map[string]row{}
	for _, r := range got {
		id := r["id"].(string)
		if found[id] != nil {
			t.Errorf("offer %s is there twice", id)
		}
		found[id] = r
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if found[id] == nil {
			t.Errorf("offer %s is missing", id)
		}
	}
	wrong := 0
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if reflect.DeepEqual(want[id], found[id]) {
			continue
		}
		diff := cmp.Diff(want[id], found[id])
		if diff == "" {
			continue
		}
		if wrong++; wrong <= 5 {
			t.Errorf("offer %s (-want +got):\n%s", id, diff)
		}
	}
	if wrong > 0 {
		t.Fatalf("%d of %d offers are wrong", wrong, len(found))
	}
	return len(found) * len(schema)
}

// readRejects returns the rejected rows that a run kept of a source, by file and
// row.
func readRejects(t testing.TB, store storage.Store, run, name string) []source.Reject {
	t.Helper()
	var rejects []source.Reject
	for info, err := range store.List(context.Background(), "rejects/"+run+"/"+name+"/") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := storage.ReadAll(context.Background(), store, info.Name)
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(strings.NewReader(string(data))); lines.Scan(); {
			var r source.Reject
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			rejects = append(rejects, r)
		}
	}
	slices.SortFunc(rejects, func(a, b source.Reject) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return int(a.Row - b.Row)
	})
	return rejects
}
