package snapshot

import (
	"context"
	"fmt"
	"io"
	"maps"
	"sort"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/parquetio"
)

// A file is one partition that is open.
type file struct {
	name   string
	reader *parquetio.Reader
	table  Table    // as the footer says it
	hashes []uint64 // of the first row of each row group; nil without a key
}

// open opens a partition and checks that it is the one asked for.
func (s *Snapshot) open(ctx context.Context, partition int) (*file, error) {
	name := s.table.Name(partition)
	reader, err := parquetio.Open(ctx, s.store, name, parquetio.ReadOptions{Alloc: s.alloc, Protected: true, Encoded: s.encoded, BatchRows: s.rows})
	if err != nil {
		return nil, err
	}
	f := &file{name: name, reader: reader}
	if err := f.check(s, partition); err != nil {
		_ = reader.Close() // the first error says more
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return f, nil
}

// Rows returns how many rows a partition has.
func (s *Snapshot) Rows(ctx context.Context, partition int) (int64, error) {
	f, err := s.open(ctx, partition)
	if err != nil {
		return 0, err
	}
	return f.reader.Rows(), f.reader.Close()
}

func (f *file) check(s *Snapshot, partition int) error {
	if s.sizes != nil && s.sizes[partition] != f.reader.Size() {
		return fmt.Errorf("%d bytes, the manifest says %d", f.reader.Size(), s.sizes[partition])
	}
	entries := f.reader.Metadata()
	if err := checkFormat(entries[formatEntry]); err != nil {
		return err
	}
	if entries[partitionEntry] != strconv.Itoa(partition) || entries[partitionsEntry] != strconv.Itoa(s.table.Partitions) {
		return fmt.Errorf("partition %s of %s instead of %d of %d", entries[partitionEntry], entries[partitionsEntry], partition, s.table.Partitions)
	}
	if err := f.describe(s.table, entries); err != nil {
		return err
	}
	if s.table.Schema != nil && !f.table.Columns().Equal(s.table.Columns()) {
		return fmt.Errorf("columns %s instead of %s", f.table.Schema.Struct(), s.table.Schema.Struct())
	}
	return nil
}

func checkFormat(version string) error {
	n, err := strconv.Atoi(version)
	switch {
	case err != nil:
		return fmt.Errorf("not a partition of a table: its %s is %q", formatEntry, version)
	case n > Version:
		return fmt.Errorf("format %d is newer than this program, which reads up to %d", n, Version)
	case n < 1:
		return fmt.Errorf("unknown format %d", n)
	}
	return nil
}

// describe reads the footer's entries.
func (f *file) describe(t Table, entries map[string]string) error {
	parsed, err := offer.ParseType(entries[schemaEntry])
	if err != nil || parsed.Kind != offer.Struct {
		return fmt.Errorf("%s is %q", schemaEntry, entries[schemaEntry])
	}
	f.table = Table{Prefix: t.Prefix, Run: t.Run, Partitions: t.Partitions, Key: entries[keyEntry], Schema: offer.Schema(parsed.Fields)}
	fields := f.reader.Schema().Fields()
	hidden := len(fields) - len(parsed.Fields)
	if hidden < 0 {
		return fmt.Errorf("%d columns, %s has %d", len(fields), schemaEntry, len(parsed.Fields))
	}
	f.table.Hidden = fields[:hidden:hidden]
	if !f.table.Columns().Equal(f.reader.Schema()) {
		return fmt.Errorf("columns %v, %s is %s", f.reader.Schema(), schemaEntry, parsed)
	}
	if f.hashes, err = parseHashes(entries[hashesEntry]); err != nil {
		return err
	}
	if f.table.Key != "" && len(f.hashes) != f.reader.Groups() {
		return fmt.Errorf("%d row groups, %d hashes", f.reader.Groups(), len(f.hashes))
	}
	f.table.Metadata = ownEntries(entries)
	return nil
}

func parseHashes(text string) ([]uint64, error) {
	if len(text)%16 != 0 {
		return nil, fmt.Errorf("%s is %q", hashesEntry, text)
	}
	hashes := make([]uint64, len(text)/16)
	for i := range hashes {
		h, err := strconv.ParseUint(text[16*i:16*i+16], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is %q", hashesEntry, text)
		}
		hashes[i] = h
	}
	return hashes, nil
}

// ownEntries returns the entries that are not the format's.
func ownEntries(entries map[string]string) map[string]string {
	own := maps.Clone(entries)
	for _, name := range []string{formatEntry, schemaEntry, keyEntry, partitionEntry, partitionsEntry, hashesEntry} {
		delete(own, name)
	}
	return own
}

// seek returns the number of rows whose hash is below a given one.
func (f *file) seek(ctx context.Context, hash uint64) (int64, error) {
	after := sort.Search(len(f.hashes), func(i int) bool { return f.hashes[i] >= hash })
	if after == 0 {
		return 0, nil
	}
	var rows int64
	for g := range after - 1 {
		rows += f.reader.GroupRows(g)
	}
	scan := f.reader.ScanGroups(ctx, []string{f.table.Key}, after-1, after)
	defer scan.Close()
	for {
		batch, err := scan.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return 0, err
		}
		n := countBelow(batch, hash)
		batch.Release()
		if rows += n; n < batch.NumRows() {
			return rows, nil
		}
	}
}

// countBelow returns how many of a batch's keys, sorted by hash, are below one.
func countBelow(batch arrow.RecordBatch, hash uint64) int64 {
	keys := batch.Column(0).(*array.String)
	return int64(sort.Search(keys.Len(), func(i int) bool { return offer.Hash(keys.Value(i)) >= hash }))
}
