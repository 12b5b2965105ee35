package snapshot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/storage"
)

// A Snapshot is a table that can be read: the offers or a source's state. It is safe for concurrent use.
type Snapshot struct {
	store    storage.Store
	alloc    memory.Allocator
	table    Table
	manifest *manifest.Manifest // nil when the run is not committed
	sizes    []int64            // of the partitions, as the manifest says; nil without one
	encoded  bool
	rows     int // of a batch; 0: as parquetio has it
}

// Open opens the snapshot of a committed run.
func Open(ctx context.Context, store storage.Store, run string) (*Snapshot, error) {
	return OpenTable(ctx, store, Prefix, run, nil)
}

// OpenTable opens the table that a committed run wrote below a prefix, which is
// also the kind of its manifest.
func OpenTable(ctx context.Context, store storage.Store, prefix, run string, alloc memory.Allocator) (*Snapshot, error) {
	m, err := manifest.Read(ctx, store, prefix, run)
	if err != nil {
		return nil, err
	}
	t := Table{Prefix: prefix, Run: run}
	sizes, err := t.sizes(m.Objects)
	if err != nil {
		return nil, fmt.Errorf("open %s/%s: %w", prefix, run, err)
	}
	return describe(ctx, &Snapshot{store: store, alloc: alloc, table: t, manifest: m, sizes: sizes}, len(sizes))
}

// OpenRun opens a table that is not committed yet, of a known number of
// partitions.
func OpenRun(ctx context.Context, store storage.Store, prefix, run string, partitions int, alloc memory.Allocator) (*Snapshot, error) {
	return describe(ctx, &Snapshot{store: store, alloc: alloc, table: Table{Prefix: prefix, Run: run}}, partitions)
}

// sizes returns the sizes of a table's partitions out of a manifest's objects.
func (t Table) sizes(objects []manifest.Object) ([]int64, error) {
	found := map[string]int64{}
	for _, o := range objects {
		if strings.HasSuffix(o.Name, ".parquet") && strings.HasPrefix(o.Name, t.Prefix+"/"+t.Run+"/") {
			found[o.Name] = o.Size
		}
	}
	if len(found) == 0 {
		return nil, errors.New("the manifest has no partitions")
	}
	sizes := make([]int64, len(found))
	for i := range sizes {
		size, ok := found[t.Name(i)]
		if !ok {
			return nil, fmt.Errorf("the manifest has %d partitions, but not %s", len(found), t.Name(i))
		}
		sizes[i] = size
	}
	return sizes, nil
}

// describe learns the schema from the first partition; the others must agree.
func describe(ctx context.Context, s *Snapshot, partitions int) (*Snapshot, error) {
	s.table.Partitions = partitions
	f, err := s.open(ctx, 0)
	if err != nil {
		return nil, err
	}
	s.table = f.table
	return s, f.reader.Close()
}

// Encoded returns the same snapshot, whose batches have texts as dictionaries where
// the partitions do: see parquetio.ReadOptions.
func (s *Snapshot) Encoded() *Snapshot {
	out := *s
	out.encoded = true
	return &out
}

// Batches returns the same snapshot, whose batches have no more than so many rows.
func (s *Snapshot) Batches(rows int) *Snapshot {
	out := *s
	out.rows = rows
	return &out
}

// Table returns what the run wrote.
func (s *Snapshot) Table() Table { return s.table }

// Manifest returns the manifest, or nil when the run is not committed.
func (s *Snapshot) Manifest() *manifest.Manifest { return s.manifest }

// Schema returns the columns but for the hidden ones.
func (s *Snapshot) Schema() offer.Schema { return s.table.Schema }

// Columns returns all columns.
func (s *Snapshot) Columns() *arrow.Schema { return s.table.Columns() }

// Digest returns that of a partition's bytes, as the manifest says; empty without
// one.
func (s *Snapshot) Digest(partition int) string {
	if s.manifest == nil {
		return ""
	}
	for _, o := range s.manifest.Objects {
		if o.Name == s.table.Name(partition) {
			return o.Digest
		}
	}
	return ""
}

// Partitions returns the number of partitions.
func (s *Snapshot) Partitions() int { return s.table.Partitions }

// Covers returns an error unless the table has some columns of a schema, of their
// types.
func (s *Snapshot) Covers(schema offer.Schema, columns []string) error {
	var missing []string
	for _, name := range columns {
		want := schema[schema.Index(name)].Type
		if at := s.table.Schema.Index(name); at < 0 || !s.table.Schema[at].Type.Equal(want) {
			missing = append(missing, name+" ("+want.String()+")")
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("snapshot %s was made with another definition of the offer: it lacks %s: run aggregate first", s.table.Run, strings.Join(missing, ", "))
}
