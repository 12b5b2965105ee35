package workspace

import "time"

// Retention is how long runs are kept; zero is for ever.
type Retention struct {
	Snapshots time.Duration
	Feeds     time.Duration
	Events    time.Duration
	Grace     time.Duration // what readers may still need is kept for so long
}

// DefaultGrace is the time that readers have to finish on an older run.
const DefaultGrace = 24 * time.Hour

func (v value) retention(r *Retention) {
	v.object(fields{
		"snapshots": func(v value) { r.Snapshots = v.span() },
		"feeds":     func(v value) { r.Feeds = v.span() },
		"events":    func(v value) { r.Events = v.span() },
		"grace":     func(v value) { r.Grace = v.duration() },
	})
}
