package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// Local runs tasks in this process, in their order, some of them at a time.
type Local struct {
	Workers  int // tasks at a time; 0 means GOMAXPROCS
	Do       func(ctx context.Context, task Task) error
	Observer func(done, total int) // called one at a time, first with 0; may be nil
}

var _ Runner = (*Local)(nil)

// TasksAtOnce is how many of some workers, 0 meaning GOMAXPROCS, an amount of memory is
// enough for, when each task needs so much of it and the garbage collector a quarter of
// that to work with. It is one at least.
func TasksAtOnce(workers int, memory, need int64) int {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	return max(1, min(workers, int(memory/(need+need/4))))
}

// A PanicError is the panic of a task.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// Run runs the tasks. The first error cancels the context of the tasks that run
// and starts no others. The error returned is, of the tasks that failed on their
// own, that of the first in the order of tasks, and names it. When ctx ended
// before all tasks had run, the error is its cause, and its Err too.
func (l *Local) Run(ctx context.Context, tasks []Task) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	r := run{local: l, tasks: tasks, failures: make([]error, len(tasks)), ctx: inner, cancel: cancel}
	r.observe()
	r.start()
	r.group.Wait()
	for i, err := range r.failures {
		if err != nil {
			return fmt.Errorf("%s: %w", tasks[i], err)
		}
	}
	if r.done < len(tasks) {
		return fmt.Errorf("%s %s: %w", tasks[0].Stage, tasks[0].Phase, &interruption{context.Cause(ctx), ctx.Err()})
	}
	return nil
}

// An interruption reads as its cause and is also context.Canceled or
// context.DeadlineExceeded.
type interruption struct{ cause, err error }

func (e *interruption) Error() string   { return e.cause.Error() }
func (e *interruption) Unwrap() []error { return []error{e.cause, e.err} }

type run struct {
	local  *Local
	tasks  []Task
	ctx    context.Context // of the tasks
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu       sync.Mutex
	failures []error // by task, of those that failed on their own
	done     int
}

// start starts tasks as workers become free, until ctx ends.
func (r *run) start() {
	free := make(chan struct{}, r.local.workers())
	for i := range r.tasks {
		select {
		case free <- struct{}{}:
		case <-r.ctx.Done():
		}
		if r.ctx.Err() != nil {
			return
		}
		r.group.Go(func() {
			defer func() { <-free }()
			r.do(i)
		})
	}
}

func (l *Local) workers() int {
	if l.Workers > 0 {
		return l.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// do runs a task to its end, however it ends.
func (r *run) do(i int) {
	err := errors.New("the task ended its goroutine") // as FailNow of a test does
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
		r.ended(i, err)
	}()
	err = r.local.Do(r.ctx, r.tasks[i])
}

func (r *run) ended(i int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.done++
		r.observe()
		return
	}
	if stopped := r.ctx.Err(); stopped == nil || !errors.Is(err, stopped) {
		r.failures[i] = err
	}
	r.cancel()
}

func (r *run) observe() {
	if r.local.Observer != nil {
		r.local.Observer(r.done, len(r.tasks))
	}
}
