package source

import (
	"errors"
	"time"
)

// EncodeOrder returns the order-preserving encoding of the value of a log's
// `order`.
func EncodeOrder(v any) ([]byte, error) { return nil, errors.ErrUnsupported }

// OrderTime returns the time that an encoded order stands for: a timestamp is
// itself, text is read as RFC 3339, and a number is seconds, milliseconds,
// microseconds or nanoseconds since the epoch, whichever its magnitude says.
func OrderTime(encoded []byte) (time.Time, bool) { return time.Time{}, false }
