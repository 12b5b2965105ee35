package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/storage"
)

// A run that is killed leaves what was published, or publishes all that it would
// have; the next run succeeds with the bytes of a warehouse on local disks, and gc
// removes what was left behind.
func killRuns(t *testing.T, r *remote, v *victim) {
	for stage, begin := range begins {
		length := r.length(t, v, begin, stage)
		killed := 0
		for try := 0; killed < r.kills && try < 3*r.kills; try++ {
			s := r.shop(t, v, begin)
			delay := time.Duration((float64(killed) + rand.Float64()) / float64(r.kills) * float64(length))
			cmd, said := s.command(stage)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			timer := time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
			err := cmd.Wait()
			timer.Stop()
			if !failed(t, err) {
				length = min(length, time.Since(began)) // it was over before
				continue
			}
			if code := cmd.ProcessState.ExitCode(); code != -1 {
				t.Fatalf("%s was not killed but ended with %d: %s", stage, code, said)
			}
			killed++
			s.begin()
			left := s.unfinished()
			if left < r.begun {
				t.Errorf("%d objects are unfinished, of %d that were begun", left, r.begun)
			}
			s.check("after a kill of "+stage, v.before, v.after)
			s.finish(v, "a kill of "+stage)
			t.Logf("%s killed after %v of %v: %d objects unfinished", stage, delay, length, left)
		}
		if killed < r.kills {
			t.Errorf("only %d of %d kills of %s came before its end", killed, r.kills, stage)
		}
	}
}

// length is how long a stage takes that nothing befalls.
func (r *remote) length(t *testing.T, v *victim, begin, stage string) time.Duration {
	t.Helper()
	if r.lengths[stage] == 0 {
		s := r.shop(t, v, begin)
		started := time.Now()
		s.must(stage)
		r.lengths[stage] = time.Since(started)
	}
	return r.lengths[stage]
}

// begin is a writer that never ends. On S3 it leaves an upload; to HDFS nothing is
// sent before the commit.
func (s *shop) begin() {
	s.t.Helper()
	w, err := s.warehouse.Create(s.t.Context(), "snapshots/begun/00000.parquet", storage.Replace)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 12<<20)); err != nil {
		s.t.Fatal(err)
	}
}

// unfinished counts what writers have begun and not committed.
func (s *shop) unfinished() (n int) {
	s.t.Helper()
	for _, err := range storage.Leftovers(s.t.Context(), s.warehouse, "") {
		if err != nil {
			s.t.Fatal(err)
		}
		n++
	}
	return n
}
