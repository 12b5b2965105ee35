package synth

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// A country is where sellers live; it decides an offer's language and currency.
type country struct {
	code, form         string
	language, currency int
}

var (
	countries = [...]country{
		{"DE", "GmbH", 1, 0}, {"GB", "Ltd", 0, 1}, {"FR", "SARL", 2, 0}, {"PL", "Sp. z o.o.", 3, 3}, {"HK", "有限公司", 4, 5},
		{"CN", "公司", 4, 4}, {"AT", "KG", 1, 0}, {"IE", "& Sons", 0, 0}, {"US", "\"Inc.\"", 0, 2},
	}
	countryWeights = []int{25, 15, 15, 15, 8, 8, 5, 5, 4}
)

func (m *Market) country(seller int) *country {
	d := m.dice(aboutSeller, seller, 0)
	return &countries[d.pick(countryWeights...)]
}

// shop draws the seller of an offer: a few sellers have most of the offers, and
// two offers in a thousand name a seller that no dump holds.
func (m *Market) shop(d *dice) int {
	if d.share(2) {
		return m.sellers + 1_000_000 + d.below(10)
	}
	return d.skewed(0, m.sellers-1)
}

func appendSeller(dst []byte, seller int) []byte {
	dst = append(dst, 'S')
	for floor := 10_000; floor > seller && floor > 1; floor /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(seller), 10)
}

// Sellers returns the rows of a day's dump of sellers: id, name, country, rating
// (one decimal, or nil), active and since (a date).
func (m *Market) Sellers(day int) []Row {
	rows := make([]Row, m.sellers+day*max(1, m.sellers/500))
	for i := range rows {
		rows[i] = m.sellerRow(i, day)
	}
	return rows
}

func (m *Market) sellerRow(i, day int) Row {
	d := m.dice(aboutSeller, i, 0)
	home := countries[d.pick(countryWeights...)]
	name := strings.TrimSpace(m.brands[len(m.brands)-1-d.below(len(m.brands)-1)] + " " + home.form)
	row := Row{
		"id": string(appendSeller(nil, i)), "name": name, "country": home.code,
		"since": m.start.AddDate(0, 0, -d.between(30, 4000)), "rating": nil,
	}
	now := m.dice(aboutRating, i, m.revision(aboutRating, i, day, 50))
	if !now.share(80) {
		row["rating"] = float64(50-now.skewed(0, 40)) / 10
	}
	row["active"] = !now.share(40)
	return row
}

// revision returns the last day, not after day, on which a thing changed that
// changes on so many days of 1,000; 0 when there is none.
func (m *Market) revision(about topic, i, day, perMille int) int {
	for ; day > 0; day-- {
		if d := m.dice(about, i, -day); d.share(perMille) {
			return day
		}
	}
	return 0
}

// writeSellers writes the csv dump of a day: semicolons, quotes where needed, a
// decimal comma.
func (m *Market) writeSellers(ctx context.Context, w io.Writer, day int) error {
	return compressed(w, func(w io.Writer) error {
		if _, err := io.WriteString(w, "id;name;country;rating;active;since\n"); err != nil {
			return err
		}
		for i, row := range m.Sellers(day) {
			if err := writeSeller(w, row); err != nil {
				return err
			}
			if i%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	})
}

func writeSeller(w io.Writer, row Row) error {
	rating := ""
	if r, ok := row["rating"].(float64); ok {
		rating = strings.Replace(strconv.FormatFloat(r, 'f', 1, 64), ".", ",", 1)
	}
	active := 0
	if row["active"].(bool) {
		active = 1
	}
	_, err := fmt.Fprintf(w, "%s;%s;%s;%s;%d;%s\n", row["id"], quoted(row["name"].(string)), row["country"], rating, active, dateText(row["since"].(time.Time)))
	return err
}

func quoted(cell string) string {
	if !strings.ContainsAny(cell, ";\"\n") {
		return cell
	}
	return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
}

// compressed lets write write through gzip.
func compressed(w io.Writer, write func(io.Writer) error) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := write(z); err != nil {
		return err
	}
	return z.Close()
}
