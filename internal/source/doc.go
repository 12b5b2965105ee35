// Package source reads the files of a source into record batches in the
// declared columns, and finds the deliveries that those files belong to.
//
// Its promise: every row of a file is in exactly one batch, or left out by
// `where`, or handed over as a Reject with place and reason; a file that is
// damaged or cut short is an error that names it, never fewer rows.
package source
