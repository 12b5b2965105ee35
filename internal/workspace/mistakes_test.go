package workspace_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/feedmill/feedmill/internal/workspace"
)

var update = flag.Bool("update", false, "write what comes out into the golden files")

// unpack writes the files of an archive into a new directory and goes there.
func unpack(t *testing.T, a *txtar.Archive) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range a.Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// environment reads the lines `NAME=value` of an archive's comment.
func environment(a *txtar.Archive) func(string) (string, bool) {
	vars := map[string]string{}
	for line := range strings.Lines(string(a.Comment)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
			vars[name] = value
		}
	}
	return func(name string) (string, bool) {
		value, set := vars[name]
		return value, set
	}
}

// Each archive is a workspace with mistakes; its last file, want, is what the
// user reads.
func TestMistakes(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { golden(t, path) })
	}
}

func golden(t *testing.T, path string) {
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := len(a.Files) - 1
	if a.Files[last].Name != "want" {
		t.Fatalf("the last file is %s, not want", a.Files[last].Name)
	}
	want := string(a.Files[last].Data)
	a.Files = a.Files[:last]
	unpack(t, a)
	_, err = workspace.Load("feedmill.yaml", environment(a))
	if err == nil {
		t.Fatal("there is no mistake")
	}
	got := err.Error() + "\n"
	if *update {
		a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
