package main

import (
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/feedmill/feedmill/internal/storage/local"
)

// A store that is full makes a run fail with the name of an object; what was
// published stays, and when there is space again the next run succeeds and gc
// removes what was left.
func fillStore(t *testing.T, r *remote, v *victim) {
	shops, before := map[string]*shop{}, map[string]published{}
	for stage, begin := range begins {
		shops[stage] = r.shop(t, v, begin)
		before[stage] = shops[stage].shown()
	}
	all := slices.Collect(maps.Values(shops))
	r.fill(t, all)
	var runs sync.WaitGroup
	for stage, s := range shops {
		runs.Go(func() {
			cmd, said := s.command(stage)
			s.checkFull(stage, cmd.Run(), said.String())
		})
	}
	runs.Wait()
	r.empty(t, all)
	for stage, s := range shops {
		s.unchanged(stage, before[stage])
		s.finish(v, stage+" on a full store")
	}
}

// nameOfObject finds what could not be written in the last words of a run.
var nameOfObject = regexp.MustCompile(`"level":"ERROR","msg":".* (\S*/)?(snapshots|feeds|sources|tmp|leases|rejects)/\S+`)

// checkFull looks at how a run on a full store ended.
func (s *shop) checkFull(stage string, err error, said string) {
	last := said[strings.LastIndexByte(strings.TrimSpace(said), '\n')+1:]
	s.t.Logf("%s said: %s", stage, last)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitError || !nameOfObject.MatchString(last) {
		s.t.Errorf("%s on a full store: %v, it said\n%s", stage, err, said)
	}
}

func (s *shop) unchanged(stage string, before published) {
	s.t.Helper()
	if !maps.Equal(before, s.shown()) {
		s.t.Errorf("%s on a full store changed what is published", stage)
	}
}

// The same on local disks: the kernel refuses to make files longer than some size.
func TestFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("runs on a full disk: not with -short")
	}
	v := newVictim(t, 1500)
	for stage, begin := range begins {
		for _, blocks := range []string{"1", "40"} { // of 512 bytes
			v.copy(begin, "full")
			s := newShop(t, filepath.Join(v.dir, "full"), filepath.Join(v.dir, "data"), "")
			s.warehouse = local.New(filepath.Join(v.dir, "full"))
			cmd, said := s.command(stage)
			cmd.Args = append([]string{"sh", "-c", `ulimit -S -f "$0" && exec "$@"`, blocks}, cmd.Args...)
			cmd.Path = "/bin/sh"
			before := s.shown()
			s.checkFull(stage, cmd.Run(), said.String())
			s.unchanged(stage, before)
			s.finish(v, stage+" on a full disk")
		}
	}
}
