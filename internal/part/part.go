// Package part keeps rendered offers as compressed segments that feeds share,
// and assembles a feed's bytes from them.
//
// Its promise: assembled bytes are exactly those that were rendered, or an
// error that names the object.
package part

// Version is the version of the formats of parts and feed indexes.
//
// History: 1: the first.
const Version = 1
