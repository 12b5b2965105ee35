// Package engine runs the tasks of a stage's phase. The local pool is the
// default engine.
//
// Its promise: Run returns nil only when every task finished without an error,
// and a task may run twice without harm, because tasks are data and write the
// same bytes to the same names.
package engine

import (
	"context"
	"encoding/json"
	"fmt"
)

// A Task is one partition's share of a phase. It is plain data and survives the
// trip to another machine.
type Task struct {
	Stage     string          `json:"stage"`
	Phase     string          `json:"phase"`
	Run       string          `json:"run"`
	Partition int             `json:"partition"`
	Args      json.RawMessage `json:"args,omitempty"`
}

// String names the task in messages.
func (t Task) String() string {
	return fmt.Sprintf("%s %s, partition %d", t.Stage, t.Phase, t.Partition)
}

// A Runner runs the tasks of one phase and returns when all of them ended.
type Runner interface {
	Run(ctx context.Context, tasks []Task) error
}
