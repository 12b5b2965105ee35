//go:build !isal

package part

// NewCompressor returns the Compressor that feedmill was built with.
func NewCompressor() *Compressor { return newPure() }
