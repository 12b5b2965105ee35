// Package part keeps rendered offers as compressed segments that feeds share,
// and assembles a feed's bytes from them.
//
// Its promise: the bytes of a feed are exactly those that were rendered, or an
// error that names the object; nothing is handed on before it was checked.
//
// # Segments
//
// A segment is the items, one behind the other, of offers that go to the same
// feeds of a rendering, as raw deflate (RFC 1951) that ends with an empty stored
// block (bytes 00 00 ff ff, a sync flush) and so on a byte, without a final
// block. Segments may therefore be strung together in any order: between a gzip
// header and a final block (bytes 03 00) they are a gzip member, whose CRC
// follows from the segments' CRCs (combine in crc.go).
//
// # Layout
//
// Nothing of the format says in which order segments lie and how large they are;
// readers are as fast as the writer lays out for them. Items wait in memory by
// membership. Where the buffer is full, those are cut whose bytes, times the items
// added since they were empty, are the most (Writer.relieve). Compressed segments
// wait on a shelf, a temporary file, and the part is written when all are there,
// in the order of memberships, so that a feed's segments are neighbours. What writers
// use is of a Workshop: memory, which the next writers get, and compressors, of which
// those that no task has compress for any (press).
//
// Measured (BenchmarkLayout of internal/generate, 2026-11): one of 8 partitions of
// 957,000 generated offers, three of 20 renderings of 65 feeds each, stretches read
// as fetch.go does. Reads are per feed and partition.
//
//	                                        reads  over-read  segment  stored   time
//	ordered within 0.6 MB, largest cut first   66      51 %     11 kB  61.3 MB  1
//	all of the part ordered                    6.3      6 %     11 kB  61.3 MB  0.93
//	... by bytes times age                     6.1      8 %     15 kB  54.7 MB  0.87
//	... and a buffer twice as large, 4.6 MB    5.8      8 %     29 kB  48.0 MB  0.79
//	... a buffer of 8 MB                       5.3      7 %     51 kB  45.4 MB  0.75
//	... a buffer of 16 MB                      4.9      5 %     90 kB  44.6 MB  0.72
//
// Memberships rarer than 64 offers cost 7 % more bytes than those rarer than 16
// with a large buffer (270 MB compressed instead of 251 MB), for 4.3 reads instead
// of 4.9; with none 232 MB and 5.4 reads. Those rarer than 4 instead of 16 cost 3 %
// fewer bytes to compress, for 3 % more reads. Gaps of 256 kB read over instead of
// 64 kB save a fifth of the reads and read a fifth in vain.
//
// # Format 1
//
// Integers are little-endian; a "varint" is an unsigned LEB128 integer, a
// "string" a varint length and so many bytes of UTF-8, a "crc" the 4 bytes of
// the CRC-32 of RFC 1952. Both kinds of objects end in a table and a trailer of
// 24 bytes:
//
//	8 bytes  length of the table
//	crc      of the table
//	4 bytes  version of the format: 1
//	8 bytes  "FMPART\r\n", or "FMFEED\r\n" in a feed index
//
// A part, feeds/<run>/<rendering>/<partition of 5 digits>.part, is the 8 bytes
// "FMPART\r\n", its segments back to back, table and trailer. The table:
//
//	string   rendering
//	varint   partition
//	varint   number of partitions
//	string   what compressed the segments
//	varint   number of feeds of the rendering, then for each
//	           string  its name; its number is its place in this list, from 0
//	varint   number of memberships, then for each
//	           varint  number of feeds, then for each, ascending,
//	                     varint  the difference of its number to the one before (the first: to 0)
//	varint   number of segments, then for each, in the order in which they lie
//	           varint  its membership, by its place in that list, from 0
//	           varint  its length
//	           varint  the length of its items
//	           varint  the number of its items
//	           crc     of its bytes
//	           crc     of its items
//	           16 bytes  digest of its items: the sum of the XXH3-128 of each, low half first, modulo 2^128
//
// A feed holds the items of all segments whose membership has its number.
// Memberships of few offers are not worth segments of their own: their offers
// are written once for each of the feeds, into segments of that feed alone. So
// an item may be in several segments, but in one only of any feed.
//
// A feed index, feeds/<run>/<feed>.index, says what a feed is made of. It is the
// 8 bytes "FMFEED\r\n", table and trailer. The table:
//
//	string   feed
//	string   run
//	varint   when the content last changed: milliseconds since 1970, UTC
//	16 bytes digest of the content (ContentDigest)
//	varint   number of objects, then for each
//	           string  its name
//	           varint  its length
//	varint   number of files (one, unless the feed is numbered), then for each
//	           string  its name, without an ending
//	           string  header
//	           string  footer
//	           varint  number of segments, then for each, in the order of the file
//	             varint  the object it is in, by its place in that list, from 0
//	             varint  where it begins
//	             varint, varint, varint, crc, crc, 16 bytes  as in a part
//	varint   depth of the sample
//	varint   number of partitions of the snapshot, a power of two or 0, then for each
//	           varint  number of ids, at most the depth, then each, a string: the first
//	                     offers of the partition that are in the feed
//
// A file's bytes are its header, the items of its segments and its footer. As a
// gzip member header and footer are stored blocks of at most 65,535 bytes.
package part

import (
	"fmt"
	"strings"
)

// Version is the version of the formats of parts and feed indexes that this
// package writes; it reads all up to it. History:
//
//	1: the first.
const Version = 1

const (
	partMagic  = "FMPART\r\n"
	feedMagic  = "FMFEED\r\n"
	trailerLen = 24
)

// Extension is how the names of parts end.
const Extension = ".part"

// Name returns the name of a rendering's part for a partition.
func Name(run, rendering string, partition int) string {
	return fmt.Sprintf("feeds/%s/%s/%05d%s", run, rendering, partition, Extension)
}

// RunOf returns the run that an object of this package belongs to, by its name.
func RunOf(name string) string {
	run, _, _ := strings.Cut(strings.TrimPrefix(name, Kind+"/"), "/")
	return run
}

// IndexName returns the name of a feed's index.
func IndexName(run, feed string) string { return fmt.Sprintf("feeds/%s/%s.index", run, feed) }

// A Segment is one segment as a table describes it.
type Segment struct {
	Membership int    // in the table of its part
	Offset     int64  // in its object
	Length     int64  // in its object
	Raw        int64  // length of its items
	Items      int64  // number of its items
	Sum        uint32 // CRC-32 of its bytes
	RawSum     uint32 // CRC-32 of its items
	Digest     Digest // of its items
}
