package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/engine/enginetest"
)

func TestLocal(t *testing.T) {
	enginetest.Run(t, func(_ *testing.T, workers int) engine.Runner {
		return &engine.Local{Workers: workers, Do: enginetest.Do}
	})
}

func tasks(n int) []engine.Task {
	tasks := make([]engine.Task, n)
	for i := range tasks {
		tasks[i] = engine.Task{Stage: "generate", Phase: "render", Run: "r", Partition: i}
	}
	return tasks
}

func TestWorkersBoundWhatRuns(t *testing.T) {
	for workers, want := range map[int]int64{0: int64(runtime.GOMAXPROCS(0)), 1: 1, 3: 3, 7: 7, 50: 20} {
		synctest.Test(t, func(t *testing.T) {
			var running atomic.Int64
			var mu sync.Mutex
			var most int64
			local := engine.Local{Workers: workers, Do: func(context.Context, engine.Task) error {
				mu.Lock()
				most = max(most, running.Add(1))
				mu.Unlock()
				time.Sleep(time.Second) // of the bubble: until all others wait too
				running.Add(-1)
				return nil
			}}
			if err := local.Run(t.Context(), tasks(20)); err != nil {
				t.Fatal(err)
			}
			if most != want {
				t.Errorf("%d workers: %d tasks ran at once, want %d", workers, most, want)
			}
		})
	}
}

func TestTheFirstErrorCancelsTheOthers(t *testing.T) {
	broken := errors.New("broken")
	var ran, cancelled atomic.Int64
	local := engine.Local{Workers: 4, Do: func(ctx context.Context, task engine.Task) error {
		ran.Add(1)
		if task.Partition == 3 {
			return broken
		}
		<-ctx.Done()
		cancelled.Add(1)
		return fmt.Errorf("write part: %w", ctx.Err())
	}}
	err := local.Run(t.Context(), tasks(20))
	if !errors.Is(err, broken) || err.Error() != "generate render, partition 3: broken" {
		t.Errorf("error %v", err)
	}
	if ran.Load() != 4 || cancelled.Load() != 3 {
		t.Errorf("%d tasks ran, %d of them were cancelled; want 4 and 3", ran.Load(), cancelled.Load())
	}
}

// Whichever fails first in time, the first in order is reported.
func TestTheErrorChosen(t *testing.T) {
	for last := range 4 {
		synctest.Test(t, func(t *testing.T) {
			local := engine.Local{Workers: 4, Do: func(_ context.Context, task engine.Task) error {
				time.Sleep(time.Duration((task.Partition+4-last)%4) * time.Second)
				if task.Partition == 0 {
					return nil
				}
				return fmt.Errorf("error of %d", task.Partition)
			}}
			checkText(t, local.Run(t.Context(), tasks(4)), "generate render, partition 1: error of 1")
		})
	}
}

func checkText(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

// A task may return context.Canceled though nobody cancelled it: of a context of
// its own.
func TestCancellationOfATasksOwn(t *testing.T) {
	local := engine.Local{Workers: 2, Do: func(_ context.Context, task engine.Task) error {
		if task.Partition == 5 {
			return context.Canceled
		}
		return nil
	}}
	checkText(t, local.Run(t.Context(), tasks(9)), "generate render, partition 5: context canceled")
}

func TestTheCauseOfACancellation(t *testing.T) {
	lost := errors.New("the lease is lost")
	ctx, cancel := context.WithCancelCause(t.Context())
	local := engine.Local{Workers: 2, Do: func(ctx context.Context, task engine.Task) error {
		if task.Partition == 3 {
			cancel(lost)
			return ctx.Err()
		}
		return nil
	}}
	err := local.Run(ctx, tasks(9))
	checkText(t, err, "generate render: the lease is lost")
	if !errors.Is(err, lost) || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v is not both the cause and context.Canceled", err)
	}
}

func TestADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		local := engine.Local{Workers: 2, Do: func(ctx context.Context, _ engine.Task) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		err := local.Run(ctx, tasks(9))
		checkText(t, err, "generate render: context deadline exceeded")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v is not context.DeadlineExceeded", err)
		}
	})
}

func TestCancelledAfterTheLastTask(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	local := engine.Local{Do: func(_ context.Context, task engine.Task) error {
		if task.Partition == 8 {
			cancel()
		}
		return nil
	}, Workers: 1}
	if err := local.Run(ctx, tasks(9)); err != nil {
		t.Errorf("all tasks finished, but %v", err)
	}
}

func TestPanic(t *testing.T) {
	local := engine.Local{Workers: 2, Do: func(context.Context, engine.Task) error { panic(errors.New("boom")) }}
	err := local.Run(t.Context(), tasks(3))
	var p *engine.PanicError
	if !errors.As(err, &p) {
		t.Fatalf("error %v is no panic", err)
	}
	if p.Value.(error).Error() != "boom" || !strings.Contains(string(p.Stack), "TestPanic") {
		t.Errorf("panic %v with stack %s", p.Value, p.Stack)
	}
	if !strings.HasPrefix(err.Error(), "generate render, partition ") {
		t.Errorf("error %v does not name the task", err)
	}
}

func TestATaskThatEndsItsGoroutine(t *testing.T) {
	local := engine.Local{Workers: 1, Do: func(context.Context, engine.Task) error {
		runtime.Goexit()
		return nil
	}}
	checkText(t, local.Run(t.Context(), tasks(3)), "generate render, partition 0: the task ended its goroutine")
}

func TestObserver(t *testing.T) {
	var seen [][2]int
	local := engine.Local{
		Workers:  8,
		Do:       func(context.Context, engine.Task) error { return nil },
		Observer: func(done, total int) { seen = append(seen, [2]int{done, total}) },
	}
	if err := local.Run(t.Context(), tasks(5)); err != nil {
		t.Fatal(err)
	}
	want := [][2]int{{0, 5}, {1, 5}, {2, 5}, {3, 5}, {4, 5}, {5, 5}}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// As many tasks run at once as memory is enough for, and one where it is for none.
func TestTasksAtOnce(t *testing.T) {
	const mb, gb = 1 << 20, 1 << 30
	for _, test := range []struct {
		workers      int
		memory, need int64
		want         int
	}{
		{8, 3 * gb / 2, 96 * mb, 8},
		{16, 3 * gb / 2, 96 * mb, 12},
		{16, 3 * gb / 2, 600 * mb, 2},
		{16, 256 * mb, 600 * mb, 1},
		{1, 64 * gb, 96 * mb, 1},
	} {
		if got := engine.TasksAtOnce(test.workers, test.memory, test.need); got != test.want {
			t.Errorf("%d workers, %d MB of %d: %d tasks, want %d", test.workers, test.need/mb, test.memory/mb, got, test.want)
		}
	}
}
