package synth

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"time"
)

// A campaign is an advertising campaign with the sellers that pay for it.
type campaign struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Channel  string         `json:"channel"`
	Discount *float64       `json:"discount,omitempty"` // share of the price
	Starts   string         `json:"starts"`             // a day
	Ends     string         `json:"ends,omitempty"`
	Sellers  []contribution `json:"sellers"`
}

// A contribution is what one seller pays for a campaign.
type contribution struct {
	Seller string `json:"seller"`
	Budget string `json:"budget"` // EUR
}

var (
	channels = []string{"google", "meta", "price comparers", "newsletter"}
	seasons  = []string{"Winter sale", "Easter", "Mother's Day", "Back to school", "Singles' Day 双十一", "Black Friday", "Clearance -50 %", "Été < 20 €"}
)

// campaign returns the i-th campaign of a day's dump; on a day one in twenty
// changes its sellers and discount.
func (m *Market) campaign(i, day int) campaign {
	d := m.dice(aboutCampaign, i, 1+m.revision(aboutCampaign, i, day, 50))
	c := campaign{
		ID: "C" + string(appendSeller(nil, i)[1:]), Name: seasons[d.below(len(seasons))], Channel: channels[d.below(len(channels))],
		Starts: dateText(m.start.AddDate(0, 0, d.between(-60, 20))),
	}
	if !d.share(150) {
		discount := float64(d.between(1, 10)) / 20
		c.Discount = &discount
	}
	if !d.share(200) {
		c.Ends = dateText(m.start.AddDate(0, 0, d.between(30, 400)))
	}
	seen := map[int]bool{}
	for range d.between(1, 8) {
		if s := d.below(m.sellers); !seen[s] {
			seen[s] = true
			c.Sellers = append(c.Sellers, contribution{Seller: string(appendSeller(nil, s)), Budget: string(appendMoney(nil, int64(d.skewed(1_000, 900_000))))})
		}
	}
	return c
}

func (m *Market) campaignCount(day int) int { return max(4, m.sellers/2) + day }

// Campaigns returns the rows of a day's dump, one for each campaign and seller:
// campaign, name, channel, discount (or nil), starts, ends (dates; ends may be
// nil), seller, budget (a decimal).
func (m *Market) Campaigns(day int) []Row {
	var rows []Row
	for i := range m.campaignCount(day) {
		c := m.campaign(i, day)
		for _, s := range c.Sellers {
			row := Row{
				"campaign": c.ID, "name": c.Name, "channel": c.Channel, "discount": nil, "starts": date(c.Starts), "ends": date(c.Ends),
				"seller": s.Seller, "budget": s.Budget,
			}
			if c.Discount != nil {
				row["discount"] = *c.Discount
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// writeCampaigns writes the dump of a day: {"generated": ..., "campaigns": [...]}.
func (m *Market) writeCampaigns(_ context.Context, w io.Writer, day int) error {
	b := bufio.NewWriter(w)
	b.WriteString(`{"generated":"` + dateText(m.start.AddDate(0, 0, day)) + `","campaigns":[`)
	for i := range m.campaignCount(day) {
		line, err := json.Marshal(m.campaign(i, day))
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(line)
	}
	b.WriteString("\n]}\n")
	return b.Flush()
}

func dateText(t time.Time) string { return t.Format(time.DateOnly) }

func date(text string) any {
	if text == "" {
		return nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}
