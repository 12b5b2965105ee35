package aggregate

import (
	"time"
)

// lateLimits returns, by rank, the time before which a change comes too late,
// and the time before which tombstones are dropped: `late` before the latest
// change of all earlier deliveries, and of all deliveries.
func lateLimits(deliveries []DeliveryState, late time.Duration) (limits []time.Time, expire time.Time) {
	greatest := time.Time{}
	for _, d := range deliveries {
		limit := before(greatest, late)
		for _, f := range d.Files {
			limits = append(limits, limit)
			if f.Greatest.After(greatest) {
				greatest = f.Greatest
			}
		}
	}
	return limits, before(greatest, late)
}

func before(t time.Time, late time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-late)
}
