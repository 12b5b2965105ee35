// Command feedmill makes feeds and events of all offers of a marketplace:
// aggregate, generate and diff in turn, from cron, Airflow or by hand.
//
// Its promise: results go to stdout and everything else to stderr, and the exit
// code alone says what happened (0 done, 1 error, 2 usage, 3 held, 4 invalid
// workspace, 130 interrupted).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/feedmill/feedmill/internal/diag"
)

func main() {
	ctx := signalContext()
	os.Exit(run(ctx, newApp(os.Stdin, os.Stdout, os.Stderr, os.LookupEnv), os.Args[1:]))
}

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// signalContext ends at the first SIGINT or SIGTERM; the second one kills the
// process as if nobody had listened.
func signalContext() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals)
		cancel(errInterrupted)
	}()
	return ctx
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, a *app, args []string) int {
	root := newRootCommand(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if !a.started {
		err = asUsage(err)
		a.json = a.json || wantsJSON(args)
	}
	err = a.finish(err)
	code := exitCode(ctx, err)
	if err != nil && a.logFormat == "json" {
		newLogger(a.stderr, a.logFormat, a.quiet).Error(words(code, err), "exit", code)
	} else {
		complain(a.stderr, code, err)
	}
	return code
}

// words is an error in a log that machines read.
func words(code int, err error) string {
	var mistakes diag.List
	if code == exitInvalid && errors.As(err, &mistakes) {
		return mistakes.Error()
	}
	return err.Error()
}

// complain writes the error for people; a JSON answer carries it as well.
func complain(w io.Writer, code int, err error) {
	if err == nil {
		return
	}
	switch code {
	case exitInvalid:
		var mistakes diag.List
		errors.As(err, &mistakes)
		fmt.Fprintln(w, mistakes)
	case exitHeld:
		fmt.Fprintf(w, "feedmill: held: %v\n    hint: %s\n", err, heldHint)
	case exitInterrupted:
		fmt.Fprintln(w, "feedmill:", interruption(err))
	default:
		fmt.Fprintf(w, "feedmill: %v\n", err)
	}
	var usage *usageError
	if errors.As(err, &usage) && usage.hint != "" {
		fmt.Fprintf(w, "    hint: %s\n", usage.hint)
	}
}

// heldHint says what people do about a hold.
const heldHint = "feedmill runs names the run, and show RUN says more: approve RUN publishes what it holds, reject RUN leaves it"

// interruption says what was interrupted, as far as that is known.
func interruption(err error) string {
	if text := err.Error(); text != errInterrupted.Error() {
		return "interrupted: " + text
	}
	return errInterrupted.Error()
}
