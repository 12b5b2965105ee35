package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// patiently asks until there is an answer, which may be a refusal that no
// waiting changes, and gives up when the link's patience is over.
func (l *link) patiently(ctx context.Context, ask func(context.Context) error) error {
	began := time.Now()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := ask(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case lasting(err):
			return explain(err)
		case time.Since(began)+wait > l.Patience:
			return fmt.Errorf("given up after %s: %w", time.Since(began).Round(time.Millisecond), explain(err))
		}
		pause(ctx, wait)
	}
}

func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// lasting tells the refusals that no waiting changes. Whatever else goes wrong,
// on the way or while leaders change, may pass.
func lasting(err error) bool {
	var code kafka.Error
	if errors.As(err, &code) {
		return !code.Temporary() && code != kafka.BrokerNotAvailable
	}
	return errors.Is(err, errMissing) || errors.Is(err, errClosed) || insecure(err)
}

// insecure tells a TLS handshake that failed.
func insecure(err error) bool {
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var header tls.RecordHeaderError
	return errors.As(err, &certificate) || errors.As(err, &alert) || errors.As(err, &header)
}

// bare takes off what kafka-go puts before an error: the name of its function.
func bare(err error) error {
	if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(err.Error(), "kafka.(*Client).") {
		return inner
	}
	return err
}

// explain adds what users can do to errors that do not say it.
func explain(err error) error {
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return fmt.Errorf("the brokers refuse the user or the password: %w", err)
	case errors.Is(err, kafka.IllegalSASLState):
		return fmt.Errorf("the brokers want no sasl at this port: %w", err)
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		return fmt.Errorf("the brokers do not take this sasl mechanism: %w", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the brokers close the connection, as when one side wants tls or sasl and the other does not: %w", err)
	}
	return err
}
