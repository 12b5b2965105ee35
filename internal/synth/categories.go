package synth

import (
	"context"
	"encoding/json"
	"io"
)

// Categories returns the rows of the categories: path, google (the category of
// Google's taxonomy that fits) and commission (a share).
func (m *Market) Categories() []Row {
	rows := make([]Row, len(m.categories))
	for i, c := range m.categories {
		rows[i] = Row{"path": c.path, "google": c.google, "commission": commission(i)}
	}
	return rows
}

func commission(i int) float64 { return float64(5+i%11) / 100 }

// writeCategories writes one object a line.
func (m *Market) writeCategories(_ context.Context, w io.Writer) error {
	return compressed(w, func(w io.Writer) error {
		lines := json.NewEncoder(w)
		lines.SetEscapeHTML(false)
		for _, row := range m.Categories() {
			if err := lines.Encode(row); err != nil {
				return err
			}
		}
		return nil
	})
}
