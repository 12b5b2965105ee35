package realdata

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the figures that the tests see into testdata/README.md")

// recordFigures fails the test unless the section of a heading in the README of
// the test data ends with the lines of figures, a Markdown table. With -update
// it writes them there.
func recordFigures(t testing.TB, heading string, figures []string) {
	t.Helper()
	path := filepath.Join("..", "..", "testdata", "README.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, section, after := cutSection(t, string(data), "## "+heading+"\n")
	prose, table := cutTable(section)
	want := strings.Join(figures, "\n") + "\n"
	if *update {
		text := before + prose + want + after
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table, want); diff != "" {
		t.Errorf("testdata/README.md tells other figures under %q (-README +seen); -update writes them:\n%s", heading, diff)
	}
}

// cutSection divides a text into what stands before the body of a section, the
// body, and what follows it.
func cutSection(t testing.TB, text, heading string) (before, body, after string) {
	t.Helper()
	before, rest, found := strings.Cut(text, heading)
	if !found {
		t.Fatalf("testdata/README.md has no section %q", heading)
	}
	if i := strings.Index(rest, "\n## "); i >= 0 {
		return before + heading, rest[:i], rest[i:]
	}
	return before + heading, rest, ""
}

// cutTable divides a section into its prose and the table at its end.
func cutTable(section string) (prose, table string) {
	if i := strings.Index(section, "\n|"); i >= 0 {
		return section[:i+1], section[i+1:]
	}
	if prose = strings.TrimSpace(section); prose != "" {
		prose = "\n" + prose + "\n"
	}
	return prose + "\n", ""
}
