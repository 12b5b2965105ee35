package offer

import (
	"errors"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// A Conversion says how texts and numbers of a source are read.
type Conversion struct {
	Layout string         // of times: empty (RFC 3339), unix, unixmilli or a Go layout
	Zone   *time.Location // of times that name none; nil: UTC
	Comma  bool           // numbers in texts have a decimal comma
}

// A ConversionError is why a value does not fit a type.
type ConversionError struct {
	Reason string
}

func (e *ConversionError) Error() string { return e.Reason }

// An Appender converts values to one type.
type Appender struct{}

// NewAppender returns the appender for a type.
func NewAppender(t Type, c Conversion) *Appender { return &Appender{} }

// Append converts a plain value and appends it to b, a builder of the type's
// Arrow form. On a *ConversionError nothing was appended.
func (a *Appender) Append(b array.Builder, v any) error { return errors.ErrUnsupported }
