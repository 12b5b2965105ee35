package synth

import "time"

// A Row is the values of a source's columns, by name: string, int64, float64,
// bool, time.Time (UTC; dates at midnight), []any, map[string]any or nil;
// decimals are their exact text, such as "12.30".
type Row map[string]any

// Offer returns what the log says about the i-th offer once all deliveries of a
// day and of those before it came, and false when that is nothing: not inserted
// yet, or deleted. Its columns are those of the log.
func (m *Market) Offer(i, day int) (Row, bool) {
	w, ok := last(m.life(nil, i, day), day)
	if !ok || w.op == deleted {
		return nil, false
	}
	var c content
	m.fill(&c, i, w)
	return m.row(&c), true
}

func (m *Market) row(c *content) Row {
	row := Row{
		"id": string(c.id[:]), "op": operations[c.op], "ts": m.time(c.at), "seller": string(c.seller),
		"code": text(c.code), "mpn": text(c.mpn), "title": text(c.title), "title_en": text(c.titleEnglish), "description": text(c.description),
		"language": languages[c.language], "brand": chosen(m.brands, c.brand), "category": m.categories[c.category].path,
		"condition": chosen(conditions, c.condition), "currency": currencies[c.currency], "age_group": chosen(ageGroups, c.age),
		"price": money(c.price), "list_price": money(c.listPrice), "stock": whole(c.stock), "delivery_days": whole(c.deliveryDays),
		"active": c.active, "weight": nil, "available_from": nil, "created": m.time(c.born).Truncate(time.Millisecond),
		"images": nil, "attributes": nil, "tags": nil,
	}
	if c.grams != none {
		row["weight"] = float64(c.grams) / 1000
	}
	if c.availableFrom != never {
		row["available_from"] = m.start.AddDate(0, 0, c.availableFrom)
	}
	m.nest(row, c)
	return row
}

func (m *Market) nest(row Row, c *content) {
	if !c.noImages {
		images, from := make([]any, len(c.imageEnds)), 0
		for i, end := range c.imageEnds {
			images[i], from = string(c.images[from:end]), end
		}
		row["images"] = images
	}
	if !c.noMap {
		attributes := map[string]any{}
		for _, p := range c.properties {
			attributes[properties[p.name]] = m.values[p.value]
		}
		row["attributes"] = attributes
	}
	if !c.noTags {
		tags := make([]any, len(c.tags))
		for i, tag := range c.tags {
			tags[i] = tagNames[tag]
		}
		row["tags"] = tags
	}
}

func text(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return string(b)
}

func chosen(list []string, code int) any {
	if code == none {
		return nil
	}
	return list[code]
}

func whole(n int) any {
	if n == none {
		return nil
	}
	return int64(n)
}

func money(cents int64) any {
	if cents == none {
		return nil
	}
	return string(appendMoney(nil, cents))
}
