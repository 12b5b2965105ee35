package aggregate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/source"
)

// An action is what a run does with a source.
type action int

const (
	keep    action = iota // its stored state is up to date
	apply                 // changes are merged into its stored state
	rebuild               // its state is made anew
)

// A sourcePlan says what a run does with a source, and why.
type sourcePlan struct {
	action     action
	reason     string            // for the log
	read       []source.Delivery // whose files are read
	deliveries []DeliveryState   // that the state will consist of
	stale      string            // why the newest delivery is too old, or ""
}

// A sourceInput is everything that a source's plan depends on.
type sourceInput struct {
	def      *source.Definition
	previous *SourceState      // nil: none
	found    []source.Delivery // the deliveries there are, by version; --as-of has been applied
	asOf     string
	full     bool
	now      time.Time
}

// planSource decides what to do with a source. It is pure.
func planSource(in sourceInput) (sourcePlan, error) {
	plan, err := planFiles(in)
	if err != nil {
		return sourcePlan{}, fmt.Errorf("source %s: %w", in.def.Name, err)
	}
	plan.stale = stale(in, plan.deliveries)
	return plan, nil
}

func planFiles(in sourceInput) (sourcePlan, error) {
	if in.def.IsLog() {
		return planLog(in)
	}
	return planNewest(in)
}

// rebuildReason says why the stored state cannot be built upon, or "".
func rebuildReason(in sourceInput) string {
	switch {
	case in.previous == nil:
		return "no stored state"
	case in.full:
		return "a full run was asked for"
	case in.previous.Digest != in.def.Digest():
		return "its definition changed"
	case in.asOf != "" && !admits(in.asOf, in.previous.version()):
		return fmt.Sprintf("the stored state has version %s, which is after %s", in.previous.version(), in.asOf)
	default:
		return ""
	}
}

// admits reports whether --as-of admits a version: up to and including those
// that begin with it.
func admits(asOf, version string) bool {
	return asOf == "" || strings.HasPrefix(version, asOf) || source.CompareVersions(version, asOf) <= 0
}

func planNewest(in sourceInput) (sourcePlan, error) {
	reason := rebuildReason(in)
	if len(in.found) == 0 {
		return planNothing(in, reason)
	}
	newest := in.found[len(in.found)-1]
	stored := in.previous.version()
	overtaken := versioned(in.def) && stored != "" && admits(in.asOf, stored) && source.CompareVersions(newest.Version, stored) < 0
	if overtaken && reason == "" {
		return keepStored(in, "its newest delivery is the stored one"), nil
	}
	if overtaken {
		return sourcePlan{}, fmt.Errorf("rebuild because %s: delivery %s is gone, the newest there is is %s", reason, stored, newest.Version)
	}
	if reason == "" {
		var err error
		if reason, err = changedNewest(in.previous, newest); err != nil {
			return sourcePlan{}, err
		}
	}
	if reason == "" {
		return keepStored(in, "nothing new"), nil
	}
	read := []source.Delivery{newest}
	return sourcePlan{action: rebuild, reason: reason, read: read, deliveries: merged(nil, read)}, nil
}

// versioned reports whether the versions of a source can be compared: without
// {version} in its paths, a newest source's version is a digest.
func versioned(def *source.Definition) bool {
	for _, p := range def.Paths {
		if strings.Contains(p.Value, "{version") {
			return true
		}
	}
	return def.IsLog()
}

// changedNewest says why the newest delivery must be read again, or "".
func changedNewest(previous *SourceState, newest source.Delivery) (string, error) {
	if previous.version() != newest.Version {
		return "delivery " + newest.Version + " is new", nil
	}
	known := previous.files()
	reason := ""
	for _, f := range newest.Files {
		before, seen := known[keyOf(f)]
		switch {
		case !seen:
			reason = "file " + f.Name + " is new"
		case !before.same(f):
			reason = "file " + f.Name + " changed"
		}
		delete(known, keyOf(f))
	}
	for key := range known {
		if reason != "" {
			return "", fmt.Errorf("rebuild because %s: file %s of delivery %s is gone", reason, key.name, newest.Version)
		}
	}
	return reason, nil
}

func planLog(in sourceInput) (sourcePlan, error) {
	known := in.previous.files()
	reason := rebuildReason(in)
	fresh := make([]source.Delivery, 0, len(in.found))
	for _, d := range in.found {
		unseen := source.Delivery{Version: d.Version}
		for _, f := range d.Files {
			before, seen := known[keyOf(f)]
			if !seen {
				unseen.Files = append(unseen.Files, f)
			} else if !before.same(f) && reason == "" {
				reason = "file " + f.Name + " changed"
			}
		}
		if len(unseen.Files) > 0 {
			fresh = append(fresh, unseen)
		}
	}
	if reason != "" {
		return rebuildLog(in, reason)
	}
	if len(fresh) == 0 {
		return keepStored(in, "nothing new"), nil
	}
	return sourcePlan{
		action: apply, reason: fmt.Sprintf("%d new deliveries", len(fresh)),
		read: fresh, deliveries: merged(in.previous.Deliveries, fresh),
	}, nil
}

func rebuildLog(in sourceInput, reason string) (sourcePlan, error) {
	if gone, ok := firstGone(in); ok && in.previous != nil {
		return sourcePlan{}, fmt.Errorf("rebuild because %s: file %s is gone (bring it back, take the change back, or give the source another name: it begins with the files that are there)", reason, gone)
	}
	if len(in.found) == 0 {
		return planNothing(in, reason)
	}
	return sourcePlan{action: rebuild, reason: reason, read: in.found, deliveries: merged(nil, in.found)}, nil
}

// firstGone names an applied file that is needed and no longer there.
func firstGone(in sourceInput) (string, bool) {
	if in.previous == nil {
		return "", false
	}
	there := map[fileKey]bool{}
	for _, d := range in.found {
		for _, f := range d.Files {
			there[keyOf(f)] = true
		}
	}
	for _, d := range in.previous.Deliveries {
		if !admits(in.asOf, d.Version) {
			continue
		}
		i := slices.IndexFunc(d.Files, func(f FileState) bool { return !there[f.key()] })
		if i >= 0 {
			return d.Files[i].Name, true
		}
	}
	return "", false
}

// planNothing decides when there is no file at all.
func planNothing(in sourceInput, reason string) (sourcePlan, error) {
	switch {
	case reason == "":
		return keepStored(in, "no files, the stored state stays"), nil
	case in.previous != nil && len(in.previous.Deliveries) > 0 && in.asOf == "":
		return sourcePlan{}, fmt.Errorf("rebuild because %s: delivery %s is gone", reason, in.previous.version())
	case in.def.Optional:
		return sourcePlan{action: rebuild, reason: reason}, nil
	case in.asOf != "":
		return sourcePlan{}, fmt.Errorf("no delivery as of %s", in.asOf)
	default:
		return sourcePlan{}, fmt.Errorf("no files match %s", in.def.Paths[0].Value)
	}
}

func keepStored(in sourceInput, why string) sourcePlan {
	return sourcePlan{action: keep, reason: why, deliveries: in.previous.Deliveries}
}

// stale says that the newest delivery is older than max_age, or "". The age of
// a delivery counts from its version where that is a date or time, else from
// its newest file. Travelling in time, age is no fault.
func stale(in sourceInput, deliveries []DeliveryState) string {
	if in.def.MaxAge == 0 || in.asOf != "" || len(deliveries) == 0 {
		return ""
	}
	newest := deliveries[len(deliveries)-1]
	made, ok := versionTime(newest.Version)
	if !ok || !versioned(in.def) {
		for _, f := range newest.Files {
			if f.ModTime.After(made) {
				made = f.ModTime
			}
		}
	}
	if age := in.now.Sub(made); age > in.def.MaxAge {
		return fmt.Sprintf("delivery %s is %s old, more than max_age %s", newest.Version, age.Round(time.Minute), in.def.MaxAge)
	}
	return ""
}

// versionTime reads a version whose digits are a date, or a date and a time.
func versionTime(version string) (time.Time, bool) {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, version)
	for _, layout := range []string{"20060102", "2006010215", "200601021504", "20060102150405"} {
		if len(digits) == len(layout) {
			t, err := time.Parse(layout, digits)
			return t, err == nil && t.Year() >= 1970
		}
	}
	return time.Time{}, false
}
