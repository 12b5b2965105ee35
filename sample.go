// Package feedmill carries the sample workspace, which is also what a new
// workspace begins with.
//
// Its promise: the files are those of the repository, byte for byte.
package feedmill

import "embed"

// Sample holds deploy/local/feedmill.yaml and the feeds and templates that it
// names.
//
//go:embed deploy/local/feedmill.yaml feeds/*.yaml templates/*.xml
var Sample embed.FS
