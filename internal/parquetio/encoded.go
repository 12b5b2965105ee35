package parquetio

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// maxDictionary is the size of a dictionary in the object, in bytes, up to which its
// codes are kept: it is made anew for every batch.
const maxDictionary = 32 << 10

// keepDictionaries asks for the codes of the texts of a row group that are encoded by
// a small dictionary alone.
func (s *Scanner) keepDictionaries(properties *pqarrow.ArrowReadProperties, group *metadata.RowGroupMetaData) error {
	for _, leaf := range s.leaves {
		if !isText(s.reader.meta.Schema.Column(leaf)) {
			continue
		}
		chunk, err := group.ColumnChunk(leaf)
		if err != nil {
			return err
		}
		properties.SetReadDict(leaf, hasSmallDictionary(chunk))
	}
	return nil
}

// isText reports whether a leaf is texts, other than the keys of maps.
func isText(leaf *schema.Column) bool {
	if leaf.PhysicalType() != parquet.Types.ByteArray || !leaf.LogicalType().Equals(schema.StringLogicalType{}) {
		return false
	}
	entry, ok := leaf.SchemaNode().Parent().(*schema.GroupNode)
	isKey := ok && entry.Parent() != nil && entry.Parent().LogicalType().Equals(schema.MapLogicalType{}) && entry.Field(0) == leaf.SchemaNode()
	return !isKey
}

func hasSmallDictionary(chunk *metadata.ColumnChunkMetaData) bool {
	if !chunk.HasDictionaryPage() || chunk.DataPageOffset()-chunk.DictionaryPageOffset() > maxDictionary {
		return false
	}
	pages := chunk.EncodingStats()
	const dictionaryPage = 2
	return len(pages) > 0 && !slices.ContainsFunc(pages, func(p metadata.PageEncodingStats) bool {
		return p.PageType != dictionaryPage && p.Encoding != parquet.Encodings.RLEDict && p.Encoding != parquet.Encodings.PlainDict
	})
}

// decoded returns the type of a column whose dictionaries are replaced by what they
// hold, if dictionaries were asked for.
func (s *Scanner) decoded(t arrow.DataType) arrow.DataType {
	if !s.reader.options.Encoded {
		return t
	}
	return decodedType(t)
}

// schemaOf returns the schema of columns, some of which may have dictionaries where
// the scanner's have texts.
func (s *Scanner) schemaOf(columns []arrow.Array) *arrow.Schema {
	if !s.reader.options.Encoded {
		return s.schema
	}
	fields := s.schema.Fields() // a copy
	for i, c := range columns {
		fields[i].Type = c.DataType()
	}
	return arrow.NewSchema(fields, nil)
}
