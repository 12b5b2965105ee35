package storage

import (
	"fmt"
	"io/fs"
	"strings"
)

// CheckName returns an fs.ErrInvalid error unless name can be an object's: parts
// separated by single slashes, none of them empty or beginning with a dot.
// Names beginning with a dot are the drivers' own, for what is not committed.
func CheckName(name string) error {
	if strings.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("object name %q: %w", name, fs.ErrInvalid)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' {
			return fmt.Errorf("object name %q: %w", name, fs.ErrInvalid)
		}
	}
	return nil
}
