// Package feedmill carries the sample workspace, which is also what a new
// workspace begins with.
//
// Its promise: the files are those of the repository, byte for byte.
package feedmill

import "embed"

// Sample holds deploy/local/feedmill.yaml, the feeds and templates that it
// names, and how to write them.
//
//go:embed deploy/local/feedmill.yaml feeds/*.yaml feeds/README.md templates/*.xml templates/README.md
var Sample embed.FS
