// Package enginetest is the suite that every engine passes.
//
// Its promise: it knows tasks only as data and sees only what they leave in a
// folder, so it tests engines that start processes, elsewhere too, as well as
// those that call a function.
package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/engine"
)

// Args are the arguments of the suite's tasks: what to do, and where to leave a
// trace of it.
type Args struct {
	Folder string `json:"folder"`
	Action string `json:"action"` // "write", "fail" or "panic"
	Text   string `json:"text"`   // what to write, the message
}

// Do is what the engine under test does for each task of the suite.
func Do(_ context.Context, task engine.Task) error {
	var args Args
	if err := json.Unmarshal(task.Args, &args); err != nil {
		return err
	}
	trace, err := json.Marshal(task)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(args.Folder, strconv.Itoa(task.Partition)), trace, 0o666); err != nil {
		return err
	}
	switch args.Action {
	case "write":
		return nil
	case "panic":
		panic(args.Text)
	default:
		return errors.New(args.Text)
	}
}

// Run tests the engine that start returns, which runs Do for each task, with the
// given number of workers.
func Run(t *testing.T, start func(t *testing.T, workers int) engine.Runner) {
	for _, workers := range []int{1, 2, 16} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) { test(t, start(t, workers)) })
			}
		})
	}
}

var tests = map[string]func(t *testing.T, runner engine.Runner){
	"every task runs as it was given": testAll,
	"no tasks":                        testNone,
	"an error names its task":         testError,
	"a panic is an error":             testPanic,
	"a cancelled context":             testCancelled,
	"after an error, again":           testAgain,
}

func tasks(folder string, n int, action, text string) []engine.Task {
	tasks := make([]engine.Task, n)
	for i := range tasks {
		args, err := json.Marshal(Args{folder, action, text})
		if err != nil {
			panic(err)
		}
		tasks[i] = engine.Task{Stage: "aggregate", Phase: "read", Run: "r", Partition: i, Args: args}
	}
	return tasks
}

// traces returns the tasks that ran, by partition.
func traces(t *testing.T, folder string) []engine.Task {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	ran := make([]engine.Task, len(files))
	for i, file := range files {
		data, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err == nil {
			err = json.Unmarshal(data, &ran[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(ran, func(a, b engine.Task) int { return a.Partition - b.Partition })
	return ran
}

func testAll(t *testing.T, runner engine.Runner) {
	folder := t.TempDir()
	given := tasks(folder, 50, "write", "Ærø <&> \"香港\"\n")
	if err := runner.Run(t.Context(), given); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(given, traces(t, folder)); diff != "" {
		t.Errorf("tasks that ran (-want +got):\n%s", diff)
	}
}

func testNone(t *testing.T, runner engine.Runner) {
	if err := runner.Run(t.Context(), nil); err != nil {
		t.Errorf("no tasks: %v", err)
	}
}

// spoil makes one of the tasks do something else.
func spoil(given []engine.Task, i int, action, text string) []engine.Task {
	var args Args
	if err := json.Unmarshal(given[i].Args, &args); err != nil {
		panic(err)
	}
	given[i].Args = tasks(args.Folder, 1, action, text)[0].Args
	return given
}

func checkError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want one with %q", err, part)
		}
	}
}

func testError(t *testing.T, runner engine.Runner) {
	given := spoil(tasks(t.TempDir(), 20, "write", ""), 7, "fail", "the disk is full")
	checkError(t, runner.Run(t.Context(), given), "aggregate read, partition 7", "the disk is full")
}

func testPanic(t *testing.T, runner engine.Runner) {
	given := spoil(tasks(t.TempDir(), 20, "write", ""), 7, "panic", "index out of range")
	checkError(t, runner.Run(t.Context(), given), "aggregate read, partition 7", "index out of range", "enginetest.Do")
}

func testCancelled(t *testing.T, runner engine.Runner) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder := t.TempDir()
	if err := runner.Run(ctx, tasks(folder, 20, "write", "")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if ran := traces(t, folder); len(ran) > 0 {
		t.Errorf("%d tasks ran", len(ran))
	}
}

func testAgain(t *testing.T, runner engine.Runner) {
	folder := t.TempDir()
	given := tasks(folder, 20, "write", "text")
	if err := runner.Run(t.Context(), spoil(slices.Clone(given), 3, "fail", "once")); err == nil {
		t.Fatal("a failed task was no error")
	}
	if err := runner.Run(t.Context(), given); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(given, traces(t, folder)); diff != "" {
		t.Errorf("tasks that ran (-want +got):\n%s", diff)
	}
}
