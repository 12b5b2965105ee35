package realdata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/storage/local"
)

// readPython returns the rows of a folder's Parquet files by id, in the form
// that testdata/rows.py describes.
func readPython(t testing.TB, reader, dir string, schema offer.Schema) map[string]row {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	args := append([]string{filepath.Join("testdata", "rows.py"), reader, strings.Join(columnNames(schema), ",")}, files...)
	var mistakes bytes.Buffer
	c := exec.CommandContext(t.Context(), os.Getenv("FEEDMILL_PYTHON"), args...)
	c.Stderr = &mistakes
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", reader, err, mistakes.String())
	}
	rows := map[string]row{}
	for line := range strings.Lines(string(out)) {
		var r row
		decodeJSON(t, strings.NewReader(line), &r)
		rows[r["id"].(string)] = r
	}
	return rows
}

// pythonic is a value in the form that testdata/rows.py describes.
func pythonic(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case int64:
		return json.Number(fmt.Sprint(v))
	case float64:
		return fmt.Sprintf("%016x", math.Float64bits(v))
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = pythonic(v[i])
		}
		return out
	case row:
		out := row{}
		for name := range v {
			out[name] = pythonic(v[name])
		}
		return out
	default:
		return v
	}
}

// Readers that are not ours find the same offers in the snapshots of real
// catalogues.
func TestOtherReaders(t *testing.T) {
	retail, watch := realData(t, "google_retail"), realData(t, "hk_pricewatch")
	if os.Getenv("FEEDMILL_PYTHON") == "" {
		t.Skip("FEEDMILL_PYTHON is not set: it names a Python with pyarrow and duckdb")
	}
	first := "pricewatch_2026-03-11T2312.json.gz"
	delivered := t.TempDir()
	deliver(t, watch, delivered, first)
	products := map[string]row{}
	for _, line := range readLines(t, filepath.Join(retail, "products.json")) {
		product := retailer{t}.offer(line)
		products[product["id"].(string)] = product
	}
	for _, c := range []struct {
		name, data string
		want       map[string]row
	}{
		{"retail", retail, products},
		{"pricewatch", delivered, watchedOffers(t, readWatch(t, filepath.Join(watch, first)))},
	} {
		ws := loadWorkspace(t, filepath.Join("testdata", c.name), map[string]string{"FEEDMILL_DATA": c.data})
		dir := t.TempDir()
		report := aggregateOnce(t, ws, local.New(dir))
		for _, reader := range []string{"pyarrow", "duckdb"} {
			got := readPython(t, reader, filepath.Join(dir, "snapshots", report.Snapshot), ws.Schema)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(c.want)), slices.Sorted(maps.Keys(got))); diff != "" {
				t.Errorf("%s, %s: other ids: %s", c.name, reader, diff)
			}
			for id, want := range c.want {
				if diff := cmp.Diff(pythonic(want), any(got[id])); diff != "" {
					t.Fatalf("%s, %s: offer %s (-want +got):\n%s", c.name, reader, id, diff)
				}
			}
		}
	}
}
