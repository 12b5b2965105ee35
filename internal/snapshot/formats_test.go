package snapshot_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

var update = flag.Bool("update", false, "write the sample of the current format version anew")

// formats is where the samples of all released versions are: a store and the
// rows that its tables have.
const formats = "../../testdata/formats"

const (
	sampleRun   = "20260101T000000.000Z-sample"
	sampleKind  = snapshot.Prefix
	sampleState = "sources/price"
)

func TestFormats(t *testing.T) {
	if *update {
		writeSample(t, filepath.Join(formats, fmt.Sprintf("v%d", snapshot.Version), "snapshot"))
	}
	for version := 1; version <= snapshot.Version; version++ {
		dir := filepath.Join(formats, fmt.Sprintf("v%d", version), "snapshot")
		want, err := os.ReadFile(filepath.Join(dir, "rows.txt"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), printTables(t, local.New(dir))); diff != "" {
			t.Errorf("version %d: %s", version, diff)
		}
	}
}

func writeSample(t *testing.T, dir string) {
	store := local.New(dir)
	offers := sampleTable(t)
	offers.Run, offers.Partitions = sampleRun, 2
	state := snapshot.Table{
		Prefix: sampleState, Run: sampleRun, Partitions: 2, Key: "_key",
		Hidden: []arrow.Field{
			{Name: "_key", Type: arrow.BinaryTypes.String, Nullable: true},
			{Name: "_order", Type: arrow.BinaryTypes.Binary, Nullable: true},
		},
		Schema: schema(t, "n:int"), Metadata: map[string]string{"source": "price"},
	}
	commitTable(t, store, state, rows(memory.DefaultAllocator, state.Columns(), sortedKeys(10, 8)))
	commitTable(t, store, offers, sample(t, offers, 30))
	if err := os.WriteFile(filepath.Join(dir, "rows.txt"), []byte(printTables(t, store)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// commitTable writes rows in the order of a table, with a manifest.
func commitTable(t *testing.T, store storage.Store, table snapshot.Table, batch arrow.RecordBatch) {
	t.Helper()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := &manifest.Manifest{Run: table.Run, Stage: "aggregate", Status: manifest.Done, Started: at, Finished: at}
	keys := batch.Column(batch.Schema().FieldIndices(table.Key)[0]).(*array.String)
	var row int64
	for p := range table.Partitions {
		w, err := snapshot.Create(ctx, store, table, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		first := row
		for row < batch.NumRows() && offer.Partition(offer.Hash(keys.Value(int(row))), table.Partitions) == p {
			row++
		}
		if err := w.Write(batch.NewSlice(first, row)); err != nil {
			t.Fatal(err)
		}
		object, err := w.Commit()
		if err != nil {
			t.Fatal(err)
		}
		m.Objects = append(m.Objects, object)
	}
	if err := manifest.Commit(ctx, store, table.Prefix, m); err != nil {
		t.Fatal(err)
	}
}

// printTables reads both tables of a sample.
func printTables(t *testing.T, store storage.Store) string {
	t.Helper()
	var out bytes.Buffer
	for _, prefix := range []string{sampleKind, sampleState} {
		s, err := snapshot.OpenTable(ctx, store, prefix, sampleRun, nil)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s: %d partitions by %s, %v\n%v\n", prefix, s.Partitions(), s.Table().Key, s.Table().Metadata, s.Columns())
		for p := range s.Partitions() {
			fmt.Fprintf(&out, "partition %d\n", p)
			printPartition(t, &out, s, p)
		}
	}
	return out.String()
}

func printPartition(t *testing.T, out io.Writer, s *snapshot.Snapshot, p int) {
	t.Helper()
	scan, err := s.Partition(ctx, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer scan.Close()
	for {
		batch, err := scan.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := array.RecordToJSON(batch, out); err != nil {
			t.Fatal(err)
		}
		batch.Release()
	}
}

// TestManifest opens tables whose manifest does not fit their objects.
func TestManifest(t *testing.T) {
	store := mem.New()
	name := func(run string, p int) string { return fmt.Sprintf("snapshots/%s/%05d.parquet", run, p) }
	columns := schema(t, "id:string", "n:int")
	for i, c := range []struct {
		objects func(run string, written []manifest.Object) []manifest.Object
		want    string
	}{
		{func(run string, o []manifest.Object) []manifest.Object { return nil }, "the manifest has no partitions"},
		{func(run string, o []manifest.Object) []manifest.Object { return o[1:] }, "the manifest has 1 partitions, but not " + name("r1", 0)},
		{func(run string, o []manifest.Object) []manifest.Object { return o[:1] }, name("r2", 0) + ": partition 0 of 2 instead of 0 of 1"},
		{func(run string, o []manifest.Object) []manifest.Object { o[0].Size++; return o }, "bytes, the manifest says"},
		{func(run string, o []manifest.Object) []manifest.Object {
			return append(o, manifest.Object{Name: "snapshots/" + run + "/report.json"}, manifest.Object{Name: "other/" + run + "/00002.parquet"})
		}, "<nil>"},
	} {
		run := fmt.Sprintf("r%d", i)
		written := write(t, store, snapshot.Offers(run, 2, columns), memory.DefaultAllocator, sortedKeys(20, 9))
		m := &manifest.Manifest{Run: run, Stage: "aggregate", Status: manifest.Done, Objects: c.objects(run, written)}
		if err := manifest.Commit(ctx, store, snapshot.Prefix, m); err != nil {
			t.Fatal(err)
		}
		s, err := snapshot.Open(ctx, store, run)
		if !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v instead of %s", run, err, c.want)
		}
		if (s == nil) != (err != nil) {
			t.Errorf("%s: %v with %v", run, s, err)
		}
	}
	if _, err := snapshot.Open(ctx, store, "absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent run: %v", err)
	}
}
