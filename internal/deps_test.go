// Package internal_test holds the import policy of the house as a test.
//
// Its promise: imports go down the layers only, ports know nothing of ours,
// drivers are named by the command line alone, and stages meet only in the
// artefacts they exchange.
package internal_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/feedmill/feedmill"

// A kind is what the policy knows of a package.
type kind int

const (
	vocabulary kind = iota // values, no I/O
	port
	driver    // of a port: only from cmd and tests
	suite     // for tests, of a port for example: only from tests
	mechanism // how things are done
	language  // what users write, and the artefacts stages exchange
	stage     // one per command
	command
)

// packages is the house: every package has its place, a new one is put here
// deliberately.
var packages = map[string]kind{
	"internal/offer":  vocabulary,
	"internal/diag":   vocabulary,
	"internal/bitmap": vocabulary,
	"internal/guard":  vocabulary,

	"internal/storage": port,
	"internal/stream":  port,
	"internal/engine":  port,

	"internal/storage/local":       driver,
	"internal/storage/s3":          driver,
	"internal/storage/hdfs":        driver,
	"internal/storage/mem":         driver,
	"internal/storage/cached":      driver, // a decorator
	"internal/storage/fault":       suite,
	"internal/storage/storagetest": suite,
	"internal/engine/enginetest":   suite,
	"internal/stream/kafka":        driver,
	"internal/stream/mem":          driver,
	"internal/stream/streamtest":   suite,
	"internal/services":            suite, // real services for tests
	"internal/services/cmd":        suite, // make services

	"internal/batch":                 mechanism,
	"internal/parquetio":             mechanism,
	"internal/parquetio/encode":      mechanism,
	"internal/parquetio/encodedtest": suite,
	"internal/section":               mechanism,
	"internal/manifest":              mechanism,
	"internal/predicate":             mechanism,
	"internal/template":              mechanism,

	"internal/workspace": language,
	"internal/feed":      language,
	"internal/choose":    language,
	"internal/eval":      language,
	"internal/field":     language,
	"internal/eval/term": language,
	"internal/source":    language,
	"internal/snapshot":  language,
	"internal/part":      language,
	"internal/event":     language,
	"internal/locate":    language,
	"internal/trial":     language,
	"internal/preview":   language,
	".":                  language, // the sample workspace

	"internal/aggregate": stage,
	"internal/generate":  stage,
	"internal/history":   stage,
	"internal/notify":    stage,
	"internal/serve":     stage,
	"internal/diff":      stage,
	"internal/synth":     stage,

	"internal/synth/verify": command, // the judge of the demo: it imports nothing of ours
	"internal/realdata":     command, // tests alone: real catalogues through the stages
	"internal/samples":      command, // tests alone: the sample workspace against partners' parsers and schemas

	"cmd/feedmill": command,
}

// allowed says why a package of kind from may not import another of ours; the
// empty text is yes.
func allowed(from, to kind) string {
	switch {
	case to == suite:
		return "only tests use a suite"
	case from == port:
		return "a port imports nothing of ours"
	case to == driver && from != command:
		return "only the command line knows drivers"
	case from == driver && to > port:
		return "a driver knows the vocabulary and its port"
	case from == stage && to == stage:
		return "stages meet in artefacts only"
	case to == command:
		return "nothing imports a command"
	case to > from:
		return "imports go down the layers"
	}
	return ""
}

// An edge is one import of ours by a file of ours.
type edge struct{ from, to, file string }

func TestImportPolicy(t *testing.T) {
	edges, seen := imports(t, "..")
	var got []string
	for _, dir := range seen {
		if _, ok := packages[dir]; !ok {
			got = append(got, dir+" has no place in the house")
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		if !slices.Contains(seen, dir) {
			got = append(got, dir+" has a place in the house and is not there")
		}
	}
	for _, e := range edges {
		if why := verdict(packages, e); why != "" {
			got = append(got, fmt.Sprintf("%s imports %s: %s", e.file, e.to, why))
		}
	}
	if diff := cmp.Diff([]string(nil), got); diff != "" {
		t.Error(diff)
	}
	if len(edges) < 10 {
		t.Errorf("only %d imports found: the test looks at the wrong place", len(edges))
	}
}

// verdict judges one import. Tests, and the suites that serve them, may use
// what they like as long as Go lets them.
func verdict(house map[string]kind, e edge) string {
	from, known := house[e.from]
	to, knownTo := house[e.to]
	if !known || !knownTo || strings.HasSuffix(e.file, "_test.go") || from == suite {
		return ""
	}
	return allowed(from, to)
}

// The policy refuses what it is there to refuse.
func TestVerdict(t *testing.T) {
	cases := []struct {
		from, to, file string
		ok             bool
	}{
		{"internal/source", "internal/predicate", "a.go", true},
		{"internal/predicate", "internal/source", "a.go", false},
		{"internal/predicate", "internal/source", "a_test.go", true},
		{"internal/storage", "internal/offer", "a.go", false},
		{"internal/storage/local", "internal/storage", "a.go", true},
		{"internal/storage/local", "internal/manifest", "a.go", false},
		{"internal/aggregate", "internal/storage/local", "a.go", false},
		{"internal/aggregate", "internal/storage/local", "a_test.go", true},
		{"cmd/feedmill", "internal/storage/local", "drivers.go", true},
		{"cmd/feedmill", "internal/storage/fault", "drivers.go", false},
		{"internal/aggregate", "internal/generate", "a.go", false},
		{"internal/aggregate", "internal/snapshot", "a.go", true},
		{"internal/snapshot", "internal/manifest", "a.go", true},
		{"internal/offer", "internal/diag", "a.go", true},
		{"internal/offer", "internal/storage", "a.go", false},
	}
	for _, c := range cases {
		why := verdict(packages, edge{from: c.from, to: c.to, file: c.file})
		if (why == "") != c.ok {
			t.Errorf("%s imports %s in %s: %q", c.from, c.to, c.file, why)
		}
	}
}

// imports reads every Go file below root: the imports of our own packages, and
// the packages.
func imports(t *testing.T, root string) (edges []edge, seen []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipFolder(root, file)
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		found, err := importsOf(root, file)
		edges = append(edges, found...)
		if dir := relative(root, filepath.Dir(file)); !slices.Contains(seen, dir) && dir != "internal" {
			seen = append(seen, dir)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return edges, seen
}

// skipFolder leaves out folders that Go leaves out, and modules of their own.
func skipFolder(root, dir string) error {
	name := filepath.Base(dir)
	if dir == root {
		return nil
	}
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func importsOf(root, file string) ([]edge, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	from := relative(root, filepath.Dir(file))
	var edges []edge
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if to, ours := strings.CutPrefix(name, module+"/"); ours {
			edges = append(edges, edge{from: from, to: to, file: path.Join(from, filepath.Base(file))})
		}
	}
	return edges, nil
}

func relative(root, dir string) string {
	name, err := filepath.Rel(root, dir)
	if err != nil {
		panic(err)
	}
	return filepath.ToSlash(name)
}
