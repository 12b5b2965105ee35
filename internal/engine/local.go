package engine

import (
	"context"
	"errors"
)

// Local runs tasks in this process, some at a time.
type Local struct {
	Workers  int // at most so many tasks at a time; 0: GOMAXPROCS
	Do       func(ctx context.Context, task Task) error
	Observer func(done, total int) // may be nil
}

var _ Runner = (*Local)(nil)

// Run runs the tasks.
func (l *Local) Run(ctx context.Context, tasks []Task) error { return errors.New("not written yet") }
