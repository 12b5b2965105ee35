// Package notify tells people that a stage is held or failed, and that it is
// over: once per problem, however many runs meet it.
//
// Its promise: every notice that a workspace asks for is delivered at least once,
// as soon as its target takes it; what cannot be delivered is a warning and is
// tried at the next run, and never the failure of a stage. No error, no log and
// nothing in the warehouse holds an address or a password of a target.
//
// What is known of each problem, and who was told, is kept in the warehouse at
// notices/<stage>.json, which is replaced as a whole after the notices are out.
// A crash between, or two processes at once, can therefore repeat a notice and
// cannot lose one.
package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// What a notice can be about.
const (
	Held      = "held"
	Failed    = "failed"
	Recovered = "recovered"
)

// A Finding is what a run of a stage found: all that is held after it.
type Finding struct {
	Stage string
	Run   string
	// Failed is why the stage failed, nil when it did not. A stage that failed
	// knows nothing of what is held.
	Failed error
	Held   []Problem
}

// A Problem is one thing that is wrong.
type Problem struct {
	Name    string         `json:"name"`          // source prices, feed google-de, events meta-hk; "" is the stage as a whole
	Run     string         `json:"run,omitempty"` // that made what is held, or failed
	Since   time.Time      `json:"since"`         // the zero time: since this run
	Until   *time.Time     `json:"until,omitempty"`
	Reasons []guard.Reason `json:"reasons,omitempty"`
	// Approvable says whether Run can be approved.
	Approvable bool `json:"approvable,omitempty"`
}

// A Notifier tells the targets of a workspace.
type Notifier struct {
	Store     storage.Store
	Notices   []workspace.Notice
	Workspace string // the file, as people find it
	Dir       string // where commands run
	Now       func() time.Time
}

// New returns the notifier of a workspace.
func New(w *workspace.Workspace, store storage.Store, file string, now func() time.Time) *Notifier {
	return &Notifier{Store: store, Notices: w.Notify, Workspace: file, Dir: w.Dir, Now: now}
}

// Tell sends what is new since the last run of the stage. It returns what could
// not be told, as warnings.
func (n *Notifier) Tell(ctx context.Context, f Finding) []string {
	if len(n.Notices) == 0 {
		return nil
	}
	state, err := read(ctx, n.Store, f.Stage)
	switch {
	case err == nil:
		return n.tell(ctx, f, state)
	case errors.Is(err, errDamaged):
		return append([]string{"what was told before is told again: " + err.Error()}, n.tell(ctx, f, state)...)
	default:
		return append([]string{"who knows what is not known, and notices wait for the next run: " + err.Error()}, n.cry(ctx, f, state)...)
	}
}

func (n *Notifier) tell(ctx context.Context, f Finding, s *state) []string {
	now := n.Now().UTC()
	changed := s.update(f, now)
	sent, warnings := n.send(ctx, f, s, now)
	s.forget(n.Notices)
	if !changed && !sent {
		return warnings
	}
	if err := write(context.WithoutCancel(ctx), n.Store, f.Stage, s); err != nil {
		warnings = append(warnings, "notices may be repeated: "+err.Error())
	}
	return warnings
}

// cry tells that the stage failed though the warehouse does not say whether that
// was told: it may be the warehouse that failed. It notes nothing.
func (n *Notifier) cry(ctx context.Context, f Finding, s *state) []string {
	if f.Failed == nil {
		return nil
	}
	f.Held = nil
	now := n.Now().UTC()
	s.update(f, now)
	_, warnings := n.send(ctx, f, s, now)
	return warnings
}

// send delivers to all targets at once.
func (n *Notifier) send(ctx context.Context, f Finding, s *state, now time.Time) (sent bool, warnings []string) {
	host, _ := os.Hostname()
	var mu sync.Mutex // of the state and of what is returned
	var work sync.WaitGroup
	for i := range n.Notices {
		notice := &n.Notices[i]
		for _, event := range []string{Failed, Held, Recovered} {
			mu.Lock()
			due := s.due(notice, event)
			found := problems(due)
			mu.Unlock()
			if len(due) == 0 {
				continue
			}
			m := message{
				Event: event, Stage: f.Stage, Run: f.Run, Workspace: n.Workspace, Host: host, Time: now, Problems: found,
			}
			m.finish()
			work.Go(func() {
				err := n.deliver(ctx, notice, &m)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					warnings = append(warnings, fmt.Sprintf("%s was not told, and will be at the next run: %v", notice.Name, err))
					return
				}
				sent = true
				for _, e := range due {
					e.told(notice.ID, event)
				}
			})
		}
	}
	work.Wait()
	slices.Sort(warnings)
	return sent, warnings
}

func problems(entries []*entry) []Problem {
	out := make([]Problem, len(entries))
	for i, e := range entries {
		out[i] = e.Problem
	}
	slices.SortFunc(out, func(a, b Problem) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
