package storagetest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
)

var racing = []test{
	{"of 16 exclusive writers one wins", testExclusiveRace},
	{"a replaced object is always one of those written", testReplaceRace},
	{"folders come and go beside writers", testFolderRace},
}

func parallel(workers int, do func(worker int)) {
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() { do(worker) })
	}
	group.Wait()
}

func testExclusiveRace(t *testing.T, s suite) {
	for round := range 20 {
		name := fmt.Sprintf("race/%d/current", round)
		var won atomic.Int64
		var winner atomic.Value
		start := make(chan struct{})
		var ready sync.WaitGroup
		ready.Add(16)
		go func() { ready.Wait(); close(start) }()
		parallel(16, func(worker int) {
			text := fmt.Sprintf("writer %d", worker)
			ready.Done()
			<-start
			err := storage.WriteAll(t.Context(), s, name, storage.Exclusive, []byte(text))
			if err == nil {
				won.Add(1)
				winner.Store(text)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s: %v", text, err)
			}
		})
		if won.Load() != 1 {
			t.Fatalf("round %d: %d winners", round, won.Load())
		}
		if got := s.get(t, name); got != winner.Load() {
			t.Errorf("round %d: %v won, but the object is of %s", round, winner.Load(), got)
		}
		if diff := cmp.Diff([]string{name}, s.names(t, fmt.Sprintf("race/%d/", round))); diff != "" {
			t.Errorf("listing (-want +got):\n%s", diff)
		}
	}
}

func testReplaceRace(t *testing.T, s suite) {
	text := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), 1000*(1+i%5)) }
	s.put(t, "x", text(0))
	var done atomic.Int64
	parallel(6, func(worker int) {
		if worker < 3 {
			for i := range 40 {
				s.put(t, "x", text(3*i+worker))
			}
			done.Add(1)
			return
		}
		for done.Load() < 3 {
			got := s.get(t, "x")
			if got == "" || len(got)%1000 != 0 || strings.Trim(got, got[:1]) != "" {
				t.Errorf("read %d bytes that nobody wrote", len(got))
				return
			}
		}
	})
}

func testFolderRace(t *testing.T, s suite) {
	parallel(4, func(worker int) {
		name := fmt.Sprintf("a/b/c/%d", worker)
		for i := range 50 {
			s.put(t, name, fmt.Sprint(i))
			if got := s.get(t, name); got != fmt.Sprint(i) {
				t.Errorf("%s holds %q, want %d", name, got, i)
			}
			if err := s.Remove(t.Context(), name); err != nil {
				t.Errorf("remove %s: %v", name, err)
			}
		}
	})
	if got := s.names(t, ""); len(got) > 0 {
		t.Errorf("after all removals there is %q", got)
	}
}
