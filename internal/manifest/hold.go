package manifest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Hold renews the lease in the background until ctx ends or stop is called. The
// context it returns ends when the lease is lost, with ErrLost as its cause:
// another process took it over, or it could not be renewed for so long that
// another may. Stop waits for the last renewal and returns why the lease was
// lost, or nil; it may be called again.
func (l *Lease) Hold(ctx context.Context) (held context.Context, stop func() error) {
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.beat(held, cancel)
	}()
	return held, func() error {
		cancel(nil)
		<-done
		if err := l.over(); errors.Is(err, ErrLost) {
			return err
		}
		return nil
	}
}

// beat renews eight times in a TTL, which an outage of a third of it cannot stop,
// and gives up after three fifths: the rest is for clocks that differ.
func (l *Lease) beat(ctx context.Context, cancel context.CancelCauseFunc) {
	patience := l.options.TTL * 3 / 5
	ticks := time.NewTicker(l.options.TTL / 8)
	defer ticks.Stop()
	giveUp := time.AfterFunc(patience, func() {
		cancel(l.lose(fmt.Sprintf("it could not be renewed for %s", patience)))
	})
	defer giveUp.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if err := l.Check(ctx); err == nil {
			giveUp.Reset(patience)
		} else if over := l.over(); over != nil {
			cancel(over)
			return
		}
	}
}
