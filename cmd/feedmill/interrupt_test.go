package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// interruptTries is how often a run may be over before the signal comes.
const interruptTries = 20

// A run that a signal ends exits 130 and says so in one JSON object; what was
// published stays, working files and the lease go, and the next run succeeds.
func TestInterrupt(t *testing.T) {
	if testing.Short() {
		t.Skip("runs feedmill a dozen times: not with -short")
	}
	v := newVictim(t, 2000)
	for _, c := range []struct{ stage, phase string }{
		{"aggregate", "read"}, {"aggregate", "write"}, {"generate", "candidates"}, {"generate", "render"},
	} {
		t.Run(c.stage+" "+c.phase, func(t *testing.T) {
			v.copy(begins[c.stage], "interrupted")
			before := v.published("interrupted")
			out := v.interrupt(t, c.stage, c.phase)
			v.check(t, "after the signal", "interrupted", before)
			v.tidy(t, "interrupted")
			wantFailed(t, out)
			v.must("interrupted", "aggregate")
			v.must("interrupted", "generate")
			v.check(t, "after the next run", "interrupted", v.after)
		})
	}
}

// interrupt runs a stage, sends it a SIGINT when it reaches a phase, and returns
// what it wrote to stdout.
func (v *victim) interrupt(t *testing.T, stage, target string) []byte {
	t.Helper()
	for range interruptTries {
		v.copy(begins[stage], "interrupted")
		var out bytes.Buffer
		cmd := v.command("interrupted", stage, "--json")
		cmd.Stdout = &out
		state := v.watch(cmd, func(cmd *exec.Cmd, phase string) {
			if phase == target {
				_ = cmd.Process.Signal(os.Interrupt) // it may be over
			}
		})
		if state.ExitCode() == exitInterrupted {
			return out.Bytes()
		}
	}
	t.Fatalf("none of %d runs was interrupted in %s", interruptTries, target)
	return nil
}

func wantFailed(t *testing.T, out []byte) {
	t.Helper()
	var report struct{ Status, Error string }
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("stdout is not one JSON object: %v\n%s", err, out)
	}
	if report.Status != "failed" || report.Error == "" {
		t.Errorf("status %q, error %q, want failed and a reason", report.Status, report.Error)
	}
}
