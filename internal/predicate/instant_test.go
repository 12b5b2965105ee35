package predicate

import (
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/diag"
)

// TestZoneOfNow gives times that know a zone: expressions do not.
func TestZoneOfNow(t *testing.T) {
	now := time.Date(2026, 2, 1, 1, 0, 0, 0, time.FixedZone("", 2*3600))
	v := &Vars{Now: now, Row: map[string]any{"at": now}}
	for _, c := range []struct {
		env  *Env
		text string
		want any
	}{
		{OfferEnv(nil, OfferOptions{Now: true}), `now.getHours()`, int64(23)},
		{OfferEnv(nil, OfferOptions{Now: true}), `string(now)`, "2026-01-31T23:00:00Z"},
		{RowEnv(RowShape{}), `row.at.getHours()`, int64(23)},
		{RowEnv(RowShape{}), `string([row.at][0])`, "2026-01-31T23:00:00Z"},
	} {
		x, mistakes := c.env.Value(diag.Plain(c.text))
		if mistakes != nil {
			t.Fatal(mistakes)
		}
		check(t, x, v, c.want)
	}
}
