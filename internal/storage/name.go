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

// CheckPrefix returns an fs.ErrInvalid error unless an object's name can begin
// with prefix, which may be empty and may end in the middle of a name.
func CheckPrefix(prefix string) error {
	folder := strings.LastIndexByte(prefix, '/')
	if folder < 0 {
		return nil
	}
	return CheckName(prefix[:folder])
}
