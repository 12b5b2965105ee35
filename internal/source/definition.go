package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// The values of Definition.Keep.
const (
	Newest = "newest" // the greatest delivery is the whole truth
	Log    = "log"    // all deliveries are changes
)

// The values of Definition.Format.
const (
	JSON    = "json"
	JSONL   = "jsonl"
	CSV     = "csv"
	Parquet = "parquet"
)

// A Definition is what a user wrote about a source. A zero field means that the
// user did not write it; the zero Definition of each part is its default.
type Definition struct {
	Name  string
	Place diag.Text // the source's name where it stands, for mistakes that have no better place

	Paths   []diag.Text // patterns: * ** {version} {version:*/*} {name}
	Format  string      // JSON, JSONL, CSV or Parquet
	Rows    diag.Text   // json: the dotted path of the array inside an object; empty: the file is the array
	CSV     CSVOptions
	Keep    string    // Newest (also when empty) or Log
	Explode diag.Text // a list: one row per element
	Where   diag.Text // rows for which this is not true are left out
	Key     diag.Text // string or int; empty: the source has no key
	Order   diag.Text // of a log: which change of a key is the last
	Deleted diag.Text // of a log: whether the change removes the key
	Columns []Column

	Rejects    float64 // the share of rows that may be rejected
	Duplicates float64 // the share of rows of a newest delivery that may repeat a key
	MaxAge     time.Duration
	Late       time.Duration // how long tombstones of a log live; zero: for ever

	OptionalFields []diag.Text // such as row.new_field: may be absent from a whole delivery
	Optional       bool        // no file is fine
	Ready          Ready
}

// CSVOptions say how a csv file is written.
type CSVOptions struct {
	Separator rune     // zero: comma
	Quote     rune     // zero: double quote
	NoQuote   bool     // quotes are ordinary characters
	NoHeader  bool     // the first line is a row; without Names the columns are c1, c2, ...
	Names     []string // the columns of a file without a header line
	Encoding  string   // a name of the WHATWG encoding standard; empty: utf-8
	Comma     bool     // numbers have a decimal comma
}

// A Column is a declared column of a source.
type Column struct {
	Name     diag.Text
	Type     offer.Type
	Value    diag.Text      // empty: the field of the same name
	Format   string         // of a timestamp or date: empty (RFC 3339), unix, unixmilli or a Go layout
	Zone     *time.Location // of texts that name none; nil: UTC
	Required bool           // null rejects the row
	In       []diag.Text    // any other value than these and null rejects the row
}

// Ready says when the files of a delivery may be read.
type Ready struct {
	Marker string        // a file that must stand in the folder
	Age    time.Duration // a file must not have changed for so long
}

// rulesVersion changes when the conversion rules do, so that stored rows of an
// older release are built anew. 1: the first rules.
const rulesVersion = 1

// Digest identifies everything in d that has an influence on the rows a file
// gives and on which of them survive, as 64 hexadecimal digits. Limits, ages and
// places do not count.
func (d *Definition) Digest() string {
	text, err := json.Marshal(d.meaning())
	if err != nil {
		panic(fmt.Sprintf("source: digest of %s: %v", d.Name, err))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

type meaning struct {
	Version                                                 int
	Paths                                                   []string
	Format, Rows, Keep, Explode, Where, Key, Order, Deleted string
	CSV                                                     CSVOptions
	Columns                                                 []columnMeaning
	Late                                                    time.Duration
}

type columnMeaning struct {
	Name, Type, Value, Format, Zone string
	Required                        bool
	In                              []string
}

func (d *Definition) meaning() meaning {
	m := meaning{
		Version: rulesVersion,
		Paths:   values(d.Paths), Format: d.Format, Rows: d.Rows.Value, Keep: d.keep(),
		Explode: d.Explode.Value, Where: d.Where.Value, Key: d.Key.Value, Order: d.Order.Value, Deleted: d.Deleted.Value,
		CSV: d.CSV, Late: d.Late,
	}
	for _, c := range d.Columns {
		m.Columns = append(m.Columns, columnMeaning{
			Name: c.Name.Value, Type: c.Type.String(), Value: c.Value.Value, Format: c.Format, Zone: c.zone().String(),
			Required: c.Required, In: values(c.In),
		})
	}
	return m
}

func values(texts []diag.Text) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = t.Value
	}
	return out
}

func (d *Definition) keep() string {
	if d.Keep == "" {
		return Newest
	}
	return d.Keep
}

// IsLog reports whether the source's deliveries are changes.
func (d *Definition) IsLog() bool { return d.keep() == Log }

// Schema returns the declared columns.
func (d *Definition) Schema() offer.Schema {
	out := make(offer.Schema, len(d.Columns))
	for i, c := range d.Columns {
		out[i] = offer.Field{Name: c.Name.Value, Type: c.Type}
	}
	return out
}

func (c *Column) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}
