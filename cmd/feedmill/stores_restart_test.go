package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// A server that is killed in the middle of a run and comes back: the run succeeds,
// or says what it could not do, and the next one succeeds, with the bytes of a
// warehouse on local disks.
func killServers(t *testing.T, r *remote, v *victim) {
	for name := range r.servers {
		for stage, begin := range begins {
			if name == "DataNode" && stage == "generate" {
				continue // it writes as aggregate does
			}
			length := r.length(t, v, begin, stage)
			s := r.shop(t, v, begin)
			for try := 1; !s.crossed(r, v, name, stage, length/time.Duration(1+try)); try++ {
				if try == 3 {
					t.Fatalf("%s is always over before the %s is killed", stage, name)
				}
				s = r.shop(t, v, begin)
			}
		}
	}
}

// crossed runs a stage, kills a server some time later and restarts it. It returns
// false when the run was over before.
func (s *shop) crossed(r *remote, v *victim, server, stage string, delay time.Duration) bool {
	s.t.Helper()
	cmd, said := s.command(stage)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if failed(s.t, err) {
			s.t.Fatalf("%s: %v\n%s", stage, err, said)
		}
		return false
	case <-time.After(delay):
	}
	began := time.Now()
	if err := errors.Join(r.servers[server].Kill(), r.servers[server].Restart(context.WithoutCancel(s.t.Context()))); err != nil {
		s.t.Fatal(err)
	}
	broken := failed(s.t, <-ended)
	s.t.Logf("%s killed %v after %s began: failed is %v, %v later", server, delay, stage, broken, time.Since(began))
	r.recover(s.t)
	if broken {
		if !strings.Contains(said.String(), `"error":`) && !strings.Contains(said.String(), `"level":"ERROR"`) {
			s.t.Errorf("%s failed and said nothing of it: %s", stage, said)
		}
		s.t.Logf("it said:\n%s", said)
	}
	s.check("after a kill of the "+server+" in "+stage, v.before, v.after)
	s.finish(v, "a kill of the "+server+" in "+stage)
	return true
}
