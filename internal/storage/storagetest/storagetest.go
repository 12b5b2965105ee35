// Package storagetest is the suite that every store passes.
package storagetest

import (
	"testing"

	"github.com/feedmill/feedmill/internal/storage"
)

// Run tests the stores that open returns, each of them empty.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {}
