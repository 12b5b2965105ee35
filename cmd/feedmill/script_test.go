package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// volatile are the parts of an output that differ from run to run, with what a
// golden has in their place.
var volatile = []struct {
	pattern *regexp.Regexp
	word    string
}{
	{regexp.MustCompile(`\d{8}T\d{6}\.\d{3}Z-[a-z2-7]{6}`), "RUN"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)?`), "TIME"},
	{regexp.MustCompile(`"seconds": [0-9.e-]+`), `"seconds": S`},
	{regexp.MustCompile(`("(read|compact|write|candidates|winners|render)": )[0-9]+[.e][0-9.e-]+`), `${1}S`},
	{regexp.MustCompile(`\b\d+(\.\d+)? s\b`), "S s"},
	{regexp.MustCompile(`"definition": "[0-9a-f]{32}"`), `"definition": "DIGEST"`},
	{regexp.MustCompile(`-[0-9a-f]{8}([":])`), `-DIGEST$1`},
	{regexp.MustCompile(`"size": \d+`), `"size": N`},
	{regexp.MustCompile(`"(klauspost/compress|ISA-L) [0-9.]+ level \d"`), `"COMPRESSOR"`},
	{regexp.MustCompile(`(objects of|row group,) [0-9.]+ k?B`), "${1} SIZE"},
}

func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"steady":  steady,
		"nothing": nothing,
		"exits":   exitsWith,
		"same":    same,
		"object":  object,
		"newest":  newestRun,
		"onejson": oneJSON,
		"runid":   runID,
	}
}

// steady FILE writes the last command's stdout to FILE with its volatile parts
// replaced, so that it can be compared with a golden.
func steady(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: steady FILE")
	}
	text := ts.ReadFile("stdout")
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.word)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// nothing PATH... fails when one of the paths exists: a failing command leaves
// no output.
func nothing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: nothing PATH...")
	}
	for _, path := range args {
		if _, err := os.Lstat(ts.MkAbs(path)); err == nil {
			ts.Fatalf("%s exists", path)
		}
	}
}

// exits CODE COMMAND... runs a command, which must end with this exit code.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got, err = exit.ExitCode(), nil
	}
	ts.Check(err)
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// same DIR DIR compares the files of two folders.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same DIR DIR")
	}
	a, b := files(ts, ts.MkAbs(args[0])), files(ts, ts.MkAbs(args[1]))
	if len(a) == 0 {
		ts.Fatalf("%s has no files", args[0])
	}
	if equal := cmp.Equal(a, b); equal == neg {
		ts.Fatalf("%s and %s: equal is %v", args[0], args[1], equal)
	}
}

func files(ts *testscript.TestScript, dir string) map[string]string {
	out := map[string]string{}
	ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir)] = string(data)
		return err
	}))
	return out
}

// object NAME DIR ENDING sets the variable NAME to the first object below DIR,
// a folder of the warehouse, whose name ends so.
func object(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: object NAME DIR ENDING")
	}
	for name := range files(ts, ts.MkAbs(args[1])) {
		if strings.HasSuffix(name, args[2]) {
			ts.Setenv(args[0], filepath.Base(args[1])+name)
			return
		}
	}
	ts.Fatalf("nothing below %s ends in %s", args[1], args[2])
}

// newest NAME DIR sets the variable NAME to the last run below DIR, the folder of
// a kind of runs.
func newestRun(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: newest NAME DIR")
	}
	last := ""
	for name := range files(ts, ts.MkAbs(args[1])) {
		if run, rest, _ := strings.Cut(name[1:], "/"); rest == "manifest.json" {
			last = max(last, run)
		}
	}
	if last == "" {
		ts.Fatalf("no run below %s", args[1])
	}
	ts.Setenv(args[0], last)
}

// onejson [STATUS] demands that the last stdout is exactly one JSON object, with
// this status.
func oneJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: onejson [STATUS]")
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &object); err != nil {
		ts.Fatalf("stdout is not one JSON object: %v", err)
	}
	if len(args) == 1 && object["status"] != args[0] {
		ts.Fatalf("status %v, want %s", object["status"], args[0])
	}
}

// runid NAME oldest|newest sets the variable NAME to the oldest or newest id of a
// run in the last stdout.
func runID(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: runid NAME oldest|newest")
	}
	ids := volatile[0].pattern.FindAllString(ts.ReadFile("stdout"), -1)
	if len(ids) == 0 {
		ts.Fatalf("no run in stdout")
	}
	slices.Sort(ids)
	if args[1] == "oldest" {
		ids = ids[:1]
	}
	ts.Setenv(args[0], ids[len(ids)-1])
}
