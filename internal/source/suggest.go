package source

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A Suggestion is what a source's definition could say about a file that nobody
// has described yet.
type Suggestion struct {
	Key     string // a column whose values differ from row to row, or ""
	Columns []SuggestedColumn
}

// A SuggestedColumn is a column that every row seen converts to.
type SuggestedColumn struct {
	Name   string
	Type   offer.Type
	Value  string // the expression; empty where the short form does
	Format string // of timestamps and dates; empty for the default
	Nulls  int    // rows without a value
}

// Suggest looks at raw rows, which are maps of plain values, and suggests the
// narrowest types that they have.
func Suggest(rows []any) Suggestion {
	var all objects
	for _, row := range rows {
		if object, ok := row.(map[string]any); ok {
			all.add(object)
		}
	}
	var s Suggestion
	used := map[string]bool{}
	for _, name := range all.names {
		seen := all.byName[name]
		t, format := seen.infer()
		c := SuggestedColumn{Name: columnName(name, used), Type: t, Format: format, Nulls: len(rows) - seen.values}
		if c.Name != name {
			c.Value = fmt.Sprintf("row[%q]", name)
		}
		s.Columns = append(s.Columns, c)
	}
	s.Key = all.key(s.Columns, len(rows))
	for i := range s.Columns {
		if c := &s.Columns[i]; c.Name == offer.Key && s.Key == offer.Key {
			c.Type, c.Format = offer.Type{Kind: offer.String}, "" // the key, which is text
		} else if c.Name == offer.Key {
			c.Name, c.Value = columnName("c_"+offer.Key, used), "row."+offer.Key
		}
	}
	return s
}

// YAML returns the suggestion as the lines of a source's definition.
func (s Suggestion) YAML() string {
	var b strings.Builder
	for _, c := range s.Columns {
		if c.Name == s.Key {
			fmt.Fprintf(&b, "key: %s\n", c.expression())
		}
	}
	b.WriteString("columns:\n")
	for _, c := range s.Columns {
		fmt.Fprintf(&b, "  %s\n", c.YAML())
	}
	return b.String()
}

// YAML returns the column as a line of a source's definition.
func (c SuggestedColumn) YAML() string {
	name, typ := c.Name, c.Type.String()
	if strings.ContainsAny(typ, "{},:") {
		typ = `"` + typ + `"`
	}
	if c.Value == "" && c.Format == "" {
		return name + ": " + typ
	}
	line := name + ": {type: " + typ
	if c.Value != "" {
		line += ", value: '" + strings.ReplaceAll(c.Value, "'", "''") + "'"
	}
	if c.Format != "" {
		line += `, format: "` + c.Format + `"`
	}
	return line + "}"
}

func (c SuggestedColumn) expression() string {
	if c.Value != "" {
		return "'" + strings.ReplaceAll(c.Value, "'", "''") + "'"
	}
	return "row." + c.Name
}

var notIdentifier = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// columnName makes a name that expressions can use out of a field's name.
func columnName(field string, used map[string]bool) string {
	name := strings.Trim(notIdentifier.ReplaceAllString(field, "_"), "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' || name == offer.Key || predicate.Reserved(name) {
		name = "c_" + name
	}
	if field == offer.Key {
		name = field
	}
	for base, n := name, 2; used[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	used[name] = true
	return name
}

// objects gathers the fields of objects, by name.
type objects struct {
	names  []string
	byName map[string]*observation
	count  int // objects
}

func (m *objects) add(object map[string]any) {
	if m.byName == nil {
		m.byName = map[string]*observation{}
	}
	m.count++
	for name, value := range object {
		if m.byName[name] == nil {
			m.byName[name] = newObservation()
			i, _ := slices.BinarySearch(m.names, name)
			m.names = slices.Insert(m.names, i, name)
		}
		m.byName[name].add(value)
	}
}

// key chooses a column that could be the key: unique, not null, text or a whole
// number; one that is named like a key before any other.
func (m *objects) key(columns []SuggestedColumn, rows int) string {
	best, rank := "", len(keyNames)+1
	for i, c := range columns {
		seen := m.byName[m.names[i]]
		if c.Type.Kind != offer.String && c.Type.Kind != offer.Int || rows < 2 || len(seen.distinct) != rows {
			continue
		}
		if r := keyRank(c.Name); r < rank {
			best, rank = c.Name, r
		}
	}
	return best
}

var keyNames = []string{"id", "key", "code", "sku", "ref", "reference", "uuid", "number"}

func keyRank(name string) int {
	name = strings.ToLower(name)
	for i, ending := range keyNames {
		if name == ending || strings.HasSuffix(name, "_"+ending) {
			return i
		}
	}
	return len(keyNames)
}
