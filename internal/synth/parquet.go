package synth

import (
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// rowGroup is how many rows a row group has, and how many a worker holds.
const rowGroup = 32 * 1024

// newParquet begins a Parquet file: zstd, dictionaries where values are few, and
// statistics for the columns that readers skip by.
func newParquet(w io.Writer, schema *arrow.Schema, mem memory.Allocator, plain []string) (*pqarrow.FileWriter, error) {
	options := []parquet.WriterProperty{
		parquet.WithAllocator(mem), parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1),
		parquet.WithStoreDecimalAsInteger(true), parquet.WithStats(false), parquet.WithStatsFor("ts", true),
		parquet.WithMaxRowGroupLength(rowGroup), parquet.WithCreatedBy("feedmill synth"),
	}
	for _, column := range plain {
		options = append(options, parquet.WithDictionaryFor(column, false))
	}
	return pqarrow.NewFileWriter(schema, w, parquet.NewWriterProperties(options...), pqarrow.NewArrowWriterProperties(pqarrow.WithAllocator(mem)))
}
