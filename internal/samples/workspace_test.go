// Package samples holds tests alone: the sample workspace's templates and feeds
// make XML that independent parsers and partners' schemas accept, and what the
// READMEs of feeds and templates teach is true.
//
// Its promise: no XML is judged by the code that wrote it.
package samples

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/workspace"
)

var now = time.Date(2026, 1, 3, 12, 0, 0, 0, time.UTC)

// loadFile loads a workspace whose environment is env.
func loadFile(file string, env map[string]string) (*workspace.Workspace, error) {
	return workspace.Load(file, func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
}

// sample loads the sample workspace.
func sample(t testing.TB) *workspace.Workspace {
	t.Helper()
	ws, err := loadFile("../../deploy/local/feedmill.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// sampleFiles is the sample's feedmill.yaml, templates and shared expressions,
// by their paths in a workspace.
func sampleFiles(t testing.TB) map[string]string {
	t.Helper()
	files := map[string]string{"feedmill.yaml": "../../deploy/local/feedmill.yaml", "feeds/shared.yaml": "../../feeds/shared.yaml"}
	templates, err := filepath.Glob("../../templates/*.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range templates {
		files["templates/"+filepath.Base(path)] = path
	}
	for name, path := range files {
		files[name] = read(t, path)
	}
	files["feedmill.yaml"] = strings.NewReplacer("../../feeds", "feeds", "../../templates", "templates").Replace(files["feedmill.yaml"])
	return files
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// loadFiles loads a workspace of these files.
func loadFiles(t testing.TB, files map[string]string) (*workspace.Workspace, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return loadFile(filepath.Join(dir, "feedmill.yaml"), nil)
}

// fieldsOf evaluates a feed's fields over a batch.
func fieldsOf(t testing.TB, f *feed.Feed, offers arrow.RecordBatch) arrow.RecordBatch {
	t.Helper()
	var schema offer.Schema
	rows := make([]map[string]any, offers.NumRows())
	for i := range rows {
		rows[i] = map[string]any{}
	}
	columns := predicate.NewBatch(offers)
	for _, field := range f.Fields {
		kind, known := field.Value.Type()
		if !known {
			t.Fatalf("field %s of feed %s has no type", field.Name, f.Name)
		}
		schema = append(schema, offer.Field{Name: field.Name, Type: kind})
		for i, row := range rows {
			value, err := field.Value.Eval(&predicate.Vars{Offer: predicate.Row{Batch: columns, Index: i}, Now: now})
			if err == nil { // else null, as in a run
				row[field.Name] = value
			}
		}
	}
	return batchOf(t, schema, rows)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
