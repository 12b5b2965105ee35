package diff

import (
	"encoding/json"
	"fmt"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/manifest"
)

// Told is what a run's manifest says of what destinations were told.
type Told struct {
	Feeds    map[string]bool   // the event feeds whose destinations have what they take, be it nothing, or get it
	Holds    map[string]string // the runs whose events are held, by event feed
	Wordings feed.Wordings
}

// Known returns what a run's manifest says of what destinations were told.
func Known(m *manifest.Manifest) (*Told, error) {
	d := newDetail()
	if err := json.Unmarshal(m.Detail, &d); err != nil {
		return nil, fmt.Errorf("decode the manifest of run %s: %w", m.Run, err)
	}
	told := &Told{Feeds: map[string]bool{}, Holds: map[string]string{}, Wordings: d.Wordings}
	for name, e := range d.Feeds {
		_, held := d.Holds[name]
		_, rejected := d.Rejected[name]
		if e.State != "" || e.Pending != nil || !held && !rejected {
			told.Feeds[name] = true
		}
	}
	for name, h := range d.Holds {
		told.Holds[name] = h.Run
	}
	return told, nil
}
