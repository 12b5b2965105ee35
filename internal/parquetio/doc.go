// Package parquetio writes record batches as Parquet objects of a store and
// reads them back.
//
// Its promise: an object's bytes depend only on the rows, the schema and the
// options, never on how the rows were cut into batches; and a damaged object is
// an error that names it, or gives exactly the rows that were written.
package parquetio
