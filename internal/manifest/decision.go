package manifest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/storage"
)

// approvals is where decisions are kept, for ever: approvals/<run>/<id>.json.
const (
	approvals      = "approvals"
	decisionEnding = ".json"
)

// The actions of a Decision.
const (
	Approved = "approved" // what was held is published
	Rejected = "rejected" // what was held will not be; the hold is over
)

// A Decision is what a person decided about something that a run holds.
type Decision struct {
	ID     string            `json:"id"` // as a run's; that of the run that carries it out, if there is one
	Stage  string            `json:"stage"`
	Run    string            `json:"run"` // that holds it
	Action string            `json:"action"`
	By     string            `json:"by"`
	Reason string            `json:"reason"`
	At     time.Time         `json:"at"`
	Held   map[string]string `json:"held"` // by feed or source, the digest of what was held
}

// A Rejection is what a stage keeps of the decision to let go of something that it
// held: while it comes to the same again, by the same limits, it is neither held nor
// published.
type Rejection struct {
	Held  string `json:"held"`  // the digest of what was held
	Guard string `json:"guard"` // the digest of the limits that judged it
	Said  string `json:"said"`  // by whom and why
}

// A RefusedError says why a decision cannot be made.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return e.Why }

func refusedf(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

// NotHeld is the error for what a run does not hold.
func NotHeld(what, run string) error { return refusedf("run %s does not hold %s", run, what) }

// NothingHeld is the error for a run of which nothing is held any more.
func NothingHeld(run string) error { return refusedf("nothing that run %s made is held", run) }

// HeldByOther is the error for what another run holds: a newer one, or one before
// that made what is held.
func HeldByOther(what, run, holder string) error {
	if holder < run {
		return refusedf("%s: run %s made nothing new of it, it is run %s that holds it: decide about that one", what, run, holder)
	}
	return refusedf("%s: what run %s held is superseded by run %s: decide about that one", what, run, holder)
}

// String says it in words, such as "approved by ann: it is right".
func (d *Decision) String() string { return fmt.Sprintf("%s by %s: %s", d.Action, d.By, d.Reason) }

type decision struct {
	Format   int       `json:"format"`
	Decision *Decision `json:"decision"`
}

// Record keeps a decision. It needs a person and a reason.
func Record(ctx context.Context, store storage.Store, d *Decision) error {
	if strings.TrimSpace(d.By) == "" || strings.TrimSpace(d.Reason) == "" {
		return errors.New("a decision names who made it and why")
	}
	if err := errors.Join(checkRun(d.Run), checkRun(d.ID)); err != nil {
		return err
	}
	data, err := encodeJSON(decision{Format, d})
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s/%s/%s%s", approvals, d.Run, d.ID, decisionEnding)
	if err := storage.WriteAll(ctx, store, name, storage.Exclusive, data); err != nil {
		return fmt.Errorf("record the decision %s: %w", name, err)
	}
	return nil
}

// Decisions returns those about a run, or with run "" all, in the order of runs
// and of time.
func Decisions(ctx context.Context, store storage.Store, run string) ([]*Decision, error) {
	prefix := approvals + "/"
	if run != "" {
		prefix += run + "/"
	}
	var names []string
	for info, err := range store.List(ctx, prefix) {
		if err != nil {
			return nil, fmt.Errorf("list decisions: %w", err)
		}
		if strings.HasSuffix(info.Name, decisionEnding) { // what others put there is not ours
			names = append(names, info.Name)
		}
	}
	out := make([]*Decision, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(decisionsAtOnce)
	for i, name := range names {
		group.Go(func() (err error) {
			out[i], err = readDecision(ctx, store, name)
			return err
		})
	}
	return out, group.Wait()
}

// decisionsAtOnce is how many decisions are read side by side, for stores that take
// long to answer.
const decisionsAtOnce = 16

func readDecision(ctx context.Context, store storage.Store, name string) (*Decision, error) {
	data, err := storage.ReadAll(ctx, store, name)
	if err != nil {
		return nil, err
	}
	var d decision
	if err := decodeJSON(data, &d); err != nil {
		return nil, fmt.Errorf("read the decision %s: %w", name, err)
	}
	if d.Decision == nil {
		return nil, fmt.Errorf("read the decision %s: it is empty", name)
	}
	return d.Decision, nil
}
