// Package snapshot writes and opens tables of rows that are partitioned by the
// hash of their key: the snapshots of the offer and the stored states of its
// sources.
//
// Its promise: a partition that opens without an error has the rows that were
// committed, each once, sorted by (hash, key), and is the partition of that
// number and of that table; and a table written in any number of partitions can
// be read in any other, in time linear in what is read.
//
// # Format
//
// A table of N partitions, N a power of two, is N Parquet objects
// <prefix>/<run>/00000.parquet, 00001.parquet, ..., also where a partition has
// no rows. A row is in partition offer.Partition(offer.Hash(key), N). Within an
// object rows are sorted by (hash, bytes of the key), without repeats. A table
// may be without a key; then its rows have no order. The columns are the hidden
// ones, then those of the schema in the Arrow form of package offer. Entries of
// the footer say what the object is:
//
//	feedmill.format      the format's version, a decimal number
//	feedmill.schema      the columns but for the hidden ones, as struct{id: string, ...}
//	feedmill.key         the name of the key column; empty for a table without a key
//	feedmill.partition   the number of this partition, from 0
//	feedmill.partitions  N
//	feedmill.hashes      the hash of the first row of each row group, 16 hexadecimal digits each
//
// Package parquetio says how the Parquet objects are protected against damage.
package snapshot
