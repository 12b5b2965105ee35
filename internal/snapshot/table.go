package snapshot

import (
	"fmt"
	"math/bits"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/offer"
)

// Version is the version of the format that Create writes. Its history:
//
//	1  the first one
const Version = 1

// Prefix is where the snapshots of a warehouse are, and the kind of their
// manifests.
const Prefix = "snapshots"

// The footer's entries.
const (
	formatEntry     = "feedmill.format"
	schemaEntry     = "feedmill.schema"
	keyEntry        = "feedmill.key"
	partitionEntry  = "feedmill.partition"
	partitionsEntry = "feedmill.partitions"
	hashesEntry     = "feedmill.hashes"
)

// A Table is what one run wrote below a prefix.
type Table struct {
	Prefix       string // such as snapshots or sources/price
	Run          string
	Partitions   int           // a power of two
	Key          string        // the column of text that rows are sorted by; empty: the rows have no order
	Hidden       []arrow.Field // columns before those of Schema, such as _key and _order
	Schema       offer.Schema
	NoDictionary []string          // beside Key: columns whose values hardly ever repeat
	Metadata     map[string]string // more entries of the footer
}

// Offers returns the table of a run of aggregate.
func Offers(run string, partitions int, schema offer.Schema) Table {
	return Table{Prefix: Prefix, Run: run, Partitions: partitions, Key: offer.Key, Schema: schema}
}

// Name returns the name of a partition's object.
func (t Table) Name(partition int) string {
	return fmt.Sprintf("%s/%s/%05d.parquet", t.Prefix, t.Run, partition)
}

// Columns returns the hidden columns and those of the schema.
func (t Table) Columns() *arrow.Schema {
	fields := append([]arrow.Field(nil), t.Hidden...)
	return arrow.NewSchema(append(fields, t.Schema.Arrow().Fields()...), nil)
}

func (t Table) check(partition int) error {
	if bits.OnesCount(uint(t.Partitions)) != 1 || t.Partitions < 0 {
		return fmt.Errorf("%d partitions are not a power of two", t.Partitions)
	}
	if partition < 0 || partition >= t.Partitions {
		return fmt.Errorf("no partition %d of %d", partition, t.Partitions)
	}
	parsed, err := offer.ParseType(t.Schema.Struct().String())
	if err != nil || !parsed.Equal(t.Schema.Struct()) {
		return fmt.Errorf("the schema %s cannot be read back", t.Schema.Struct())
	}
	if t.Key == "" {
		return nil
	}
	columns := t.Columns()
	found := columns.FieldIndices(t.Key)
	if len(found) != 1 || columns.Field(found[0]).Type.ID() != arrow.STRING {
		return fmt.Errorf("no key column %s of text", t.Key)
	}
	return nil
}

// entries returns the footer's entries but for the hashes.
func (t Table) entries(partition int) map[string]string {
	entries := map[string]string{}
	for k, v := range t.Metadata {
		entries[k] = v
	}
	entries[formatEntry] = strconv.Itoa(Version)
	entries[schemaEntry] = t.Schema.Struct().String()
	entries[keyEntry] = t.Key
	entries[partitionEntry] = strconv.Itoa(partition)
	entries[partitionsEntry] = strconv.Itoa(t.Partitions)
	return entries
}
