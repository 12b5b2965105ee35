package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/feedmill/feedmill/internal/diag"
)

func quietApp() (*app, *bytes.Buffer, *bytes.Buffer) {
	var stdout, stderr bytes.Buffer
	return newApp(strings.NewReader(""), &stdout, &stderr, os.LookupEnv), &stdout, &stderr
}

func TestExitCode(t *testing.T) {
	interrupted, cancel := context.WithCancelCause(context.Background())
	cancel(errInterrupted)
	cases := []struct {
		name string
		ctx  context.Context
		err  error
		want int
	}{
		{"done", context.Background(), nil, exitDone},
		{"done although interrupted", interrupted, nil, exitDone},
		{"error", context.Background(), errors.New("x"), exitError},
		{"usage", context.Background(), usagef("", "x"), exitUsage},
		{"held", context.Background(), fmt.Errorf("aggregate: %w", &heldError{"x"}), exitHeld},
		{"held although interrupted", interrupted, &heldError{"x"}, exitHeld},
		{"invalid", context.Background(), fmt.Errorf("load: %w", diag.List{{Message: "x"}}), exitInvalid},
		{"interrupted", interrupted, context.Canceled, exitInterrupted},
		{"cancelled by somebody else", context.Background(), context.Canceled, exitError},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := exitCode(c.ctx, c.err); got != c.want {
				t.Errorf("exitCode = %d, want %d", got, c.want)
			}
		})
	}
}

// What people read of an error begins with what it means; mistakes in a workspace
// stand for themselves.
func TestComplain(t *testing.T) {
	for _, c := range []struct {
		code int
		err  error
		want string
	}{
		{exitDone, nil, ""},
		{exitError, errors.New("open x: no such file"), "feedmill: open x: no such file\n"},
		{exitHeld, &heldError{"2 feeds"}, "feedmill: held: 2 feeds\n    hint: " + heldHint + "\n"},
		{exitInterrupted, context.Canceled, "feedmill: interrupted: context canceled\n"},
		{exitUsage, usagef("feedmill gc", "gc takes no arguments"), "feedmill: gc takes no arguments\n    hint: feedmill gc\n"},
		{exitInvalid, fmt.Errorf("load: %w", diag.List{{File: "a.yaml", Line: 2, Col: 3, Message: "unknown key x"}}), "a.yaml:2:3: unknown key x\n"},
	} {
		var out bytes.Buffer
		complain(&out, c.code, c.err)
		if diff := cmp.Diff(c.want, out.String()); diff != "" {
			t.Errorf("exit %d: %s", c.code, diff)
		}
	}
}

// Every command tells its exit codes and shows one example of itself.
func TestCommandsAreDocumented(t *testing.T) {
	a, _, _ := quietApp()
	for _, cmd := range append(newRootCommand(a).Commands(), newRootCommand(a)) {
		if !strings.Contains(cmd.Long, "\n\nExit codes: 0 done, 1 error, 2 usage") {
			t.Errorf("%s: the help lists no exit codes", cmd.Name())
		}
		if !strings.HasPrefix(cmd.Example, "  feedmill ") {
			t.Errorf("%s: example %q", cmd.Name(), cmd.Example)
		}
		if cmd.Args == nil || cmd.RunE == nil {
			t.Errorf("%s: arguments are not checked", cmd.Name())
		}
	}
}

func TestArguments(t *testing.T) {
	cmd := &cobra.Command{Use: "export", Example: "  feedmill export x"}
	cases := []struct {
		names, args []string
		want        string
	}{
		{[]string{"FEED"}, []string{"a"}, ""},
		{[]string{"FEED"}, nil, "export needs FEED"},
		{[]string{"STAGE", "RUN"}, nil, "export needs STAGE and RUN"},
		{[]string{"STAGE", "RUN"}, []string{"a"}, "export needs RUN"},
		{[]string{"[STAGE]"}, nil, ""},
		{[]string{"[STAGE]"}, []string{"a", "b"}, `export does not take "b"`},
		{nil, []string{"a"}, `export does not take "a"`},
	}
	for _, c := range cases {
		got := ""
		if err := arguments(c.names...)(cmd, c.args); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v with %v: %q, want %q", c.names, c.args, got, c.want)
		}
	}
}

func TestGlobals(t *testing.T) {
	for _, c := range []struct {
		workers int
		format  string
		ok      bool
	}{{1, "text", true}, {8, "json", true}, {0, "text", false}, {1, "xml", false}} {
		a := &app{workers: c.workers, logFormat: c.format}
		if err := a.checkGlobals(); (err == nil) != c.ok {
			t.Errorf("workers %d, log format %s: %v", c.workers, c.format, err)
		}
	}
}

// A JSON answer is one object, whether the command showed one or failed first.
func TestFinish(t *testing.T) {
	cases := []struct {
		name   string
		answer any
		err    error
		want   string
	}{
		{"shown", map[string]string{"status": "done"}, nil, "{\n  \"status\": \"done\"\n}\n"},
		{"held", map[string]string{"status": "held"}, &heldError{"x"}, "{\n  \"status\": \"held\"\n}\n"},
		{"failed", nil, errors.New("a < b"), "{\n  \"status\": \"failed\",\n  \"error\": \"a < b\"\n}\n"},
		{"help", nil, nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, stdout, _ := quietApp()
			a.json, a.answer = true, c.answer
			if err := a.finish(c.err); !errors.Is(err, c.err) {
				t.Errorf("finish returned %v", err)
			}
			if diff := cmp.Diff(c.want, stdout.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMeterWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	m := newMeter(&out, false, false, func() time.Time { return now })
	for done := range 25 {
		now = now.Add(time.Second)
		m.Observe("aggregate read", done, 25)
	}
	m.Close()
	want := "aggregate read: 9 of 25 tasks\naggregate read: 19 of 25 tasks\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// An error is worse than a hold, and hides none.
func TestWorst(t *testing.T) {
	held, failed := &heldError{"source a"}, errors.New("broken")
	cases := []struct {
		errs []error
		code int
		text string
	}{
		{[]error{nil, nil}, exitDone, ""},
		{[]error{held, nil}, exitHeld, "source a"},
		{[]error{held, &heldError{"feed b"}}, exitHeld, "source a, feed b"},
		{[]error{failed, held}, exitError, "broken (and held: source a)"},
		{[]error{held, failed}, exitError, "broken (and held: source a)"},
		{[]error{failed, nil}, exitError, "broken"},
	}
	for _, c := range cases {
		err := worst(c.errs...)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if code := exitCode(context.Background(), err); code != c.code || text != c.text {
			t.Errorf("worst(%v) = %q, exit code %d", c.errs, text, code)
		}
	}
}
