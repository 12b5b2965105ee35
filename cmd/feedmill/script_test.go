package main

import (
	"os"
	"regexp"

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
	{regexp.MustCompile(`\b\d+(\.\d+)? s\b`), "S s"},
}

func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"steady":  steady,
		"nothing": nothing,
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
