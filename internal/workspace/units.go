package workspace

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/guard"
)

// digits reads the text of a number.
func (v value) digits() (diag.Text, bool) {
	t, ok := v.text()
	return t, ok && !v.commaInNumber()
}

// numberHint says how to write a number that has something between its digits.
func numberHint(text, otherwise string) string {
	if number := plainNumber(text); number != "" {
		return "write " + number
	}
	return otherwise
}

// number reads a whole number from low on.
func (v value) number(low int64) int64 {
	t, ok := v.digits()
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(t.Value, "_", ""), 10, 64)
	if err != nil || n < low {
		v.report(v.at("%s must be a whole number, %d or more, and this is %s", v.subject(), low, t.Written()).WithHint("%s", numberHint(t.Value, "")))
		return 0
	}
	return n
}

// truth reads true or false.
func (v value) truth() bool {
	t, ok := v.text()
	if !ok {
		return false
	}
	switch strings.ToLower(t.Value) {
	case "true", "yes":
		return true
	case "false", "no":
		return false
	}
	v.fail("%s must be true or false, and this is %s", v.subject(), t.Written())
	return false
}

// choice reads one of a few words.
func (v value) choice(words ...string) string {
	t, ok := v.text()
	if !ok {
		return ""
	}
	if !slices.Contains(words, t.Value) {
		v.report(v.at("%s cannot be %s", v.subject(), t.Written()).WithHint("%s", nearest(t.Value, words)))
		return ""
	}
	return t.Value
}

var shareForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)\s*%$`)

// share reads a percentage; only zero may stand without the sign.
func (v value) share() guard.Share {
	t, ok := v.digits()
	if !ok {
		return 0
	}
	if parts := shareForm.FindStringSubmatch(t.Value); parts != nil {
		n, err := strconv.ParseFloat(parts[1], 64)
		if err == nil {
			return guard.Share(n / 100)
		}
	}
	n, err := strconv.ParseFloat(t.Value, 64)
	switch {
	case err == nil && n == 0:
	case err == nil && n > 0:
		v.report(v.at("%s must be a percentage, and this has no %%", v.subject()).WithHint("%s", percentHint(n)))
	default:
		v.report(v.at("%s must be a percentage, and this is %s", v.subject(), t.Written()).WithHint("%s", numberHint(t.Value, "write it like 30%")))
	}
	return 0
}

func percentHint(n float64) string {
	if n < 1 {
		return "write " + guard.Share(n).String() + " or " + guard.Share(n/100).String()
	}
	return "write " + guard.Share(n/100).String() + " if that is what you mean"
}

// part is a share of something that can at most be all.
func (v value) part() float64 {
	s := v.share()
	if s > 1 {
		v.fail("%s cannot be more than 100%%", v.subject())
		return 0
	}
	return float64(s)
}

var (
	durationForm = regexp.MustCompile(`^(?:[0-9]+(?:\.[0-9]+)?(?:ms|[wdhms])\s*)+$`)
	durationPart = regexp.MustCompile(`([0-9]+(?:\.[0-9]+)?)(ms|[wdhms])`)
	sizeForm     = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?i?B)$`)
)

var durationUnits = map[string]time.Duration{
	"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond,
}

// maxDuration is a hundred years, which no sum of parts takes beyond what a
// time.Duration holds.
const maxDuration = 100 * 365 * 24 * time.Hour

// duration reads a time span such as 7d, 26h or 1h30m.
func (v value) duration() time.Duration {
	t, ok := v.text()
	if !ok {
		return 0
	}
	if !durationForm.MatchString(t.Value) {
		v.report(v.at("%s must be a time span, and this is %s", v.subject(), t.Written()).WithHint("write it like 7d, 26h, 10m or 1h30m"))
		return 0
	}
	sum := 0.0
	for _, part := range durationPart.FindAllStringSubmatch(t.Value, -1) {
		n, _ := strconv.ParseFloat(part[1], 64)
		sum += n * float64(durationUnits[part[2]])
	}
	if sum > float64(maxDuration) {
		v.fail("%s is longer than a hundred years", v.subject())
		return 0
	}
	return time.Duration(sum)
}

// span is a duration that is longer than nothing.
func (v value) span() time.Duration {
	before := len(v.list)
	d := v.duration()
	if d == 0 && len(v.list) == before {
		v.fail("%s must be longer than nothing", v.subject())
	}
	return d
}

var sizeUnits = map[string]float64{
	"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// size reads a number of bytes such as 1.5GB (decimal) or 4GiB (binary).
func (v value) size() int64 {
	t, ok := v.digits()
	if !ok {
		return 0
	}
	parts := sizeForm.FindStringSubmatch(t.Value)
	if parts == nil || sizeUnits[parts[2]] == 0 {
		v.report(v.at("%s must be a size, and this is %s", v.subject(), t.Written()).WithHint("%s", numberHint(t.Value, "write it like 500MB, 1.5GB or 4GiB")))
		return 0
	}
	n, _ := strconv.ParseFloat(parts[1], 64)
	bytes := n * sizeUnits[parts[2]]
	if bytes < 1 || bytes > 1<<60 {
		v.fail("%s is out of reach", v.subject())
		return 0
	}
	return int64(bytes)
}

// moment reads a point in time as RFC 3339, or a day, which begins at midnight
// UTC.
func (v value) moment() time.Time {
	t, ok := v.text()
	if !ok {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02"} {
		if at, err := time.Parse(layout, t.Value); err == nil {
			return at.UTC()
		}
	}
	v.report(v.at("%s must be a time, and this is %s", v.subject(), t.Written()).WithHint("write it like 2026-01-31T08:00:00Z"))
	return time.Time{}
}
