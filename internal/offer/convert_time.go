package offer

import (
	"math"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// The layouts of a Conversion that are not Go layouts.
const (
	Unix      = "unix"      // seconds since the epoch, also with a fraction
	UnixMilli = "unixmilli" // milliseconds since the epoch
)

// Times in these locations are not instants. Converting them yields the instant
// or the day that they are in the zone of the Conversion.
var (
	Wall = time.FixedZone("wall", 0) // what a clock on a wall showed, in a zone that the source does not name
	Day  = time.FixedZone("day", 0)  // a date, as its midnight
)

var (
	firstInstant = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastInstant  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

const microsPerDay = 24 * 60 * 60 * 1e6

func timeText(t time.Time) string {
	switch t.Location() {
	case Day:
		return t.Format(time.DateOnly)
	case Wall:
		return t.Format("2006-01-02T15:04:05.999999999")
	default:
		return t.UTC().Format(time.RFC3339Nano)
	}
}

func (a *Appender) numeric() bool { return a.c.Layout == Unix || a.c.Layout == UnixMilli }

// instant parses a text by the layout.
func (a *Appender) instant(text []byte) (time.Time, error) {
	if a.c.Layout == "" {
		t, ok := parseRFC3339(text, a.c.Zone)
		if !ok {
			return t, refuse("%s is not an RFC 3339 time", show(text))
		}
		return t, nil
	}
	t, err := time.ParseInLocation(a.c.Layout, string(text), a.c.Zone)
	if err != nil {
		return t, refuse("%s is not a time like %s", show(text), a.c.Layout)
	}
	if name, offset := t.Zone(); offset == 0 && t.Location() != a.c.Zone && t.Location() != time.UTC && !a.saysZero(name) {
		return t, refuse("which zone %s is in %s is not known", name, show(text))
	}
	return t, nil
}

// saysZero reports whether a time of no offset is one: package time takes the name of a
// zone that it does not know for the name of one without offset.
func (a *Appender) saysZero(zone string) bool {
	return zone == "" || zone == "UTC" || zone == "GMT" || strings.Contains(a.c.Layout, "-07") || strings.Contains(a.c.Layout, "Z07")
}

func (a *Appender) timestampText(text []byte) (arrow.Timestamp, error) {
	if !a.numeric() {
		t, err := a.instant(text)
		if err != nil {
			return 0, err
		}
		return a.timestampTime(t)
	}
	if v, fits, ok := parseIntText(text, a.point); ok && fits {
		return a.timestampInt(v)
	}
	v, err := a.doubleText(text)
	if err != nil {
		return 0, err
	}
	return a.timestampDouble(v)
}

// unit is the microseconds of one unit of a numeric layout.
func (a *Appender) unit() (int64, error) {
	switch a.c.Layout {
	case Unix:
		return 1e6, nil
	case UnixMilli:
		return 1e3, nil
	default:
		return 0, refuse("a number is a time only with the format unix or unixmilli")
	}
}

func (a *Appender) timestampInt(v int64) (arrow.Timestamp, error) {
	unit, err := a.unit()
	if err != nil {
		return 0, err
	}
	if v < firstInstant/unit || v > lastInstant/unit {
		return 0, refuse("%d (%s) is outside the years 1 to 9999", v, a.c.Layout)
	}
	return arrow.Timestamp(v * unit), nil
}

func (a *Appender) timestampDouble(v float64) (arrow.Timestamp, error) {
	unit, err := a.unit()
	if err != nil {
		return 0, err
	}
	micros := math.Round(v * float64(unit))
	if !(micros >= float64(firstInstant) && micros <= float64(lastInstant)) {
		return 0, refuse("%s (%s) is outside the years 1 to 9999", formatDouble(v), a.c.Layout)
	}
	return arrow.Timestamp(micros), nil
}

func (a *Appender) timestampTime(t time.Time) (arrow.Timestamp, error) {
	if at := t.Location(); at == Wall || at == Day {
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), a.c.Zone)
	}
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return 0, refuse("%s is outside the years 1 to 9999", timeText(t))
	}
	return arrow.Timestamp(t.UnixMicro()), nil
}

func (a *Appender) timestampOf(v any) (arrow.Timestamp, error) {
	switch v := v.(type) {
	case time.Time:
		return a.timestampTime(v)
	case int64:
		return a.timestampInt(v)
	case uint64:
		return a.timestampDouble(float64(v))
	case float64:
		return a.timestampDouble(v)
	case Number:
		return a.timestampDouble(v.Double())
	default:
		return 0, refuse("%s is not a time", name(v))
	}
}

func (a *Appender) dateText(text []byte) (arrow.Date32, error) {
	if a.numeric() {
		at, err := a.timestampText(text)
		return a.dateAt(at), err
	}
	t, err := a.instant(text)
	if err != nil {
		return 0, err
	}
	return a.dateTime(t)
}

// dateAt is the day of an instant in the zone.
func (a *Appender) dateAt(at arrow.Timestamp) arrow.Date32 {
	return dayOf(time.UnixMicro(int64(at)).In(a.c.Zone))
}

// dayOf is the day that t shows in its own location.
func dayOf(t time.Time) arrow.Date32 {
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return arrow.Date32(midnight.UnixMicro() / microsPerDay)
}

func (a *Appender) dateTime(t time.Time) (arrow.Date32, error) {
	if at := t.Location(); at != Wall && at != Day {
		t = t.In(a.c.Zone)
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return 0, refuse("%s is outside the years 1 to 9999", timeText(t))
	}
	return dayOf(t), nil
}

func (a *Appender) dateOf(v any) (arrow.Date32, error) {
	if t, ok := v.(time.Time); ok {
		return a.dateTime(t)
	}
	at, err := a.timestampOf(v)
	return a.dateAt(at), err
}
